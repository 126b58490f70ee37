"""The http target: readiness of a host, its declared endpoints, its revision."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count, pairwise
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from pytest_prodcheck.config.models import Cleanup, Endpoint, HttpTarget, Revision
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.observation import Kind, Observation
from pytest_prodcheck.observe.request import Credentials, HttpRequest
from pytest_prodcheck.targets import cleanup
from pytest_prodcheck.targets.connection import Origin, refusing_addresses
from pytest_prodcheck.targets.wire import Wire

if TYPE_CHECKING:
    from pytest_prodcheck.targets.forgery import Forger

_HEALTH_WORDS = ("health", "ready", "live", "status", "ping")
_READINESS_TRIES = 3
REVISION_SAMPLES = 5
_AGAIN = 8
"""How often a user's refused read is asked again: replicas that take turns show both their faces with 96 %."""
_AGAIN_IN_ALL = 32


class HttpProber:
    """Asks one host. Every method returns observations; only `send` raises `Refused`, for what is not a proven read."""

    def __init__(
        self,
        wire: Wire,
        target: str,
        table: HttpTarget,
        credentials: Credentials,
        in_flight: int,
        forger: Forger | None = None,
    ) -> None:
        self._wire, self.target, self.table, self._credentials = wire, target, table, credentials
        self._forger = forger
        self.origin = Origin.of(table.url)
        self.lane, self.width = str(self.origin), in_flight
        self._again = count()

    def ready(self) -> Evidence:
        """One answer from behind the gateway, of up to three endpoints, and a look at every address of the host."""
        observations: list[Observation] = []
        for path in self._readiness_paths():
            request = HttpRequest(
                self.target,
                "GET",
                self._url(path),
                timeout=self.table.timeout,
                kind="readiness",
                operation=f"GET {path}",
                expected=tuple(range(200, 502)),
            )
            observations.append(self._sent(request))
            if observations[-1].error or not _gateway_only(observations[-1]):
                break
        return Evidence(tuple(observations), {"addresses": self._addresses(observations[-1])})

    def probe(self, function: str, subject: str, user: str, attempt: int) -> Evidence:
        """The evidence of one shipped check."""
        del user
        if function == "test_endpoint":
            observations = self.endpoint(subject, attempt)
            again = self._asked_again(subject, observations[-1])
            return Evidence((*observations, *again), self._undone(subject, observations[-1]))
        if function == "test_broken_token_refused":
            return Evidence(tuple(self._broken_token(subject)))
        if function == "test_refuses":
            return self._refusals(subject)
        names = self.table.header_samples if function == "test_security_headers" else ()
        return Evidence(tuple(self._sent(self.request(name, self.table.endpoints[name])) for name in names))

    def _asked_again(self, name: str, refused: Observation) -> list[Observation]:
        """A user's read that got an undeclared 401, asked again until it was accepted and refused in turn (R19)."""
        found: list[Observation] = []
        if refused.status != 401 or refused.expected or not refused.user or name not in self.table.repeatable:
            return found
        request = replace(self.request(name, self.table.endpoints[name]), kind="readiness")
        while len(found) < _AGAIN and next(self._again) < _AGAIN_IN_ALL:
            found.append(self._sent(request))
            faces = [seen.status == 401 for seen in (refused, *found)]
            if sum(one != other for one, other in pairwise(faces)) >= 2:
                break
        return found

    def _broken_token(self, name: str) -> list[Observation]:
        """The same read with the user's token, with its signature changed, and, where that passes, without any."""
        from pytest_prodcheck.observe import jose

        request = replace(self.request(name, self.table.endpoints[name]), kind="readiness", jar="")
        good = self._sent(request)
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not good.expected or token.count(".") != 2:
            return [good]
        headers = {**request.headers, "authorization": f"Bearer {jose.tampered(token)}"}
        refused = tuple(range(400, 500))
        broken = self._sent(replace(request, headers=headers, expected=refused))
        if broken.expected:
            return [good, broken]
        del headers["authorization"]
        return [good, broken, self._sent(replace(request, headers=headers, expected=refused, user=""))]

    def _refusals(self, name: str) -> Evidence:
        """The declared read with each token that it must refuse."""
        from pytest_prodcheck.targets import refusals

        if self._forger is None:
            return Evidence()
        endpoint = self.table.endpoints[name]
        request = replace(self.request(name, endpoint), kind="readiness", jar="")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        plain = {key: value for key, value in request.headers.items() if key != "authorization"}

        def send(shown: str, _role: str) -> Observation:
            headers = plain | ({"authorization": f"Bearer {shown}"} if shown else {})
            return self._sent(replace(request, headers=headers, user=""))

        good = self._sent(request) if any(one != "none" for one in endpoint.refuses) else None
        return refusals.ask(endpoint.refuses, token, self._forger, send, good)

    def send(self, request: HttpRequest) -> Observation:
        """A test's own request, as the user that it names: a read, whatever it says of itself."""
        headers = {**request.headers, **(self._credentials(request.user) if request.user else {})}
        return self._wire.send(replace(request, headers=headers, declared=False, effect="read"))

    def repeater(self, function: str, subject: str, user: str) -> Callable[[], Observation] | None:
        """Repeats a declared read for a limit; None for what must not be repeated."""
        del user
        if function != "test_endpoint" or subject not in self.table.repeatable:
            return None
        return lambda: self.endpoint(subject, kind="sample")[-1]

    def repeaters(self) -> Sequence[Callable[[], Observation]]:
        """None: what a host is asked is declared."""
        return []

    def endpoint(self, name: str, attempt: int = 1, kind: Kind = "declared") -> list[Observation]:
        """The declared request, and again up to `retries` times while its answer is not an expected one."""
        endpoint = self.table.endpoints[name]
        observations: list[Observation] = []
        for number in range(1 + (endpoint.retries if kind == "declared" else 0)):
            observation = self._sent(self.request(name, endpoint, attempt + number, kind))
            observations.append(observation)
            if observation.expected or observation.error == "refused":
                break
        return [self._chased(name, endpoint, observations[-1])] if len(observations) == 1 else observations

    def _undone(self, name: str, written: Observation) -> Mapping[str, Observation | str]:
        """How the clean-up of a declared write went: its exchange, or what the write's answer lacks for it."""
        endpoint = self.table.endpoints[name]
        if not endpoint.writes or not isinstance(endpoint.cleanup, Cleanup) or not cleanup.due(written):
            return {}
        try:
            request = cleanup.filled(endpoint.cleanup, written)
        except cleanup.Unfilled as missing:
            return {"cleanup": missing.name}
        headers = {**endpoint.headers, **request.headers}
        undoing = endpoint.model_copy(
            update={"path": request.path, "method": request.method, "headers": headers, "query": {}, "text": None,
                    "json_": request.json_, "form": request.form, "status": request.status, "follow": False}
        )  # fmt: skip
        return {"cleanup": self._sent(self.request(name, undoing, kind="readiness"))}

    def revision(self, revision: Revision) -> list[Observation]:
        """What several requests in a row say, so that two replicas of different builds both get their word."""
        return [self._revision_request(revision) for _ in range(REVISION_SAMPLES)]

    def request(self, name: str, endpoint: Endpoint, attempt: int = 1, kind: Kind = "declared") -> HttpRequest:
        """The declared endpoint as the wire sends it."""
        body, content_type = _body(endpoint)
        headers = dict(endpoint.headers)
        if content_type and not any(header.lower() == "content-type" for header in headers):
            headers["content-type"] = content_type
        if endpoint.as_:
            headers.update(self._credentials(endpoint.as_))
        query = f"?{urlencode(endpoint.query)}" if endpoint.query else ""
        return HttpRequest(
            target=self.target,
            method=endpoint.method.upper(),
            url=self._url(endpoint.path) + query,
            headers=headers,
            body=body,
            effect="write" if endpoint.writes else "read",
            timeout=endpoint.timeout or self.table.timeout,
            follow=endpoint.follow,
            expected=endpoint.status,
            kind=kind,
            operation=f"{endpoint.method.upper()} {endpoint.path}",
            subject=name,
            user=endpoint.as_,
            jar=endpoint.as_,
            attempt=attempt,
        )

    def _sent(self, request: HttpRequest) -> Observation:
        """The exchange of a declared request; a refusal by the guard is an answer, too."""
        try:
            return self._wire.send(request)
        except Refused as refusal:
            where = request.operation, request.kind, request.subject, request.user
            return Observation(self.target, *where, error="refused", message=str(refusal), expected=False)

    def _chased(self, name: str, endpoint: Endpoint, observation: Observation) -> Observation:
        """An undeclared redirect is followed once, so that a loop is named as such (D14)."""
        status = observation.status or 0
        if endpoint.writes or endpoint.method.upper() != "GET":
            return observation
        if observation.expected or observation.error or not 300 <= status < 400:
            return observation
        followed = self._sent(replace(self.request(name, endpoint), follow=True, kind="readiness"))
        if followed.error == "redirect.loop":
            return replace(observation, error=followed.error, message=followed.message)
        return observation

    def _revision_request(self, revision: Revision) -> Observation:
        request = HttpRequest(
            self.target,
            "GET",
            self._url(revision.path),
            timeout=self.table.timeout,
            operation=f"GET {revision.path}",
            subject="revision",
        )
        return self._sent(request)

    def _readiness_paths(self) -> list[str]:
        named = [
            (not any(word in f"{name} {endpoint.path}".lower() for word in _HEALTH_WORDS), endpoint.path)
            for name, endpoint in self.table.endpoints.items()
            if endpoint.method == "GET" and not endpoint.writes and not endpoint.as_
        ]
        paths = list(dict.fromkeys(path for _, path in sorted(named, key=lambda pair: pair[0])))
        return paths[:_READINESS_TRIES] or ["/"]

    def _addresses(self, last: Observation) -> Mapping[str, str]:
        """IP address → error class of those that refuse while another one answers; loopback names have one listener."""
        if last.error or self.origin.host in ("localhost", "localhost.localdomain") or self.table.proxy:
            return {}
        try:
            addresses = self._wire.resolver.look_up(self.origin.host, self.origin.port, self.table.timeout)
        except socket.gaierror:
            return {}
        return refusing_addresses(addresses, min(3.0, self.table.timeout)) if len(addresses) > 1 else {}

    def _url(self, path: str) -> str:
        return self.table.url.rstrip("/") + (path if path.startswith("/") else f"/{path}")


def _gateway_only(observation: Observation) -> bool:
    """Whether a gateway answered in place of the application: 502 or 503 without a JSON body of its own."""
    if observation.status not in (502, 503):
        return False
    return "json" not in observation.headers.get("content-type", "")


def _body(endpoint: Endpoint) -> tuple[bytes, str]:
    """What the endpoint sends, and its content type."""
    if endpoint.json_ is not None:
        return json.dumps(endpoint.json_).encode(), "application/json"
    if endpoint.form is not None:
        return urlencode(endpoint.form).encode(), "application/x-www-form-urlencoded"
    if endpoint.text is not None:
        return endpoint.text.encode(), "text/plain; charset=utf-8"
    return b"", ""
