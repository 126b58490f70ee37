"""Tokens of the declared users: one attempt each, and an observation that holds nothing secret."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from pytest_prodcheck.config.models import AuthTarget, User
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe import jose, strict_json
from pytest_prodcheck.observe.identity import Discovery, Token
from pytest_prodcheck.observe.observation import Json, Observation
from pytest_prodcheck.observe.request import HttpRequest, Sender
from pytest_prodcheck.targets import grants
from pytest_prodcheck.targets.grants import LoginPlace
from pytest_prodcheck.targets.scrubbing import scrub

_SHOWN_HEADERS = ("content-type", "cache-control", "date", "server", "www-authenticate", "retry-after", "x-request-id")
_TOKEN_KEYS = ("access_token", "refresh_token", "id_token", "device_secret", "token", "jwt")


def obtain(
    sender: Sender,
    user: User,
    name: str,
    discovery: Discovery | None,
    table: AuthTarget,
    target: str = "auth",
    place: LoginPlace | None = None,
    clock: Callable[[], float] = time.time,
) -> Token:
    """The token of one declared user, in one attempt that is never repeated (the caller keeps it for the run).

    `discovery` is needed for the OAuth grants, `place` for `login`. A failure is a token without a value whose
    observation says why; nothing is raised for what a server answers. With `introspect`, a second request asks the
    issuer about the token (RFC 7662).
    """
    if user.grant == "static":
        return introspected(sender, _static(user, name, target, clock()), user, discovery, table, target)
    if user.grant != "login" and not (discovery and discovery.token_endpoint and discovery.issuer == table.issuer):
        return _undiscovered(user, name, target, clock(), discovery, table.issuer)
    try:
        request = _request(user, name, discovery, table, target, place)
    except Refused as refusal:
        return _not_sent(user, name, target, clock(), "refused", refusal.reason)
    try:
        answer = sender.send(request)
    except Refused as refusal:
        return _not_sent(user, name, target, clock(), "refused", refusal.reason)
    token = _logged_in(user, name, request, answer) if user.grant == "login" else _granted(user, name, request, answer)
    token = replace(token, obtained_at=answer.started_at + answer.wall or clock())
    token = replace(token, expires_at=_expiry(token, answer))
    return introspected(sender, token, user, discovery, table, target)


def renewed(
    sender: Sender, token: Token, user: User, discovery: Discovery | None, table: AuthTarget, target: str = "auth"
) -> Token:
    """A token in the place of one that ends: by its refresh token where one came with it (RFC 6749 §6), else, or where
    that is refused, by the user's own grant. Without a value where neither gives one."""
    if token.refresh_token and user.grant != "client_credentials":
        again = user.model_copy(update={"grant": "refresh_token", "refresh_token": token.refresh_token})
        found = obtain(sender, again, token.user, discovery, table, target)
        if found.value:
            return replace(found, refresh_token=found.refresh_token or token.refresh_token)
    return obtain(sender, user, token.user, discovery, table, target)


def introspected(
    sender: Sender, token: Token, user: User, discovery: Discovery | None, table: AuthTarget, target: str = "auth"
) -> Token:
    """`token` with the issuer's own word about it, where the user asks for it and the issuer offers it.

    `introspection` becomes `{}` where the issuer gives no usable answer: asked, and not confirmed.
    """
    if not (user.introspect and token.value):
        return token
    if not (discovery and discovery.introspection_endpoint and discovery.issuer == table.issuer):
        return replace(token, introspection={})
    try:
        request = grants.introspection_request(token.value, user, token.user, discovery, table, target)
        answer = sender.send(request)
    except Refused:
        return replace(token, introspection={})
    known = strict_json.table(answer.body) if answer.status == 200 else None
    facts: dict[str, Json] = {"active": (known or {}).get("active") is True, "introspection_status": answer.status}
    observation = replace(token.observation, data={**token.observation.data, **facts})
    return replace(token, introspection=known or {}, observation=observation)


def _request(
    user: User, name: str, discovery: Discovery | None, table: AuthTarget, target: str, place: LoginPlace | None
) -> HttpRequest:
    if user.grant == "login":
        return grants.login_request(user, name, place or LoginPlace(""))
    if discovery is None:
        raise Refused(f"token {name}", "no discovery document")
    return grants.token_request(user, name, discovery, table, target)


def _static(user: User, name: str, target: str, now: float) -> Token:
    value = (user.token or "").strip()
    if not value.isascii() or not value.isprintable():
        return _not_sent(user, name, target, now, "refused", "the token contains a control or non-ASCII character")
    observation = Observation(target, f"token {name}", "readiness", name, name, now, data=_facts(user, value))
    expires = jose.numeric_date(jose.read(value).payload.get("exp"))
    return Token(name, observation, "static", value, jose.segments(value), now, expires)


def _not_sent(user: User, name: str, target: str, now: float, error: str, message: str) -> Token:
    observation = Observation(
        target, f"token {name}", "readiness", name, name, now, error=error, message=message, expected=False
    )
    secret = jose.segments(user.token or "") if user.grant == "static" else ()
    return Token(name, observation, user.grant, secrets=secret, obtained_at=now)


def _undiscovered(user: User, name: str, target: str, now: float, discovery: Discovery | None, issuer: str) -> Token:
    """Nowhere to ask; `data` says why, so that the finding speaks for discovery's own cause. Metadata of another issuer
    must not be used (RFC 8414 §3.3): its token endpoint is given no credentials."""
    why = "discovery names no token endpoint"
    if discovery and discovery.token_endpoint and discovery.issuer != issuer:
        why = f"discovery is of issuer {discovery.issuer or 'nothing'}, and not of {issuer}"
    token = _not_sent(user, name, target, now, "stopped", why)
    facts = {"discovery": discovery.problem, "discovery_error": discovery.observation.error} if discovery else {}
    return replace(token, observation=replace(token.observation, data=facts))


