"""Which hosts may be contacted: scheme, host and port of the configured URLs, compared as the wire sends them."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from pytest_prodcheck.errors import Refused

_PORTS = {"http": 80, "https": 443}
Origin = tuple[str, str, int]


class Origins(NamedTuple):
    """The configured origins; with `prefix`, only paths below it; `declared` are methods and paths beyond GET."""

    allowed: frozenset[Origin] = frozenset()
    prefix: str = ""
    declared: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def of(cls, *urls: str, prefix: str = "") -> Origins:
        """The origins of absolute URLs; raises `errors.Refused` for a URL that has none."""
        return cls(frozenset(_origin(split(url), "configured url") for url in urls), prefix.rstrip("/"))

    def with_urls(self, *urls: str) -> Origins:
        """These and the origins of `urls`."""
        return self._replace(allowed=self.allowed | Origins.of(*urls).allowed)

    def with_declared(self, *requests: tuple[str, str]) -> Origins:
        """These, with (method, path) pairs to which a redirect may repeat a request that is not a GET."""
        return self._replace(declared=self.declared | {(method.upper(), path) for method, path in requests})

    def check(self, parts: SplitResult, what: str) -> None:
        """Raises `errors.Refused` unless the URL's scheme, host and port are configured and nobody is named in it."""
        scheme, host, port = _origin(parts, what)
        same_host = {origin for origin in self.allowed if origin[1] == host}
        if not same_host:
            raise Refused(what, f"host {host or '(none)'} is not configured{_punycode(host)}", "declare it as a target")
        if (scheme, host, port) not in same_host:
            raise Refused(what, _difference(scheme, port, same_host), "declare it as a target")
        if "@" in parts.netloc:
            raise Refused(what, "URL carries user information", "use a header with a reference")


@lru_cache(maxsize=128)
def split(url: str) -> SplitResult:
    """The parts of `url` by the parser that the wire uses; raises `errors.Refused` for a character that another parser
    could take for the end of the host or the line (RFC 3986 §2, WHATWG URL §4.4)."""
    what = "request"
    plain = url.isascii() and url.isprintable()
    if not plain and any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in url):
        raise Refused(what, "control character in URL", "percent-encode it")
    if " " in url or (not plain and any(letter.isspace() for letter in url)):
        raise Refused(what, "space in URL", "percent-encode it")
    if "\\" in url:
        raise Refused(what, "URL contains a backslash", "percent-encode it")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (raises ValueError for what is no port)
    except ValueError:
        raise Refused(what, "URL cannot be parsed", "write it as https://host/path") from None
    return parts


def host_of(parts: SplitResult) -> str:
    """The host in lower case and punycode (IDNA); what no resolver would take stays as it is."""
    host = (parts.hostname or "").lower()
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ascii(host)[1:-1]


def _origin(parts: SplitResult, what: str) -> Origin:
    if parts.scheme not in _PORTS:
        raise Refused(what, f"scheme {parts.scheme or '(none)'} is denied", "use https")
    return _of(parts.scheme, parts.netloc)


@lru_cache(maxsize=256)
def _of(scheme: str, netloc: str) -> Origin:
    parts = SplitResult(scheme, netloc, "", "", "")
    return scheme, host_of(parts), parts.port if parts.port is not None else _PORTS[scheme]


def _punycode(host: str) -> str:
    return " (shown in punycode)" if "xn--" in host else ""


def _difference(scheme: str, port: int, known: set[Origin]) -> str:
    if port in (80, 443) and all(scheme != origin[0] for origin in known):
        return f"scheme {scheme} is not configured for this host"
    return f"port {port} is not configured"
