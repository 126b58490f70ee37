"""Reads the objects of one namespace, one question at a time, and keeps what was refused or is not known."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.observe.cluster import Keys, Object, Refusal, Table, name_of, text
from pytest_prodcheck.observe.cluster_needs import RESOURCES, Need
from pytest_prodcheck.observe.cluster_objects import keys, pruned
from pytest_prodcheck.targets.kubernetes.api import Api, Listing
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem

Clean = Callable[[bytes], str]
"""Makes text of what a container said: redacted, without control characters, bounded."""
_EVENTS = "type=Warning"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "pods": ("Name", "Ready", "Status", "Restarts"),
    "replicasets.apps": ("Name", "Ready", "Images"),
    "secrets": ("Name",),
}
"""Columns without which a Table says nothing of its objects; every Kubernetes server gives them."""
_NAME = compiled(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,252}")
"""What the API takes as the name of an object (RFC 1123; colons in RBAC's own)."""
NAMESPACE_MISSING = "cluster.namespace.missing"


@dataclass
class Reader:
    """Reads one namespace. What RBAC forbids is kept as a refusal, what the server does not know as absent; anything
    else that goes wrong raises ApiProblem."""

    api: Api
    table: ClusterTarget
    clean: Clean
    tables: dict[str, Table] = field(default_factory=dict)
    objects: dict[str, tuple[Object, ...]] = field(default_factory=dict)
    known: dict[str, dict[str, Keys | None]] = field(default_factory=lambda: {"secrets": {}, "configmaps": {}})
    tails: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: dict[str, tuple[Refusal, ...]] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)

    @property
    def namespace(self) -> str:
        """The namespace that is read."""
        return self.api.way.namespace

    def exists(self) -> None:
        """A LIST of a namespace that is not there is an empty 200; only the namespace itself says so (404)."""
        try:
            self.api.get("namespaces", self.namespace)
        except ApiProblem as problem:
            if problem.status == 404:
                text = f"there is no namespace {self.namespace} at {self.api.way.server}"
                raise ApiProblem(self.api.target, text, NAMESPACE_MISSING, status=404) from None
            if problem.status != 403:
                raise
            self._refuse(Refusal("namespaces", "get", problem.message, names=(self.namespace,)))

    def one(self, need: Need) -> None:
        """Reads what is needed of one resource."""
        namespace = need.namespace or self.namespace
        if RESOURCES[need.resource].installed and not self.api.serves(need.resource):
            self.absent.add(need.resource)
        elif need.form == "keys":
            self.read_keys(need)
        elif need.form == "object":
            for name in need.names:
                self._get(need.resource, namespace, name)
        elif (found := self.allowed(need, namespace, lambda: self._listed(need, namespace))) is not None:
            self._refuse_nonsense(need.resource, found)
            if found.table is not None:
                self.tables[need.resource] = found.table
            else:
                self.keep(need.resource, found.items)

    def _listed(self, need: Need, namespace: str) -> Listing:
        if need.form == "objects":
            fields = _EVENTS if need.resource == "events" else ""
            return self.api.list(need.resource, namespace, labels=need.labels, fields=fields)
        found = self.api.table(need.resource, namespace, labels=need.labels, metadata=need.form == "metadata")
        missing = set(COLUMNS.get(need.resource, ())) - set(found.table.columns if found.table else ())
        if missing:
            said = f"the API server gives {need.resource} without the columns {', '.join(sorted(missing))}"
            raise ApiProblem(self.api.target, said, "cluster.api.failing", status=200)
        return found

    def _refuse_nonsense(self, resource: str, found: Listing) -> None:
        """No API server has objects without a name, or with one that means something to a shell or a terminal."""
        names = found.table.names if found.table is not None else map(name_of, found.items)
        if (strange := next((name for name in names if not _NAME.fullmatch(name)), None)) is not None:
            said = f"the API server gives {resource} with a name that none can have: {strange[:80]!r}"
            raise ApiProblem(self.api.target, said, "cluster.api.failing", status=200)

    def keep(self, resource: str, found: tuple[Object, ...]) -> None:
        """Adds full objects to those of a kind; one that is known is replaced."""
        names = {name_of(one) for one in found}
        before = [one for one in self.objects.get(resource, ()) if name_of(one) not in names]
        self.objects[resource] = (*before, *(pruned(one, self._services) for one in found))

    def read_pod(self, name: str) -> None:
        """One pod in full; one that is gone since it was listed is left out."""
        self._get("pods", self.namespace, name)

    @property
    def _services(self) -> Collection[str]:
        return frozenset(name_of(one) for one in self.objects.get("services", ()))

    def _get(self, resource: str, namespace: str, name: str) -> None:
        need = Need(resource, "object", "", (name,))
        try:
            found = self.allowed(need, namespace, lambda: self.api.get(resource, name, namespace))
        except ApiProblem as problem:
            if problem.status != 404:
                raise
            found = None
        if found is not None:
            self.keep(resource, (found,))

    def read_keys(self, need: Need) -> None:
        """The keys of named Secrets or ConfigMaps; their values are gone when this ends."""
        namespace = need.namespace or self.namespace
        for name in need.names:
            read = lambda name=name: self.api.get(need.resource, name, namespace)  # noqa: E731
            try:
                found = self.allowed(Need(need.resource, "keys", "", (name,)), namespace, read)
            except ApiProblem as problem:
                if problem.status != 404:
                    raise
                self.known[need.resource][name] = None
                continue
            if found is not None:
                self.known[need.resource][name] = _known(found, need.resource == "secrets", self._services)

    def allowed(self, need: Need, namespace: str, ask: Callable[[], Any]) -> Any:
        """What `ask` gives; None where RBAC forbids it, or a LIST is of a kind that the server does not know."""
        try:
            return ask()
        except ApiProblem as problem:
            if problem.status == 403:
                names = () if need.resource == "pods" else need.names  # no rule names what lives for a day
                self._refuse(Refusal(need.resource, need.verb, problem.message, namespace, names))
                return None
            if problem.status == 404 and need.verb == "list":
                self.absent.add(need.resource)
                return None
            raise

    def _refuse(self, refusal: Refusal) -> None:
        """Keeps a refusal; one of the same verb and namespace is about more objects from then on."""
        others: list[Refusal] = []
        for known in self.refused.get(refusal.resource, ()):
            if (known.verb, known.namespace) != (refusal.verb, refusal.namespace):
                others.append(known)
            elif known.names and refusal.names:
                refusal = replace(known, names=tuple(dict.fromkeys([*known.names, *refusal.names])))
            else:
                refusal = replace(known, names=())
        self.refused[refusal.resource] = (*others, refusal)


def _known(found: Object, secret: bool, services: Collection[str]) -> Keys:
    """The keys, and of a Secret that holds a certificate what everybody who connects is shown of it."""
    held = keys(found, encoded=secret, services=services)
    if not secret or "tls.crt" not in held.keys:
        return held
    from pytest_prodcheck.targets import peer_certificate

    return replace(held, certificate=peer_certificate.of_secret(text(found, "data", "tls.crt")))
