"""The identity provider: its discovery document and its keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pytest_prodcheck.config.models import AuthTarget
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.identity import Discovery, Jwk, Jwks, Problem
from pytest_prodcheck.observe.jose import unbase64url
from pytest_prodcheck.observe.observation import Json, Observation
from pytest_prodcheck.observe.request import HttpRequest, Sender

KEYS_AT_MOST: Final = 100
DOCUMENT_AT_MOST: Final = 1024 * 1024
"""Bytes of a discovery document or a JWKS: far more than any provider has to say, and less than consumers choke on."""
_MEMBERS_AT_MOST: Final = 200
_PUBLIC = ("kty", "n", "e", "crv", "x", "y")
_SECRET = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")


def discovery_url(issuer: str) -> str:
    """Where an issuer publishes its metadata: OpenID Connect Discovery 1.0 §4, any terminating slash removed first."""
    return issuer.rstrip("/") + "/.well-known/openid-configuration"


def discover(sender: Sender, table: AuthTarget, target: str = "auth") -> Discovery:
    """The metadata of `table.issuer`, in one request. What is wrong stands in `problem`; nothing is raised for it."""
    url = discovery_url(table.issuer)
    observation = sender.send(_get(url, "discovery", table, target))
    problem, document = _document(observation)
    found = Discovery(
        url,
        observation,
        problem,
        issuer=_text(document, "issuer"),
        token_endpoint=_text(document, "token_endpoint"),
        introspection_endpoint=_text(document, "introspection_endpoint"),
        jwks_uri=_text(document, "jwks_uri"),
        grants=_texts(document, "grant_types_supported"),
        algorithms=_texts(document, "id_token_signing_alg_values_supported"),
        document=_bounded(document),
    )
    return replace(found, observation=replace(observation, data={**observation.data, **found.as_json()}))


def fetch_jwks(sender: Sender, table: AuthTarget, discovery: Discovery | None, target: str = "auth") -> Jwks:
    """The keys that consumers see: at `table.jwks_url` where one is configured (T1), else where discovery says.

    Without an address the answer's problem is `not_found` and nothing is sent.
    """
    url = table.jwks_url or (discovery.jwks_uri if discovery else "")
    if not url:
        return Jwks("", Observation(target, "jwks", "readiness", expected=False), "not_found")
    try:
        observation = sender.send(_get(url, "jwks", table, target))
    except Refused as refusal:  # the document named a file, or a host without TLS
        observation = Observation(target, "jwks", "readiness", error="refused", message=str(refusal), expected=False)
    problem, document = _document(observation)
    listed = document.get("keys")
    keys = (
        tuple(_key(item) for item in listed[:KEYS_AT_MOST] if isinstance(item, dict))
        if isinstance(listed, list)
        else ()
    )
    facts: dict[str, Json] = {"url": url, "problem": problem, "keys": [key.as_json() for key in keys]}
    return Jwks(url, replace(observation, data={**observation.data, **facts}), problem, keys, bool(table.jwks_url))


GETTABLE: Final = ("authorization_endpoint", "userinfo_endpoint", "check_session_iframe")
"""Endpoints that take a GET (OpenID Connect Core §3.1.2.1, §5.3.1; Session Management §3.3)."""
_POSTED: Final = (
    "token_endpoint",
    "introspection_endpoint",
    "registration_endpoint",
    "device_authorization_endpoint",
    "pushed_authorization_request_endpoint",
)
"""Endpoints that take a POST alone: to a GET they answer 404 or 405, and that shows that they are there.
`end_session_endpoint` and `revocation_endpoint` are not among them: what is asked of those acts."""


def ask_endpoints(
    sender: Sender, table: AuthTarget, discovery: Discovery, target: str = "auth"
) -> dict[str, Observation]:
    """What each endpoint that discovery names answers to a GET as nobody, by its name; each address once.

    One that the guard refuses (another host than is known) is an observation with the error `refused`.
    """
    asked: dict[str, Observation] = {}
    seen: dict[str, Observation] = {}
    for name in (*GETTABLE, *_POSTED):
        url = _text(discovery.document, name)
        if not url:
            continue
        if url not in seen:
            seen[url] = _looked_at(sender, url, name, table, target)
        asked[name] = seen[url]
    return asked


def _looked_at(sender: Sender, url: str, name: str, table: AuthTarget, target: str) -> Observation:
    request = replace(_get(url, name, table, target), expected=tuple(range(200, 500)), declared=False)
    try:
        return sender.send(replace(request, headers={"accept": "text/html, application/json"}))
    except Refused as refusal:
        return Observation(target, name, "readiness", error="refused", message=str(refusal), expected=False)


def _get(url: str, operation: str, table: AuthTarget, target: str) -> HttpRequest:
    return HttpRequest(
        target=target,
        method="GET",
        url=url,
        headers={"accept": "application/json", **table.headers},
        timeout=table.timeout,
        expected=(200,),
        kind="readiness",
        operation=operation,
    )


def _document(observation: Observation) -> tuple[Problem, Mapping[str, Json]]:
    if observation.error and observation.status is None:
        return "unreachable", {}
    if observation.status != 200:
        return _unfit(observation.status or 0), {}
    if observation.error == "body.too_large" or observation.size > DOCUMENT_AT_MOST:
        return "too_large", {}
    document = strict_json.table(observation.body)
    return ("not_json", {}) if document is None else ("", document)


def _unfit(status: int) -> Problem:
    if status in (404, 410):
        return "not_found"
    return "redirected" if 300 <= status < 400 else "status"


def _bounded(document: Mapping[str, Json]) -> dict[str, Json]:
    """The document's members, long texts and lists cut: it is kept, and travels to a worker."""
    members = list(document.items())[:_MEMBERS_AT_MOST]
    return {name[:100]: _cut(value) for name, value in members}


def _cut(value: Json) -> Json:
    if isinstance(value, str):
        return value[:2000]
    if isinstance(value, list):
        return [item[:200] if isinstance(item, str) else None for item in value[:100]]
    return {} if isinstance(value, dict) else value


def _text(document: Mapping[str, Json], key: str) -> str:
    value = document.get(key)
    return value[:2000] if isinstance(value, str) else ""


def _texts(document: Mapping[str, Json], key: str) -> tuple[str, ...]:
    value = document.get(key)
    return tuple(item[:100] for item in value[:50] if isinstance(item, str)) if isinstance(value, list) else ()


def _key(document: Mapping[str, Json]) -> Jwk:
    """The facts of one key. Private members are seen and dropped: what is kept may be shown."""
    modulus = unbase64url(_text(document, "n")) or b""
    return Jwk(
        kid=_text(document, "kid")[:200],
        kty=_text(document, "kty")[:20],
        use=_text(document, "use")[:20],
        alg=_text(document, "alg")[:40],
        curve=_text(document, "crv")[:20],
        bits=int.from_bytes(modulus).bit_length(),
        exponent=int.from_bytes((unbase64url(_text(document, "e")) or b"")[:64]),
        operations=_texts(document, "key_ops"),
        secret=any(member in document for member in _SECRET),
        public={member: text for member in _PUBLIC if (text := _text(document, member))},
    )
