"""The discovery document is complete, agrees with itself, and names endpoints that are there (A8, A16).

OpenID Connect Discovery 1.0 §3 and §4, RFC 8414 §2 and §3. Whether it is there at all, is this issuer's, and names
keys and a token endpoint is readiness: `criteria.discovery`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final
from urllib.parse import SplitResult

from pytest_prodcheck.config.models import AuthTarget, User
from pytest_prodcheck.criteria.discovery import absolute, grant_allowed, without_tls
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.identity import Discovery
from pytest_prodcheck.observe.observation import ERROR_CLASSES, Json, Observation

REQUIRED: Final = (
    "authorization_endpoint",
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
)
"""REQUIRED by OpenID Connect Discovery §3, beside issuer, token_endpoint and jwks_uri, which readiness wants."""
_OPENID: Final = frozenset({*REQUIRED, "userinfo_endpoint", "scopes_supported", "claims_supported"} - {REQUIRED[1]})
"""Members by which a document is an OpenID provider's, and not that of an OAuth server that knows no users."""
_METHODS: Final = {"basic": "client_secret_basic", "post": "client_secret_post", "private_key_jwt": "private_key_jwt"}
_TAKE_GET: Final = ("authorization_endpoint", "userinfo_endpoint", "check_session_iframe")


def metadata(
    found: Discovery, auth: AuthTarget, users: Mapping[str, User], known_hosts: Collection[str], *, target: str = "auth"
) -> list[Finding]:
    """What the document lacks, or contradicts; `known_hosts` are those of the other configured targets."""
    if found.problem:
        return []
    judge = _Judge(found, target)
    return [
        *_members(judge),
        *_addresses(judge, auth),
        *_foreign(judge, auth, known_hosts),
        *(one for name, user in users.items() for one in _client(judge, user, name)),
    ]


def endpoints(found: Discovery, answers: Mapping[str, Observation], *, target: str = "auth") -> list[Finding]:
    """Which endpoints are not there: no connection, a 5xx, or 404 where a GET is part of the protocol.

    A 404 or 405 to a GET of what takes a POST alone says nothing. What the guard refused was not looked at: its host is
    said by `metadata`.
    """
    judge = _Judge(found, target)
    return [one for name, seen in answers.items() for one in _absent(judge, name, seen)]