def _granted(user: User, name: str, request: HttpRequest, answer: Observation) -> Token:
    """RFC 6749 §5.1 and §5.2; an `error` member counts as one with status 200 too (some providers answer so)."""
    document = strict_json.table(answer.body) or {}
    value = document.get("access_token")
    failed = answer.status != 200 or "error" in document or not isinstance(value, str) or not value
    secrets = _secrets(document)
    if failed or not isinstance(value, str):
        return Token(name, _refusal(user, request, answer, document, secrets), user.grant, secrets=secrets)
    id_token, refresh = (_string(document.get(key)) for key in ("id_token", "refresh_token"))
    accepted = _accepted(answer, _facts(user, value))
    return Token(name, accepted, user.grant, value, secrets, id_token=id_token, refresh_token=refresh)


def _string(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _logged_in(user: User, name: str, request: HttpRequest, answer: Observation) -> Token:
    document = strict_json.table(answer.body) or {}
    cookie = answer.headers.get("set-cookie", "")
    secrets = _secrets(document) + _cookie_values(cookie)
    if user.keep == "cookies":
        if cookie and answer.expected and not answer.error and not _sent_back(request, answer):
            accepted = _accepted(answer, {"grant": "login", "keep": "cookies"})
            return Token(name, accepted, "login", secrets=secrets, cookies=True)
        return Token(name, _refusal(user, request, answer, document, secrets), "login", secrets=secrets)
    value = _at(document, user.keep)
    if not answer.expected or answer.error or not isinstance(value, str) or not value:
        return Token(name, _refusal(user, request, answer, document, secrets), "login", secrets=secrets)
    return Token(name, _accepted(answer, _facts(user, value)), "login", value, (*secrets, *jose.segments(value)))


def _sent_back(request: HttpRequest, answer: Observation) -> bool:
    """Whether a redirect leads to the login again: form logins refuse so, often with a cookie beside it."""
    location = answer.headers.get("location", "")
    return bool(location) and urlsplit(urljoin(request.url, location)).path == urlsplit(request.url).path


def _at(document: Mapping[str, Json], path: str) -> Json:
    """What `keep` names: the key itself, or one nested by dots."""
    if path in document:
        return document[path]
    found: Json = dict(document)
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _secrets(document: Mapping[str, Json]) -> tuple[str, ...]:
    found: list[str] = []
    for key, value in document.items():
        if isinstance(value, dict):
            found += _secrets(value)
        elif isinstance(value, str) and value and (key in _TOKEN_KEYS or key.endswith(("_token", "Token", "secret"))):
            found += jose.segments(value)
    return tuple(dict.fromkeys(found))


def _cookie_values(header: str) -> tuple[str, ...]:
    """Values of the cookies in one or more Set-Cookie headers, joined by commas or line breaks."""
    pairs = (piece.split(";")[0].partition("=")[2].strip() for piece in header.replace("\n", ",").split(","))
    return tuple(value for value in pairs if len(value) >= 4)


def _facts(user: User, value: str) -> dict[str, Json]:
    """What may be said of a token: how it was signed, by whom, for whom and until when; never a claim of the person."""
    facts: dict[str, Json] = {"grant": user.grant}
    if user.opaque:
        return facts
    token = jose.read(value)
    facts |= {"alg": token.named("alg"), "kid": token.named("kid"), "parts": token.parts}
    facts |= {claim: list(jose.names(token.payload.get(claim))) for claim in ("iss", "aud")}
    return facts | {claim: jose.numeric_date(token.payload.get(claim)) for claim in ("iat", "exp")}


def _accepted(answer: Observation, facts: Mapping[str, Json]) -> Observation:
    return replace(_bare(answer), data={**answer.data, **facts}, expected=True)


def _refusal(
    user: User, request: HttpRequest, answer: Observation, document: Mapping[str, Json], secrets: tuple[str, ...]
) -> Observation:
    sent = (*grants.credentials_of(user, request), *secrets)
    code, description = document.get("error"), document.get("error_description")
    facts: dict[str, Json] = {"grant": user.grant, "json": bool(document), "url": request.url}
    facts["html"] = strict_json.looks_like_html(answer.body, answer.headers.get("content-type", ""))
    return replace(
        _bare(answer),
        code=scrub(code, sent)[:100] if isinstance(code, str) else "",
        message=scrub(description, sent) if isinstance(description, str) else scrub(answer.message, sent),
        data={**answer.data, **facts},
        expected=False,
    )


def _bare(answer: Observation) -> Observation:
    """An answer without its body, its beginning and the headers that could carry a credential."""
    shown = {name: answer.headers[name] for name in _SHOWN_HEADERS if name in answer.headers}
    return replace(answer, headers=shown, excerpt="", body=b"")


def _expiry(token: Token, answer: Observation) -> float | None:
    """When it ends: by its own `exp`, else by the answer's `expires_in` (RFC 6749 §5.1)."""
    if exp := jose.numeric_date(jose.read(token.value).payload.get("exp")):
        return exp
    seconds = (strict_json.table(answer.body) or {}).get("expires_in")
    lasts = jose.numeric_date(seconds)
    return token.obtained_at + lasts if token.value and lasts is not None else None
