"""What an exchange becomes: an observation, with every secret known and every text redacted before it is kept."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets import peer_certificate
from pytest_prodcheck.targets.connection import Origin, Proxy, Resolver
from pytest_prodcheck.targets.exchange import Answer

_HEADER_LIMIT = 500
_LONG, _END = 2000, 1000
"""Bytes of an error body from which its end is kept beside its beginning, and of that end."""
_SHOWING = frozenset({"tls.expired", "tls.not_yet_valid", "tls.untrusted", "tls.hostname_mismatch"})
"""Failures that the certificate explains; only then it is worth a second handshake."""
_REVEALING = frozenset({"set-cookie", "location", "www-authenticate", "link", "refresh", "authorization"})
"""Answer headers that carry credentials in forms that only patterns know."""


class Failure(NamedTuple):
    """Why there is no answer."""

    kind: str
    """Error class (`observe.observation.ERROR_CLASSES`)."""
    text: str
    started_at: float
    phases: Mapping[str, float] = {}
    error: BaseException | None = None


class Began(NamedTuple):
    """When an exchange began."""

    at: float
    """Wall clock, seconds since the epoch: when its request could be sent."""
    called: float
    """On the clock of `time.perf_counter`: when it was asked for."""


class Recording:
    """Makes observations of answers and failures."""

    def __init__(self, redactor: Redactor, clock: Callable[[], float]) -> None:
        self._redactor, self._clock = redactor, clock

    def answered(self, request: HttpRequest, answer: Answer, began: Began) -> Observation:
        """The observation of an answer; its cookies are secrets from now on."""
        for cookie in answer.headers.get_all("set-cookie", ()):
            self._redactor.add(cookie.split(";")[0].partition("=")[2].strip(), "a cookie of the target")
        status, raw = answer.status, {sys.intern(name.lower()): value for name, value in answer.headers.items()}
        right = status in request.expected if request.expected else 200 <= status < 300
        expected = right and not answer.cut
        return Observation(
            target=request.target,
            operation=self._name(request),
            kind=request.kind,
            subject=request.subject,
            user=request.user,
            started_at=began.at,
            phases=answer.phases,
            wall=time.perf_counter() - began.called,
            status=status,
            error=answer.cut,
            headers={name: self._shown(name, value) for name, value in raw.items()},
            excerpt="" if expected else self._redactor.clean_bytes(answer.body, raw.get("content-type", "")),
            size=len(answer.body),
            attempt=request.attempt,
            expected=expected,
            data={
                **({"certificate": answer.certificate} if answer.certificate else {}),
                **({} if expected or status < 500 else self._end(answer.body, raw.get("content-type", ""))),
            },
            body=answer.body,
        )

    def _end(self, body: bytes, content_type: str) -> dict[str, str]:
        """The last words of a long error body: a traceback says its reason at its end."""
        return {"end": self._redactor.clean_bytes(body[-_END:], content_type)} if len(body) > _LONG else {}

    def failed(self, request: HttpRequest, failure: Failure, data: Mapping[str, Any] | None = None) -> Observation:
        """The observation of an exchange without an answer."""
        slow = failure.kind == "timeout"
        text = f"{request.timeout:.3g} s without a complete answer" if slow else failure.text
        return Observation(
            target=request.target,
            operation=self._name(request),
            kind=request.kind,
            subject=request.subject,
            user=request.user,
            started_at=failure.started_at,
            phases=failure.phases,
            error=failure.kind,
            message=self._redactor.clean(text, _HEADER_LIMIT),
            attempt=request.attempt,
            expected=False,
            data=data or {},
        )

    def explained(
        self,
        request: HttpRequest,
        failure: Failure,
        origin: Origin,
        resolver: Resolver,
        ca: Path | None,
        proxy: Proxy | None,
    ) -> Observation:
        """A failed exchange; for a certificate that is not trusted, with the certificate that was shown."""
        data: dict[str, Any] = {"host": origin.host, "port": origin.port}
        if failure.kind in _SHOWING and proxy is None:
            certificate, sent = _shown_certificate(origin, resolver, min(5.0, request.timeout))
            data["certificate"] = certificate
            if failure.kind == "tls.untrusted" and peer_certificate.lacks_intermediate(certificate, sent, ca):
                failure = failure._replace(kind="tls.chain_incomplete")
        return self.failed(request, failure, data)

    def noted(self, observation: Observation, kind: str, text: str) -> Observation:
        """An answer that is a failure all the same, for a reason in words that may hold the server's own."""
        return replace(observation, error=kind, message=self._redactor.clean(text, _HEADER_LIMIT), expected=False)

    def _shown(self, name: str, value: str) -> str:
        """A header's value as it may be kept: bounded, without secrets and control characters."""
        if name in _REVEALING or len(value) > _HEADER_LIMIT or not value.isprintable():
            return self._redactor.clean(value, _HEADER_LIMIT)
        return sys.intern(self._redactor.scrub(value))  # a thousand answers of one server say much the same

    def _name(self, request: HttpRequest) -> str:
        return request.operation or self._redactor.clean(f"{request.method} {urlsplit(request.url).path or '/'}", 300)


def _shown_certificate(origin: Origin, resolver: Resolver, timeout: float) -> tuple[dict[str, Any], int]:
    try:
        address = resolver.look_up(origin.host, origin.port, timeout)[0][1]
    except socket.gaierror:
        return {}, 0
    return peer_certificate.shown_by(origin, address, timeout)
