"""Probes: declarative questions to targets, as frozen data. The wire sends them; nothing else does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pytest_prodcheck.observe.observation import Kind, Observation

Effect = Literal["read", "write"]

Credentials = Callable[[str], Mapping[str, str]]
"""User name → the headers that identify the user; empty where a cookie jar does."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request as the wire will send it: absolute URL, complete headers, resolved values."""

    target: str
    """Id of the target on whose behalf it is sent (`http.app`, `auth`, `graphql`)."""
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    effect: Effect = "read"
    """`read` is a promise: of GET, HEAD, OPTIONS by HTTP (RFC 9110 §9.2.1), of anything else by a declaration."""
    declared: bool = True
    """Whether method and path stand in the configuration; a method beyond GET, HEAD, OPTIONS is refused without."""
    timeout: float = 10.0
    """Seconds for the whole exchange, connection set-up included."""
    follow: bool = False
    """Follow redirects, to configured hosts only."""
    expected: tuple[int, ...] = ()
    """Statuses that are a right answer; empty means any 2xx."""
    kind: Kind = "declared"
    operation: str = ""
    """How reports name it; empty means `METHOD /path`."""
    subject: str = ""
    user: str = ""
    jar: str = ""
    """Name of the cookie jar; cookies are kept apart by jar (one a user)."""
    attempt: int = 1
    once: bool = False
    """Never sent again, not even on a connection that turned out to be closed (a token request, a login)."""


class Sender(Protocol):
    """What can send an HTTP request: the wire, or the broker's end in a worker."""

    def send(self, request: HttpRequest) -> Observation:
        """The observation of one exchange. Transport failures are observations too (`error`), never exceptions;
        raises `errors.Refused` for what the guard refuses."""
        ...
