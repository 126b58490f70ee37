"""Paths that are not what they look like: dot-dot segments in any encoding, and GETs that act."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import unquote

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.targets.guard.words import words

_ROUNDS = 5
"""Proxies and applications each may decode once; more rounds than anybody has proxies."""
_ACTS = words(
    """logout signout logoff signoff endsession delete destroy remove erase purge unsubscribe deactivate revoke reset
    wipe truncate drop flush shutdown restart reboot terminate kill"""
)
"""First words of path segments behind which a GET commonly acts, against RFC 9110 §9.2.1."""


def segments(path: str) -> list[str]:
    """The path's segments as the last decoder may see them: percent-decoded to the end, without `;parameters`."""
    for _ in range(_ROUNDS):
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    return [segment.partition(";")[0].strip() for segment in path.replace("\\", "/").split("/")]


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
    resolved = posixpath.normpath("/" + "/".join(found).lstrip("/"))
    if prefix and resolved != prefix and not resolved.startswith(prefix + "/"):
        raise Refused(what, f"path leaves its declared prefix {prefix}", "declare the path")


def acting(path: str) -> str:
    """The first segment that says that a GET acts (`logout`, `delete-all`, `signOut.php`), or empty."""
    return next((segment for segment in segments(path) if _acts(segment)), "")


def _acts(segment: str) -> bool:
    """By its first word, or its first two as one (`sign-out`), in snake, kebab or camel case."""
    parts = [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", segment)]
    return bool(parts) and (segment.lower() in _ACTS or parts[0] in _ACTS or "".join(parts[:2]) in _ACTS)
