"""Is this HTTP request a read, or declared, and does it go where the configuration says? (RFC 9110 §9.2.1)"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import SplitResult, parse_qsl, unquote_to_bytes, urldefrag, urljoin, urlsplit

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.observation import Json
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.guard import graphql, headers, paths
from pytest_prodcheck.targets.guard.origins import Origins, host_of, split
from pytest_prodcheck.targets.guard.words import words

__all__ = ["Origins", "Refused", "check", "check_proxy", "check_redirect"]

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_NEVER = frozenset({"TRACE", "CONNECT", "TRACK"})
_METHOD_PARAMETERS = words("_method _httpmethod x-http-method x-http-method-override x-method-override")
_METHOD_FIELD = re.compile(rb"(?:^|[&;?\s=]|\")_method\"?\s*[=:;\r\n]", re.IGNORECASE)
_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def check(request: HttpRequest, allowed: Origins) -> None:
    """Passes a request that may be sent; raises `errors.Refused` with the reason for any other.

    GET, HEAD and OPTIONS are reads; other methods need a declaration (`request.declared`), which also permits paths
    whose name says that they act. TRACE and CONNECT, other hosts, other methods by header or parameter, bodies on
    reads and whatever could smuggle a second request are refused with and without one.
    """
    method = request.method.upper()
    if method in _NEVER or not method.isascii() or not method.isalpha():
        shown = method if method.isalpha() else ascii(method[:40])
        raise Refused("request", f"method {shown} is denied", "use GET")
    parts = split(request.url)
    what = f"{method} {parts.path or '/'}"
    allowed.check(parts, what)
    if not request.url.isascii():
        raise Refused(what, "character beyond ASCII in URL", "percent-encode it")
    _check_method(request, method, parts, what)
    headers.check(request.headers, what)
    _check_body(request, method, what)
    paths.check_dots(parts.path, allowed.prefix, request.declared, what)
    paths.check_controls(parts.path, what)
    _check_acting(request, method, parts, what)
    _check_parameters(parts, what)
    if request.effect == "read":
        graphql.check_request(request)


def check_redirect(request: HttpRequest, location: str, allowed: Origins, status: int = 307) -> str:
    """The absolute URL that follows an answer's `location`; raises `errors.Refused` where it must not be followed.

    301, 302 and 303 make a GET of everything but HEAD; 307 and 308 repeat method and body, so that the new path must
    be declared itself (RFC 9110 §15.4). Nothing leaves https, nor the configured hosts. An unknown `status` is
    taken as 307.
    """
    split(location)
    url = urldefrag(urljoin(request.url, location)).url
    here, there = split(request.url), split(url)
    if (
        there.scheme in ("http", "https")
        and host_of(here) == host_of(there)
        and (here.scheme, there.scheme) == ("https", "http")
    ):
        raise Refused(
            f"redirect to http://{host_of(there)}{there.path}", "redirect leaves https", "fix the server's redirect"
        )
    method = request.method.upper()
    if status in (301, 302, 303) and method != "HEAD":
        method = "GET"
    declared = (method, there.path) in allowed.declared
    following = replace(
        request, method=method, url=url, declared=declared, body=b"" if method in _READS else request.body
    )
    try:
        check(following, allowed)
    except Refused as refused:
        where = host_of(there) if "host" in refused.reason else there.path
        reason = f"redirect to {where or there.scheme} is not followed: {refused.reason}"
        raise Refused(f"{request.method} {here.path or '/'}", reason, refused.remedy) from None
    return url


def check_proxy(environment: Mapping[str, str], configured: str) -> str:
    """A notice for the run's head when a proxy of the environment is ignored, or empty. Only a target's own `proxy`
    is used; user information of the variable is not shown."""
    upper = {name.upper(): value for name, value in environment.items() if value}
    ignored = {name: upper[name] for name in _PROXY_VARIABLES if name in upper and upper[name] != configured}
    if not ignored:
        return ""
    name, value = next(iter(ignored.items()))
    host = urlsplit(value if "://" in value else f"//{value}").hostname or "(unreadable)"
    return f"proxy {host} is not configured: {name} is ignored; set `proxy` of the target to use it"


def _check_method(request: HttpRequest, method: str, parts: SplitResult, what: str) -> None:
    if method in _READS or request.declared:
        return
    if method == "POST":
        reason = f"POST {parts.path or '/'} is not declared as a read"
    else:
        reason = f"method {method} is not a read"
    raise Refused(what, reason, 'declare an endpoint with this method and its `effect`, "read" or "write"')


def _check_body(request: HttpRequest, method: str, what: str) -> None:
    if request.body and method in _READS:
        raise Refused(what, f"{method} with a body is refused", "declare it as a POST, if the server takes one")
    if request.body and _carries_fields(request) and _names_method(request.body):
        raise Refused(what, "field _method in the body is denied", "declare the method itself")


def _carries_fields(request: HttpRequest) -> bool:
    """Whether frameworks look for `_method` in this body: forms, and top-level JSON (Rails, Laravel, Symfony)."""
    kinds = [value.lower() for name, value in request.headers.items() if name.lower() == "content-type"]
    return not kinds or any("form" in kind or "json" in kind for kind in kinds)


def _names_method(body: bytes) -> bool:
    """Whether a JSON document has a key `_method`, however it is escaped, or a form such a field."""
    try:
        return _has_key(json.loads(body))
    except (ValueError, RecursionError):
        return _METHOD_FIELD.search(unquote_to_bytes(body)) is not None


def _has_key(content: Json) -> bool:
    if isinstance(content, dict):
        return any(name.lower() == "_method" for name in content) or any(map(_has_key, content.values()))
    return isinstance(content, list) and any(map(_has_key, content))


def _check_acting(request: HttpRequest, method: str, parts: SplitResult, what: str) -> None:
    if not request.declared and method in ("GET", "HEAD") and paths.acting(parts.path):
        reason = f"path {parts.path} is on the list of acting GETs"
        raise Refused(what, reason, "declare it to send it")


def _check_parameters(parts: SplitResult, what: str) -> None:
    for name, value in parse_qsl(parts.query.replace(";", "&"), keep_blank_values=True):
        if name.strip().lower() in _METHOD_PARAMETERS:
            raise Refused(what, f"query parameter {name.strip()} is denied", "declare the method itself")
        if name.strip().lower().removesuffix("[]") == "query":
            graphql.check_text(value, what, "query parameter")
