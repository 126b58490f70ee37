"""Where a value is in a TOML document: the keys that lead to it."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.lazily import compiled

KeyPath = tuple[str | int, ...]
"""Keys that lead to a value; numbers are positions in arrays."""

_BARE_KEY = compiled(r"[A-Za-z0-9_-]+")


def has(node: object, key: str | int) -> bool:
    """Whether a table or array of a document has this key or position."""
    if isinstance(node, list | tuple):
        return isinstance(key, int) and key < len(node)
    return isinstance(node, Mapping) and key in node


def dotted(path: KeyPath) -> str:
    """A key path as TOML writes it: `env.staging.http.endpoints."api health".path`, `accepted[0].until`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += ("." if text else "") + (key if _BARE_KEY.fullmatch(key) else '"' + key.replace('"', '\\"') + '"')
    return text
