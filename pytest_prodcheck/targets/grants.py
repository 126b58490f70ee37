"""The requests that obtain a token: one for each grant of RFC 6749, introspection (RFC 7662), and a login."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from pytest_prodcheck.config.models import AuthTarget, User
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.identity import Discovery
from pytest_prodcheck.observe.request import HttpRequest


@dataclass(frozen=True, slots=True)
class LoginPlace:
    """The http target that an application's login is sent to."""

    url: str
    """Its base URL; the login's path is joined to it."""
    target: str = "http"
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Client:
    """Headers and form fields by which an OAuth client says who it is (RFC 6749 §2.3.1)."""

    headers: dict[str, str] = field(default_factory=dict, repr=False)
    form: dict[str, str] = field(default_factory=dict, repr=False)


def client_of(user: User, audience: str = "") -> Client:
    """`client_auth = "basic"`, `"post"` or `"private_key_jwt"` (an assertion for `audience`); a public client (no
    secret) only names itself in the form. Raises errors.Refused where `client_key` is no key."""
    if user.client_auth == "private_key_jwt":
        from pytest_prodcheck.targets import assertion

        signed = assertion.signed(user.client_key or "", user.client_id, audience, user.client_key_id)
        form = {"client_id": user.client_id, "client_assertion_type": assertion.TYPE, "client_assertion": signed}
        return Client({}, form)
    if not user.client_secret:
        return Client({}, {"client_id": user.client_id} if user.client_id else {})
    if user.client_auth == "post":
        return Client({}, {"client_id": user.client_id, "client_secret": user.client_secret})
    pair = f"{quote_plus(user.client_id)}:{quote_plus(user.client_secret)}"
    return Client({"authorization": "Basic " + base64.b64encode(pair.encode()).decode("ascii")})


def form_of(user: User) -> dict[str, str]:
    """The grant's own fields: RFC 6749 §4.3.2 (password), §4.4.2 (client credentials), §6 (refresh token)."""
    form: dict[str, str] = {"grant_type": user.grant}
    if user.grant == "password":
        form |= {"username": user.username, "password": user.password or ""}
    if user.grant == "refresh_token":
        form["refresh_token"] = user.refresh_token or ""
    return form | ({"scope": user.scope} if user.scope else {})


def token_request(user: User, name: str, discovery: Discovery, table: AuthTarget, target: str) -> HttpRequest:
    """The token request for an OAuth grant. Raises errors.Refused where credentials would leave an https issuer
    without TLS."""
    return _form_request(discovery.token_endpoint, f"token {name}", form_of(user), user, name, table, target)


def introspection_request(
    token: str, user: User, name: str, discovery: Discovery, table: AuthTarget, target: str
) -> HttpRequest:
    """The question whether a token is active (RFC 7662 §2.1). Raises errors.Refused as `token_request` does."""
    form = {"token": token, "token_type_hint": "access_token"}
    url = discovery.introspection_endpoint
    return _form_request(url, f"introspect {name}", form, user, name, table, target)


def _form_request(
    url: str, operation: str, form: dict[str, str], user: User, name: str, table: AuthTarget, target: str
) -> HttpRequest:
    if urlsplit(table.issuer).scheme == "https" and urlsplit(url).scheme != "https":
        raise Refused(operation, f"discovery names {url}, without TLS", "the issuer must name https endpoints")
    client = client_of(user, table.issuer if user.assertion_audience == "issuer" else url)
    headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
    return HttpRequest(
        target=target,
        method="POST",
        url=url,
        headers={**headers, **table.headers, **client.headers},
        body=urlencode(form | client.form).encode("ascii"),
        timeout=table.timeout,
        expected=(200,),
        kind="readiness",
        operation=operation,
        subject=name,
        user=name,
        once=True,
    )


def login_request(user: User, name: str, place: LoginPlace) -> HttpRequest:
    """The declared write that logs `user` in, with a cookie jar of its own. Raises ValueError without `login`."""
    login = user.login
    if login is None:
        raise ValueError(f'user {name} has grant = "login" and no login table')
    headers, body = {"accept": "application/json"}, b""
    if login.json_ is not None:
        headers["content-type"], body = "application/json", json.dumps(dict(login.json_)).encode()
    elif login.form is not None:
        headers["content-type"], body = "application/x-www-form-urlencoded", urlencode(login.form).encode("ascii")
    return HttpRequest(
        target=login.target or place.target,
        method=login.method,
        url=f"{place.url.rstrip('/')}/{login.path.lstrip('/')}",
        headers={**headers, **{key.lower(): value for key, value in login.headers.items()}},
        body=body,
        effect="write",
        timeout=place.timeout,
        expected=(200, 201, 204, 302, 303),
        kind="readiness",
        operation=f"token {name}",
        subject=name,
        user=name,
        jar=name,
        once=True,
    )


def credentials_of(user: User, request: HttpRequest) -> tuple[str, ...]:
    """Every secret that a request carries, so that a server that repeats one is not quoted."""
    login = user.login
    sent = [
        user.client_secret,
        user.client_key,
        user.password,
        user.refresh_token,
        user.token,
        request.headers.get("authorization"),
    ]
    if login is not None:
        sent += [text for text in _texts(login.json_) + _texts(login.form) + _texts(login.headers) if len(text) >= 4]
    sent += parse_qs(request.body.decode("ascii", "replace")).get("client_assertion", [])
    return tuple(text for text in sent if text)


def _texts(document: object) -> list[str]:
    if isinstance(document, str):
        return [document]
    values = (
        document.values() if hasattr(document, "values") else document if isinstance(document, list | tuple) else ()
    )
    return [text for value in values for text in _texts(value)]