class _Judge:
    """Makes findings about one document."""

    def __init__(self, found: Discovery, target: str) -> None:
        self.found, self.document, self._target = found, found.document, target

    def text(self, name: str) -> str:
        """A member that is a text; empty otherwise."""
        value = self.document.get(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """A member that is a list of texts; empty otherwise."""
        value = self.document.get(name)
        return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()

    def finding(
        self, code: str, what: str, seen: str = "", promised: str = "", severity: Severity = "error", **data: object
    ) -> Finding:
        """One finding, with the document's address beside it."""
        facts = {"url": self.found.url, "seen": seen, "expected": promised, **data}
        return Finding("discovery", self._target, what, code, severity, seen, promised, data=facts)


def _members(judge: _Judge) -> Iterator[Finding]:
    """What is not there, where the document is an OpenID provider's; and what is there and of another type."""
    missing = [name for name in REQUIRED if name not in judge.document] if _OPENID & judge.document.keys() else []
    if missing:
        what = f"{judge.found.url} lacks {', '.join(missing)} (OpenID Connect Discovery §3 requires them)"
        yield judge.finding("auth.metadata.incomplete", what, "missing", ", ".join(missing), "warning")
    for name, value in judge.document.items():
        wanted = _wanted(name)
        if wanted and not _is_of(value, wanted):
            what = f"{name} is not {wanted}: clients cannot read the document (RFC 8414 §2)"
            yield judge.finding("auth.metadata.malformed", what, "", wanted)


def _wanted(name: str) -> str:
    if name.endswith(("_endpoint", "_uri")) or name == "issuer":
        return "a URL"
    return "a list of texts" if name.endswith(("_types_supported", "_values_supported", "_methods_supported")) else ""


def _is_of(value: Json, wanted: str) -> bool:
    if wanted == "a URL":
        return isinstance(value, str) and absolute(value) is not None
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _urls(judge: _Judge) -> Iterator[tuple[str, str, SplitResult]]:
    for name in judge.document:
        url = judge.text(name)
        parts = absolute(url) if name.endswith(("_endpoint", "_uri", "check_session_iframe")) else None
        if parts:
            yield name, url, parts


def _addresses(judge: _Judge, auth: AuthTarget) -> Iterator[Finding]:
    """RFC 8414 §2: an issuer is https without query and fragment; endpoints have no fragment, and TLS as it has."""
    issuer = absolute(judge.found.issuer)
    if issuer and (issuer.query or issuer.fragment):
        what = f"issuer {judge.found.issuer} has a query or a fragment (RFC 8414 §2)"
        yield judge.finding("auth.metadata.malformed", what, judge.found.issuer, "neither")
    known = {name for name, _ in without_tls(judge.found, auth)}
    for name, url, parts in _urls(judge):
        if parts.fragment:
            yield judge.finding("auth.metadata.malformed", f"{name} {url} has a fragment", url, "none", endpoint=name)
        if auth.issuer.startswith("https:") and parts.scheme != "https" and name not in known:
            what = f"discovery names {name} {url} without TLS: the provider does not know its own scheme"
            yield judge.finding("auth.discovery.insecure_endpoint", what, url, "https", endpoint=name)


def _foreign(judge: _Judge, auth: AuthTarget, known_hosts: Collection[str]) -> Iterator[Finding]:
    """Hosts that nobody declared: an internal name that leaked through a proxy, or somebody else's."""
    issuer = absolute(auth.issuer)
    known = {issuer.hostname if issuer else "", *auth.hosts, *known_hosts}
    foreign: dict[str, list[str]] = {}
    for name, _, parts in _urls(judge):
        if parts.hostname not in known:
            foreign.setdefault(parts.hostname or "", []).append(name)
    for host, names in foreign.items():
        what = (
            f"discovery names {', '.join(names)} at {host}, the issuer is at {issuer.hostname if issuer else '?'}: "
            f'an internal name of the provider, or declare hosts = ["{host}"]'
        )
        yield judge.finding("auth.metadata.foreign_host", what, host, "a declared host", "warning", foreign=host)


def _client(judge: _Judge, user: User, name: str) -> Iterator[Finding]:
    """Whether the user's grant and its client's way to prove who it is are offered (RFC 8414 §2)."""
    yield from grant_allowed(judge.found, user, name)
    offered = judge.texts("token_endpoint_auth_methods_supported")
    method = _METHODS[user.client_auth]
    asks = user.grant in ("client_credentials", "password", "refresh_token")
    if asks and offered and method not in offered and (user.client_secret or user.client_key):
        what = f"the client of {name} authenticates by {method}, discovery lists {', '.join(offered)}"
        yield judge.finding("auth.client.method_not_offered", what, method, ", ".join(offered), "warning", user=name)


def _absent(judge: _Judge, name: str, seen: Observation) -> Iterator[Finding]:
    url = judge.text(name)
    facts: dict[str, Any] = {"endpoint": name, "endpoint_url": url, "status": seen.status, "operation": seen.operation}
    if seen.error == "refused" or seen.error == "stopped":
        return
    if seen.error and seen.status is None:
        what = f"{name} {url} gives no answer: {ERROR_CLASSES.get(seen.error, seen.error)}"
        yield judge.finding("auth.metadata.endpoint_unreachable", what, seen.error, "an answer", **facts)
    elif seen.server_error:
        what = f"{name} {url} answers {seen.status} to a GET as nobody"
        yield judge.finding("auth.idp.failing", what, str(seen.status), "no 5xx", **facts)
    elif seen.status in (404, 410) and name in _TAKE_GET:
        what = f"{name} {url} is {seen.status}: discovery names what is not there"
        yield judge.finding("auth.metadata.endpoint_missing", what, str(seen.status), "an endpoint", **facts)
