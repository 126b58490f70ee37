"""Whether a message is as promised: the same matching as for the bodies of HTTP answers; and whether it stands in for a
real one (E3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from pytest_prodcheck.criteria import expectations
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.observation import Json

_FALLBACK_KEYS: Final = ("type", "source", "handler", "mode", "kind")


class Messages:
    """Compares messages with what is expected; `fallback` has what a handler says that stands in for the real one."""

    def __init__(self, fallback: Sequence[object], clock: Callable[[], float]) -> None:
        """`clock` tells the time at which ages are judged, in seconds since the epoch."""
        self._fallback, self._clock = fallback, clock

    def mismatch(self, expected: object, message: str | bytes) -> str:
        """In which way the message is not as expected; empty where it is. A plain string is the whole text; what holds
        JSON is compared as the document that it is."""
        found = self._compared(expected, message)
        return "; ".join(str(one) for one in found[:3])

    def falls_back(self, message: str | bytes) -> bool:
        """Whether it is declared as a fallback, or calls itself one: `"fallback": true`, `"type": "fallback"` …"""
        if any(not self._compared(one, message) for one in self._fallback):
            return True
        document = strict_json.table(message)
        if document is None:
            return False
        named = [document.get(key) for key in _FALLBACK_KEYS]
        return document.get("fallback") is True or "fallback" in named

    def _compared(self, expected: object, message: str | bytes) -> list[expectations.Mismatch]:
        now, text = self._clock(), _text(message)
        try:
            document: Json = strict_json.parse(message)
        except ValueError:
            if isinstance(expected, str):
                return expectations.compare_text(expected, text, now=now)
            return [expectations.Mismatch("message", "JSON", re.sub(r"\s+", " ", text[:60]) or "nothing")]
        found = expectations.compare(expected, document, now=now, path="")
        if found and isinstance(expected, str) and not expectations.compare_text(expected, text, now=now):
            return []
        return [one._replace(path=one.path or "message") for one in found]


def _text(message: str | bytes) -> str:
    return message if isinstance(message, str) else message.decode("utf-8", "replace")
