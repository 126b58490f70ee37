"""What can be said of a value without saying the value: its flaws, and which services of the cluster it names."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from pytest_prodcheck.config.lazily import compiled

LINE_BREAK: Final = "ends with a line break"
SPACE: Final = "begins or ends with a space"
QUOTED: Final = "stands in quotes"
PLACEHOLDER: Final = "is a placeholder"
BLANK: Final = "is nothing but white space"
TWICE: Final = "reads as base64 of a text, encoded twice"
LOCALHOST: Final = "points to localhost, which is the container itself"
NOT_HTTPS: Final = "is http to a host outside of the cluster"
BAD_URL: Final = "is an address that cannot be parsed"

_PLACEHOLDER = compiled(
    r"(?i)<[^<>\n]{1,60}>|\$\{[^}\n]*\}|\{\{[^}\n]*\}\}|change[-_ ]?me|replace[-_ ]?me|your[-_ ][^\n]*|"
    r"todo|tbd|x{3,}|undefined|\[object Object\]"
)
_PARTLY = compiled(r"://[^\s]*(?:<[^<>\n]{1,60}>|\$\{[^}\n]*\}|\b(?:undefined|null)\b)")
_BASE64 = compiled(r"(?:[A-Za-z0-9+/]{4}){4,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_SCHEME = compiled(r"(?i)[a-z][a-z0-9+.-]*://")
_OWN = compiled(r"(?i)(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?|0\.0\.0\.0)")
_USES = compiled(r"\$\$|\$\(([A-Za-z_][\w.-]*)\)")
_HOST = compiled(
    r"(?:^|://|@|\s|,)(?:[^\s/@,]*@)?([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)(?=$|:(?!//)|[/,?\s])"
)
_LONGEST = 65536
"""Bytes of a value that are looked at."""


def flaws(value: bytes) -> tuple[str, ...]:
    """What is wrong with the form of a value of one line, in words that show nothing of it (A13, A14, B5). A document
    of many lines, and bytes that are no text, are their own affair."""
    if b"\n" in value.strip():
        return ()
    plain = value[:_LONGEST].decode("utf-8", "replace")
    bare = plain.strip()
    if plain and not bare:
        return (BLANK,)
    found = [LINE_BREAK] if plain != plain.rstrip("\r\n") else [SPACE] if plain != bare else []
    inner = bare.strip("\"'`")
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'`":
        found.append(QUOTED)
    if _PLACEHOLDER.fullmatch(inner) or _PARTLY.search(bare):
        found.append(PLACEHOLDER)
    if _encoded(bare):
        found.append(TWICE)
    return (*found, *_of_address(inner))


def of_literal(text: str) -> tuple[str, ...]:
    """The flaws of a literal of a pod's template, in which `$(NAME)` stands for another variable."""
    return flaws(_USES.sub("x", text).encode())


def uses(text: str) -> tuple[str, ...]:
    """The variables that a literal of a pod's template takes up (`$(NAME)`; `$$` is a dollar)."""
    return tuple(dict.fromkeys(one[1] for one in _USES.finditer(text) if one[1]))


def services(text: str, known: Collection[str], namespace: str) -> tuple[str, ...]:
    """Those of the services `known` in `namespace` that a value has as a host: of an address, a DSN, a list, or
    alone."""
    if not known or len(text) > _LONGEST or "\n" in text.strip():
        return ()
    parts = (one.lower().split(".") for one in _HOST.findall(text.strip()))
    here = (one[0] for one in parts if one[1:2] in ([], [namespace]) and (len(one) < 3 or one[2] == "svc"))
    return tuple(dict.fromkeys(one for one in here if one in known))


def _of_address(bare: str) -> list[str]:
    if not _SCHEME.match(bare) or any(character.isspace() for character in bare):
        return []
    try:
        parts = urlsplit(bare)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return [BAD_URL]
    if not host:
        return [] if parts.scheme in ("file", "sqlite", "unix") else [BAD_URL]
    if _OWN.fullmatch(host):
        return [LOCALHOST]
    # a name without a dot, or of the cluster's own zone, never leaves the cluster
    inside = "." not in host or host.endswith((".svc", ".local", ".internal"))
    return [NOT_HTTPS] if parts.scheme == "http" and not inside else []


def _encoded(bare: str) -> bool:
    """Whether it is base64 of a text: encoded once too often. Random keys in base64 decode to bytes, and stay."""
    if not _BASE64.fullmatch(bare):
        return False
    try:
        inner = base64.b64decode(bare, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return False
    return bool(inner.strip()) and inner.rstrip("\r\n").isprintable()
