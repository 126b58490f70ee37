"""A client of the Kubernetes API that reads: over the wire, within bounds, pages followed, refusals told apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from pytest_prodcheck.config.models import ClusterTarget, WebTarget
from pytest_prodcheck.observe.cluster import Object, Table, items, name_of, number, text
from pytest_prodcheck.observe.cluster_needs import RESOURCES, Kind
from pytest_prodcheck.observe.cluster_parts import table as table_of
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.guard import kubernetes as guard
from pytest_prodcheck.targets.kubernetes import trust
from pytest_prodcheck.targets.kubernetes.answers import problem_of
from pytest_prodcheck.targets.kubernetes.credential import Credential, Remember
from pytest_prodcheck.targets.kubernetes.kubeconfig import Access
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem
from pytest_prodcheck.targets.wire import Wire

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io, application/json"
_ROWS, _OBJECTS = 2500, 250
"""How many rows or objects a page has: some hundred kilobytes each."""
_PAGES = 400
_TRIES = 4
_LOG_BYTES = 64 * 1024
Pages = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole LIST, all pages of it."""

    table: Table | None = None
    items: tuple[Object, ...] = ()


class Api:
    """One API server, as one target asks it. Methods may be called from many threads; all raise ApiProblem."""

    def __init__(
        self, wire: Wire, target: str, table: ClusterTarget, way: Access, remember: Remember, line: str = ""
    ) -> None:
        """`line` is the wire's name for it where another target asks, too (pod logs)."""
        self.target, self.way, self._wire, self._timeout = line or target, way, wire, table.timeout
        self._credential = Credential(target, way, table.timeout, remember)
        self._authorization = self._credential.header()
        context = trust.context(target, way, strict=table.x509_strict, certificate=self._credential.certificate)
        seen = WebTarget(proxy=table.proxy or way.beside.proxy, timeout=table.timeout)
        check = partial(guard.check, base=urlsplit(way.server).path)
        wire.open(self.target, seen, (way.server,), {}, Path(), context=context, check=check)
        self.seen: list[Observation] = []
        """Every exchange, without bodies."""
        self._versions: Mapping[str, str] | None = None
        self.now = 0.0
        """The server's clock, by its last `Date`; seconds since the epoch."""

    def version(self) -> str:
        """The server's version: `v1.34.4`."""
        if not (version := text(self._json("/version"), "gitVersion")):
            raise self._strange("/version", "no version of Kubernetes")
        return version

    def serves(self, resource: str) -> bool:
        """Whether the server knows the group of an installed kind, whose preferred version is asked for from then on; a
        server that does not tell its groups is asked for the kind itself."""
        if self._versions is None:
            try:
                groups = items(self._json("/apis"), "groups")
            except ApiProblem as problem:
                if problem.status not in (403, 404):
                    raise
                groups = []
            self._versions = {text(one, "name"): text(one, "preferredVersion", "version") for one in groups}
        return not self._versions or RESOURCES[resource].group in self._versions

    def get(self, resource: str, name: str, namespace: str = "") -> Object:
        """One object."""
        path = self._path(resource, namespace, name)
        found = self._json(path)
        if name_of(found) != name:
            raise self._strange(path, f"{text(found, 'kind') or 'something'} {name_of(found) or 'without a name'}")
        return found

    def list(self, resource: str, namespace: str = "", *, labels: str = "", fields: str = "") -> Listing:
        """All objects of a kind, in full; without a namespace, of all of them."""
        query = {"labelSelector": labels, "fieldSelector": fields}
        pages = self._pages(self._path(resource, namespace), query, _OBJECTS, "application/json")
        return Listing(items=tuple(item for page in pages for item in items(page, "items")))

    def table(self, resource: str, namespace: str = "", *, labels: str = "", metadata: bool = False) -> Listing:
        """All objects of a kind as a server-side Table; a server that makes none gives objects."""
        path = self._path(resource, namespace)
        query = {"labelSelector": labels, "includeObject": "Metadata" if metadata else "None"}
        pages = list(self._pages(path, query, _ROWS, _TABLE))
        if all(page.get("kind") != "Table" for page in pages):
            return Listing(items=tuple(item for page in pages for item in items(page, "items")))
        columns = tuple(text(column, "name") for column in items(pages[0], "columnDefinitions"))
        read = [row for page in pages for row in items(page, "rows")]
        cells = tuple(tuple(found) for row in read if isinstance(found := row.get("cells"), list))
        if len(cells) != len(read) or any(_form(page) != _form(pages[0]) for page in pages):
            raise self._strange(path, "a Table whose rows and columns do not fit each other")
        owners = tuple(table_of(row, "object") for row in read) if metadata else ()
        return Listing(Table(columns, cells, owners))

    def log(
        self, pod: str, container: str, namespace: str, *, previous: bool = False, lines: int = 20, since: str = "",
        limit: int = _LOG_BYTES,
    ) -> bytes:  # fmt: skip
        """The last `lines` of a container's log (0: all of them), at most `limit` bytes. `since` (RFC 3339) leaves
        out what is older, by whole seconds, and puts before each line when it was written."""
        query = {"container": container, "tailLines": str(lines or ""), "limitBytes": str(limit), "sinceTime": since}
        query |= ({"timestamps": "true"} if since else {}) | ({"previous": "true"} if previous else {})
        return self._answer(f"{self._path('pods', namespace, pod)}/log", query, "*/*").body

    def _path(self, resource: str, namespace: str = "", name: str = "") -> str:
        plural, kind = resource.partition(".")[0], RESOURCES[resource]
        place = f"/namespaces/{quote(namespace, safe='')}" if namespace and kind.namespaced else ""
        return self._root(kind) + place + f"/{plural}" + (f"/{quote(name, safe='')}" if name else "")

    def _root(self, kind: Kind) -> str:
        version = ((self._versions or {}).get(kind.group) if kind.installed else "") or kind.version
        return f"/apis/{kind.group}/{version}" if kind.group else f"/api/{version}"

    def _pages(self, path: str, query: Mapping[str, str], limit: int, accept: str) -> Iterator[dict[str, Any]]:
        """Page after page. One that is too large is asked for again in smaller parts; a list that expired on the way
        (410 Gone) is begun again, once."""
        for _ in range(2):
            pages: Pages = []
            try:
                yield from self._followed(path, query, limit, accept, pages)
            except ApiProblem as problem:
                if problem.status != 410:
                    raise
            else:
                return
        raise ApiProblem(
            self.target, f"{path}: the list expired twice while it was read", "cluster.api.failing", status=410
        )

    def _followed(
        self, path: str, query: Mapping[str, str], limit: int, accept: str, pages: Pages
    ) -> Iterator[dict[str, Any]]:
        token = ""
        while len(pages) < _PAGES:
            asked = {**query, "limit": str(limit), "continue": token}
            try:
                page = self._json(path, asked, accept)
            except ApiProblem as problem:
                if problem.code != "cluster.api.answer_too_large" or limit < 2:
                    raise
                limit = max(1, limit // 8)
                continue
            if not isinstance(page.get("rows" if page.get("kind") == "Table" else "items", 0), list | None):
                raise self._strange(path, f"a {text(page, 'kind') or 'document'} without a list in it")
            pages.append(page)
            before, token = token, text(page, "metadata", "continue")
            if token and token == before:
                raise self._strange(path, "the same page again, however often it is turned")
            if not token:
                if number(page, "metadata", "remainingItemCount") > 0:
                    raise self._strange(path, "the beginning of a list, and no way to the rest")
                yield from pages
                return
        raise ApiProblem(self.target, f"{path}: more than {_PAGES} pages", "cluster.api.answer_too_large")

    def _json(
        self, path: str, query: Mapping[str, str] | None = None, accept: str = "application/json"
    ) -> dict[str, Any]:
        answer = self._answer(path, query or {}, accept)
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise self._strange(path, "no JSON object")
        return document

    def _strange(self, path: str, what: str) -> ApiProblem:
        """A log-in page, a Status, an answer of something else: nothing of it may be read as an empty list."""
        said = f"GET {path}: the answer is {what}; is {self.way.server} an API server?"
        return ApiProblem(self.target, said, "cluster.api.failing", status=200)

    def _answer(self, path: str, query: Mapping[str, str], accept: str) -> Observation:
        """A 2xx answer. 429 is waited for as Retry-After says (the wire holds the host's permits back meanwhile); 401
        asks the credential again, once."""
        renewed, busy = False, None
        for _ in range(_TRIES):
            answer = self._sent(path, query, accept)
            if answer.error == "stopped" and busy is not None:
                answer = busy  # the pause that it wants is longer than the run
                break
            busy = answer if answer.status == 429 else None
            if answer.status == 401 and self._credential.renewable and not renewed:
                renewed, self._authorization = True, self._credential.header(again=True)
            elif answer.status != 429:
                break
        if answer.error or not answer.expected:
            raise problem_of(answer, self.target, self.way, path)
        return answer

    def _sent(self, path: str, query: Mapping[str, str], accept: str) -> Observation:
        parameters = urlencode({key: value for key, value in query.items() if value})
        url = self.way.server + path + (f"?{parameters}" if parameters else "")
        headers = {"Accept": accept} | ({"Authorization": self._authorization} if self._authorization else {})
        answer = self._wire.send(
            HttpRequest(
                self.target, "GET", url, headers, timeout=self._timeout, kind="readiness", operation=f"GET {path}"
            )
        )
        self.seen.append(replace(answer, body=b""))
        self.now = _date(answer) or self.now
        return answer


def _date(answer: Observation) -> float:
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        return 0.0


def _form(page: Object) -> object:
    return page.get("kind"), [one.get("name") for one in items(page, "columnDefinitions")]
