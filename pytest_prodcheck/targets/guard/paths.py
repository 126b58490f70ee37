"""Paths that are not what they look like: dot-dot segments in any encoding, and GETs that act."""

from __future__ import annotations

import posixpath
import re
from functools import lru_cache
from urllib.parse import unquote

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.targets.guard.words import words

_ROUNDS = 5
"""Proxies and applications each may decode once; more rounds than anybody has proxies."""
_OVERLONG_LETTERS = {"%c0%ae": ".", "%e0%80%ae": ".", "%c0%af": "/", "%e0%80%af": "/", "%c1%9c": "\\"}
_OVERLONG = re.compile("|".join(_OVERLONG_LETTERS), re.IGNORECASE)
_ACTS = words(
    """logout signout logoff signoff endsession delete destroy remove erase purge unsubscribe deactivate revoke reset
    wipe truncate drop flush shutdown restart reboot terminate kill"""
)
"""First words of path segments behind which a GET commonly acts, against RFC 9110 §9.2.1."""


@lru_cache(maxsize=128)
def segments(path: str) -> tuple[str, ...]:
    """The path's segments as the last decoder may see them, without `;parameters` and what follows a NUL."""
    parts = _decoded(path).replace("\\", "/").replace("\0", ";").split("/")
    return tuple([segment.partition(";")[0].strip() for segment in parts])


@lru_cache(maxsize=128)
def resolved(path: str) -> str:
    """The path that an application may see: percent-decoded to the end, dots and empty segments resolved."""
    return posixpath.normpath("/" + "/".join(segments(path)).lstrip("/"))


def check_controls(path: str, what: str) -> None:
    """Raises `errors.Refused` for a control character in any encoding: no path needs one, and logs, proxies and
    templates that decode it take it for the end of a line or a name."""
    decoded = _decoded(path)
    if not decoded.isprintable() and any(ord(letter) < 32 or ord(letter) == 127 for letter in decoded):
        raise Refused(what, "control character in the path, percent-encoded", "write the path plainly")


def _decoded(path: str) -> str:
    """Percent-decoded to the end; dots and slashes in overlong UTF-8, which lax decoders take, count as such."""
    if "%" not in path:
        return path
    for _ in range(_ROUNDS):
        decoded = unquote(_OVERLONG.sub(lambda found: _OVERLONG_LETTERS[found[0].lower()], path))
        if decoded == path:
            break
        path = decoded
    return path


def check_dots(path: str, prefix: str, declared: bool, what: str) -> None:
    """Raises `errors.Refused` for a path that leaves `prefix` when dot-dot is resolved; where nothing is declared, for
    any dot-dot."""
    found = segments(path)
    if not declared and ".." in found:
        raise Refused(what, "path leaves its declared prefix: it has a dot-dot segment", "write the path plainly")
    depth = 0
    for segment in found:
        depth += {"..": -1, ".": 0, "": 0}.get(segment, 1)
        if depth < 0:
            raise Refused(what, "path leaves its declared prefix: it climbs above the root", "write the path plainly")
    if prefix and (plain := resolved(path)) != prefix and not plain.startswith(prefix + "/"):
        raise Refused(what, f"path leaves its declared prefix {prefix}", "declare the path")


@lru_cache(maxsize=128)
def acting(path: str) -> str:
    """The first segment that says that a GET acts (`logout`, `delete-all`, `signOut.php`), or empty."""
    return next((segment for segment in segments(path) if _acts(segment)), "")


def _acts(segment: str) -> bool:
    """By its first word, or its first two as one (`sign-out`), in snake, kebab or camel case."""
    parts = [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", segment)]
    return bool(parts) and (segment.lower() in _ACTS or parts[0] in _ACTS or "".join(parts[:2]) in _ACTS)
