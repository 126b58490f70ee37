"""A token was given, and its issuer confirms it: the answers of a token endpoint, a login and an introspection."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from pytest_prodcheck.config.models import User
from pytest_prodcheck.criteria.discovery import transport_code
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.identity import Token
from pytest_prodcheck.observe.observation import Observation

OAUTH_ERRORS: Final = {
    "invalid_client": ("auth.client.rejected", "the client id or its secret differs"),
    "unsupported_grant_type": ("auth.grant.not_allowed", "the provider does not offer this grant"),
    "unauthorized_client": ("auth.grant.not_allowed", "this client may not use this grant"),
    "invalid_scope": ("auth.scope.not_allowed", "the scope is unknown or not allowed for this client"),
    "invalid_request": ("unknown", "the provider does not understand the request"),
    "access_denied": ("auth.user.locked", "the provider refuses this account"),
    "server_error": ("unknown", "the provider failed"),
    "temporarily_unavailable": ("unknown", "the provider is overloaded or under maintenance"),
}
"""RFC 6749 §5.2 and §4.1.2.1: error code → cause and its words. `invalid_grant` depends on the grant."""

_OF_A_GRANT: Final = re.compile(r"grant.?type.*(not (allowed|supported)|unsupported)", re.IGNORECASE)
"""What some providers say with invalid_request, in the place of unauthorized_client."""

_INVALID_GRANT: Final = {
    "password": ("auth.user.locked", "the account's password differs, or it is locked or disabled"),
    "client_credentials": (
        "auth.client.rejected",
        "the provider refuses the client: its id, secret or assertion differs",
    ),
    "refresh_token": ("runner.token.expired", "the refresh token has expired, was used before or was revoked"),
}


def obtained(token: Token, user: User) -> list[Finding]:
    """Why there is no token (A16); empty where there is one."""
    if token.usable:
        return []
    seen = token.observation
    code, what = _login(user, seen) if user.grant == "login" else _oauth(user, seen)
    data = {
        "user": token.user,
        "status": seen.status,
        "oauth_error": seen.code,
        "error": seen.error,
        "text": seen.message,
    }
    return [Finding("token", seen.target, f"no token for {token.user}: {what}", code, subject=token.user, data=data)]


def confirmed(token: Token, user: User) -> list[Finding]:
    """Whether the issuer calls the token active (RFC 7662 §2.2), where the user asks for `introspect`."""
    if not user.introspect or not token.value:
        return []
    said = token.introspection or {}
    if said.get("active") is True:
        return []
    inactive = said.get("active") is False
    code = "unknown" if not inactive else "runner.token.expired" if user.grant == "static" else "auth.token.inactive"
    what = "the issuer says that it is not active" if inactive else "the issuer gives no word about it by introspection"
    data = {"user": token.user, "status": token.observation.data.get("introspection_status"), "seen": what}
    message = f"token of {token.user}: {what}"
    return [Finding("token", token.observation.target, message, code, subject=token.user, data=data)]


def _oauth(user: User, seen: Observation) -> tuple[str, str]:
    if seen.error and seen.status is None:
        return _not_reached(seen)
    if seen.code:
        return _oauth_error(user, seen)
    if seen.status is not None and seen.status >= 500:
        return "auth.idp.failing", f"the token endpoint answers {seen.status}"
    if seen.status == 404 or seen.data.get("html"):
        kind = "an HTML page" if seen.data.get("html") else "404"
        return "auth.discovery.wrong_application", f"the token endpoint answers {kind}"
    if seen.status == 401:
        return "auth.client.rejected", "the token endpoint answers 401: the client id or its secret differs"
    if seen.status == 200:
        return "auth.token.missing", "the token endpoint answers 200 without access_token"
    return "unknown", f"the token endpoint answers {seen.status}"


def _oauth_error(user: User, seen: Observation) -> tuple[str, str]:
    known = OAUTH_ERRORS.get(seen.code)
    if seen.code == "invalid_grant":
        known = _INVALID_GRANT.get(user.grant, ("unknown", "the provider refuses the grant"))
    if seen.code == "invalid_request" and _OF_A_GRANT.search(seen.message):
        known = OAUTH_ERRORS["unauthorized_client"]
    code, words = known or ("unknown", "")
    said = f" ({seen.message})" if seen.message else ""
    return code, f"token endpoint: {seen.code}{', ' if words else ''}{words}{said}"


def _not_reached(seen: Observation) -> tuple[str, str]:
    if seen.error == "refused":
        return "unknown", f"not sent: {seen.message}"
    if seen.error == "stopped":
        return _undiscovered(seen), f"not asked: {seen.message}"
    return transport_code(seen), f"the identity provider gives no answer: {seen.error} {seen.message}".rstrip()


def _undiscovered(seen: Observation) -> str:
    problem = seen.data.get("discovery")
    if problem == "unreachable":
        return transport_code(replace(seen, error=seen.data["discovery_error"]))
    return "auth.discovery.wrong_application" if problem in ("", "not_found", "not_json") else "unknown"


def _login(user: User, seen: Observation) -> tuple[str, str]:
    if seen.error and seen.status is None:
        return "unknown", f"the login gives no answer: {seen.error} {seen.message}".rstrip()
    if seen.status in (400, 401, 403, 422, 423):
        return "auth.user.locked", f"the login answers {seen.status}: wrong credentials, or the account is locked"
    if seen.status == 404:
        return "auth.login.not_found", "the login's path answers 404"
    if seen.status is not None and seen.status < 400:
        missing = "sets no cookie, or sends back to the login" if user.keep == "cookies" else f"holds no {user.keep}"
        return "auth.token.missing", f"the login answers {seen.status}, but {missing}"
    return "unknown", f"the login answers {seen.status}"
