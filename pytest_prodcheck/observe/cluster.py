"""A namespace of a Kubernetes cluster, read once a run, as plain data. No value of a Secret or ConfigMap is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pytest_prodcheck.observe.observation import Json

Object = Mapping[str, Json]
"""An object as the API gives it, pruned by `observe.cluster_objects`."""


@dataclass(frozen=True, slots=True)
class Table:
    """A server-side Table (meta.k8s.io/v1): what `kubectl get -o wide` shows, row by row."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Json, ...], ...] = ()
    metadata: tuple[Object, ...] = ()
    """Of each row, where it was asked for."""

    def dicts(self) -> Iterator[dict[str, Json]]:
        """Each row as column → cell."""
        return (dict(zip(self.columns, row, strict=False)) for row in self.rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the rows' objects."""
        at = self.columns.index("Name") if "Name" in self.columns else 0
        return tuple(str(row[at]) for row in self.rows)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What RBAC does not allow us."""

    resource: str
    """As `kubectl api-resources` names it: `pods`, `deployments.apps`, `pods/log`."""
    verb: str
    message: str = ""
    """The API server's words."""
    namespace: str = ""
    """Empty for what lies in no namespace."""
    names: tuple[str, ...] = ()
    """Of the objects that were asked for by name; none for a LIST."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What may be known of a value of a Secret or ConfigMap: never the value (T8)."""

    length: str
    """Its class: `empty`, `1-7`, `8-15`, `16-31`, `32-63`, `64 and more` characters."""
    flaws: tuple[str, ...] = ()
    """What is wrong with its form, in words: `ends with a line break`, `stands in quotes`."""
    services: tuple[str, ...] = ()
    """The services of the namespace that it names as hosts; never of a Secret's value."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.length == "empty"


@dataclass(frozen=True, slots=True)
class Write:
    """The last time that one manager wrote a Secret or ConfigMap (an entry of `managedFields`)."""

    at: float
    """Seconds since the epoch."""
    keys: frozenset[str] = frozenset()
    """The keys that it owns; empty for all."""
    only_data: bool = True
    """Whether data is all that it owns: else it may have changed labels only."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one Secret or ConfigMap."""

    name: str
    keys: Mapping[str, KeyFacts]
    type: str = ""
    changed_at: float = 0.0
    """When its data last changed (newest of its managed fields), seconds since the epoch; 0 where nobody says."""
    created_at: float = 0.0
    """When the object was made, seconds since the epoch."""
    writes: tuple[Write, ...] = ()
    """Who wrote its data, and when."""
    certificate: Mapping[str, Any] | None = None
    """Of a TLS Secret: names and validity of its certificate, an empty one where it cannot be read; None where nobody
    looked."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The snapshot: one LIST a kind and namespace; full objects only where something looks bad, and of workloads."""

    namespace: str
    version: str = ""
    """`v1.34.4`."""
    now: float = 0.0
    """The API server's clock (`Date`), seconds since the epoch."""
    kubectl: str = "kubectl"
    """How commands for this namespace begin: `kubectl --context staging -n plan-prod`."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    objects: Mapping[str, tuple[Object, ...]] = field(default_factory=dict)
    secrets: Mapping[str, Keys | None] = field(default_factory=dict)
    """Name → its keys, of those that were asked for; None where there is none."""
    configmaps: Mapping[str, Keys | None] = field(default_factory=dict)
    tails: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(pod, container) → the last lines of its previous instance, redacted."""
    refused: Mapping[str, tuple[Refusal, ...]] = field(default_factory=dict)
    """Resource → what of it was refused, each verb and namespace once."""
    absent: frozenset[str] = frozenset()
    """Resources that the server does not know: CRDs that are not installed."""

    def named(self, resource: str, name: str) -> Object | None:
        """The object of that name, among those that were read in full."""
        return next((one for one in self.objects.get(resource, ()) if name_of(one) == name), None)

    def of_owner(self, resource: str, owner: str) -> tuple[Object, ...]:
        """The objects of a kind that an object with that uid owns."""
        return tuple(one for one in self.objects.get(resource, ()) if owner_uid(one) == owner)


def at(thing: Json | Object | None, *path: str | int) -> Json:
    """What stands at a path in an object; None where a step is not there or is of another type."""
    for step in path:
        if isinstance(thing, Mapping) and isinstance(step, str):
            thing = thing.get(step)
        elif isinstance(thing, list | tuple) and isinstance(step, int) and -len(thing) <= step < len(thing):
            thing = thing[step]
        else:
            return None
    return thing  # type: ignore[return-value]


def text(thing: Json | Object | None, *path: str | int) -> str:
    """The string at a path; empty where there is none."""
    found = at(thing, *path)
    return found if isinstance(found, str) else ""


def number(thing: Json | Object | None, *path: str | int) -> int:
    """The whole number at a path; 0 where there is none."""
    found = at(thing, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def items(thing: Json | Object | None, *path: str | int) -> Sequence[Object]:
    """The objects in the list at a path; none where there is no list."""
    found = at(thing, *path)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list | tuple) else []


def labels(thing: Object | None, *path: str | int) -> dict[str, str]:
    """The string map at a path (`metadata`, `labels`)."""
    found = at(thing, *path)
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, Mapping) else {}


def name_of(thing: Object | None) -> str:
    """The object's name."""
    return text(thing, "metadata", "name")


def condition(thing: Object | None, kind: str) -> Object:
    """The condition of that type in the object's status; empty where there is none."""
    return next((one for one in items(thing, "status", "conditions") if one.get("type") == kind), {})


def owner_uid(thing: Object) -> str:
    """Uid of the controller that owns the object; empty for none."""
    owners = items(thing, "metadata", "ownerReferences")
    return next((text(one, "uid") for one in owners if one.get("controller")), "")


def owner_kind(thing: Object) -> tuple[str, str]:
    """Kind and name of the controller that owns the object."""
    owners = items(thing, "metadata", "ownerReferences")
    return next(((text(one, "kind"), text(one, "name")) for one in owners if one.get("controller")), ("", ""))


def moment(said: Json) -> float:
    """Seconds since the epoch of an RFC 3339 time; 0 where there is none."""
    try:
        parsed = datetime.fromisoformat(str(said)) if said else None
    except ValueError:
        return 0.0
    return parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp() if parsed else 0.0
