"""Scrubbing data and trees of objects, string by string."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from pytest_prodcheck.config.redaction.parts import SECRET_KEY
from pytest_prodcheck.config.redaction.patterns import MASK

Scrub = Callable[[str], str]

_DEPTH = 40
_LEAVES = (bool, int, float, complex, type(None), type)


def scrubbed_copy(value: Any, scrub: Scrub, depth: int = 0) -> Any:
    """A copy of JSON-like data with keys and strings scrubbed; what stands under a secret's key is masked whole."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, bytes | bytearray):
        return _scrubbed_bytes(bytes(value), scrub)
    if depth > _DEPTH:
        return value if isinstance(value, _LEAVES) else MASK
    if isinstance(value, dict):
        return {
            scrubbed_copy(key, scrub, depth + 1): _under(key, item, scrub, depth + 1) for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return _same_kind(value, [scrubbed_copy(item, scrub, depth + 1) for item in value])
    return value


def _under(key: object, item: Any, scrub: Scrub, depth: int) -> Any:
    if isinstance(key, str) and SECRET_KEY.search(key) and item not in (None, "", b"") and not isinstance(item, bool):
        return item if _is_reference(item) else scrub(item) if _is_masked(item) else MASK
    return scrubbed_copy(item, scrub, depth)


def _is_reference(item: object) -> bool:
    return isinstance(item, str) and item.startswith(("env:", "file:", "cmd:", "demo:"))


def _is_masked(item: object) -> bool:
    return isinstance(item, str) and item.startswith("[redacted") and item.endswith("]") and item.count("[") == 1


def _scrubbed_bytes(value: bytes, scrub: Scrub) -> bytes:
    text = value.decode("latin-1")
    scrubbed = scrub(text)
    if scrubbed is not text:
        return scrubbed.encode("utf-8")
    return value


def _same_kind(value: Any, items: list[Any]) -> Any:
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*items)
    return type(value)(items) if type(value) in (list, tuple, set, frozenset) else tuple(items)


class InPlace:
    """Replaces the strings in a tree of objects; each object is visited once, down to 40 levels."""

    def __init__(self, scrub: Scrub) -> None:
        self._scrub = scrub
        self._seen: dict[int, object] = {}
        """By identity; the objects are kept, so that no identity is used twice."""
        self.changed = False

    def replace(self, value: Any, depth: int = 0) -> Any:
        """What stands in the place of `value` now: `value` itself unless a string or a tuple had to be replaced."""
        if isinstance(value, str | bytes):
            return self._text(value)
        if isinstance(value, _LEAVES) or callable(value) or depth > _DEPTH or id(value) in self._seen:
            return value
        if isinstance(value, tuple):
            return self._tuple(value, depth)
        self._seen[id(value)] = value
        if isinstance(value, list):
            value[:] = [self.replace(item, depth + 1) for item in value]
        elif isinstance(value, MutableMapping):
            self._mapping(value, depth)
        elif isinstance(value, set):
            self._set(value, depth)
        else:
            self._attributes(value, depth)
        return value

    def _text(self, value: str | bytes) -> str | bytes:
        scrubbed: str | bytes = self._scrub(value) if isinstance(value, str) else _scrubbed_bytes(value, self._scrub)
        if scrubbed is not value:
            self.changed = True
        return scrubbed

    def _tuple(self, value: tuple[Any, ...], depth: int) -> tuple[Any, ...]:
        items = [self.replace(item, depth + 1) for item in value]
        if all(new is old for new, old in zip(items, value, strict=True)):
            return value
        replaced: tuple[Any, ...] = _same_kind(value, items)
        return replaced

    def _mapping(self, value: MutableMapping[Any, Any], depth: int) -> None:
        items = [(key, self.replace(key, depth + 1), item) for key, item in list(value.items())]
        if any(new is not old for old, new, _ in items):
            value.clear()
        for _, key, item in items:
            value[key] = self.replace(item, depth + 1)

    def _set(self, value: set[Any], depth: int) -> None:
        items = [self.replace(item, depth + 1) for item in value]
        value.clear()
        value.update(items)

    def _attributes(self, value: object, depth: int) -> None:
        for name, item in list(_attributes(value)):
            replaced = self.replace(item, depth + 1)
            if replaced is not item:
                object.__setattr__(value, name, replaced)  # also where the class is a frozen dataclass


def _attributes(value: object) -> Iterator[tuple[str, Any]]:
    yield from list(getattr(value, "__dict__", {}).items())  # at once: its owner may be another thread
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                yield name, getattr(value, name)
