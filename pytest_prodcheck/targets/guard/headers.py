"""Headers that change what a request does, who is asked, or where it ends: the wire alone sets them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.targets.guard.words import words

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OVERRIDES = words(
    """x-http-method x-method x-original-method x-original-url x-rewrite-url x-original-uri method http-method -method
    x-request-method x-override-method x-forwarded-method x-override-url x-forwarded-uri x-forwarded-path
    x-envoy-original-path x-envoy-original-method"""
)
_ROUTING = words(
    """forwarded x-forwarded-host x-forwarded-server x-host x-original-host x-http-host-override x-http-destinationurl
    proxy"""
)
"""`Proxy` becomes HTTP_PROXY of a CGI program, which then asks through it (CVE-2016-5385)."""
_FRAMING = words(
    """transfer-encoding content-length connection keep-alive proxy-connection upgrade http2-settings expect te trailer
    proxy-authorization proxy-authenticate"""
)
"""Hop-by-hop fields (RFC 9110 §7.6.1) and those that say where a message ends (RFC 9112 §6)."""


def check(headers: Mapping[str, str], what: str) -> None:
    """Raises `errors.Refused` for a header that is not the caller's to set, or that hides another one."""
    for name, value in headers.items():
        shown = _shown(name)
        if not _TOKEN.fullmatch(name):
            raise Refused(what, f"control character or separator in the name of header {shown}", "use letters and -")
        if any(
            (ord(letter) < 32 and letter != "\t") or 127 <= ord(letter) < 160 or ord(letter) > 255 for letter in value
        ):
            raise Refused(what, f"control character in header {shown}", "write the value on one line, in Latin-1")
        _check_name(name.lower().replace("_", "-"), shown, what)


def overrides(name: str) -> bool:
    """Whether a header of this name (lower case, `-` for `_`) makes a server act on another method or path."""
    return "method-override" in name or name in _OVERRIDES


def _check_name(name: str, shown: str, what: str) -> None:
    """Judges a name in lower case; CGI and WSGI make no difference between `_` and `-`."""
    if name == "host":
        raise Refused(what, "header Host is set by the target", "change the target's url")
    if overrides(name):
        raise Refused(
            what, f"header {shown} is denied: it makes the server act on another method or path", "leave it out"
        )
    if name.startswith("impersonate-"):
        raise Refused(what, f"header {shown} is denied: it asks with somebody else's rights", "use that user's token")
    if name in _ROUTING:
        raise Refused(what, f"header {shown} is denied: a proxy may route by it", "change the target's url")
    if name in _FRAMING:
        raise Refused(what, f"header {shown} is set by the wire", "leave it out")


def _shown(name: str) -> str:
    """The name as people write it, printable, and short."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in name)[:60]
    return plain if plain != plain.lower() else plain.title()
