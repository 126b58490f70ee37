"""An index of needles that finds any long enough piece of one in a fold, in one pass over the fold."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_prodcheck.config.redaction.forms import Needle
from pytest_prodcheck.config.redaction.views import CUT

_GRAM = 4
_ALIGNED = 2 * _GRAM - 1  # any piece of 7 bytes holds one aligned group of 4 whole
_MEMORY = 64


@dataclass(frozen=True, slots=True)
class Hit:
    """The bytes `start` to `end` of a fold are the bytes from `offset` on of the needle."""

    needle: Needle
    start: int
    end: int
    offset: int

    @property
    def whole(self) -> bool:
        """Whether all of the needle is there."""
        return self.end - self.start == len(self.needle.text)


class NeedleIndex:
    """Every group of 4 bytes of every needle, by value; a text is sampled at every fourth byte only.

    Adding while another thread searches is safe: a needle is either seen or not yet seen.
    """

    def __init__(self) -> None:
        self._places: dict[int, list[tuple[Needle, int]]] = {}
        self._short: list[Needle] = []

    def add(self, needle: Needle) -> None:
        """Index `needle`."""
        for offset in range(len(needle.text) - _GRAM + 1):
            self._places.setdefault(_number(needle.text, offset), []).append((needle, offset))
        if needle.minimum < _ALIGNED:
            self._short.append(needle)

    def find(self, folded: bytes) -> Iterator[Hit]:
        """Every piece of a needle in `folded`, as long as the needle asks; the same piece may come more than once."""
        yield from self._aligned(folded)
        for needle in self._short:
            yield from _occurrences(needle, folded)
        yield from self._at_cuts(folded)

    def _aligned(self, folded: bytes) -> Iterator[Hit]:
        places = self._places
        cells = memoryview(folded)[: len(folded) & -_GRAM].cast("I")
        sampled = [cell for cell, number in enumerate(cells) if number in places]
        barren: set[bytes] = set()
        for cell in sampled:
            position = cell * _GRAM
            around = folded[max(0, position - _MEMORY) : position + _MEMORY]
            if around in barren:  # a hostile text that repeats itself is looked at once
                continue
            hits = [hit for needle, offset in places[cells[cell]] if (hit := _grow(needle, offset, folded, position))]
            yield from hits
            if not hits:
                barren.add(around)

    def _at_cuts(self, folded: bytes) -> Iterator[Hit]:
        yield from self._ends_before(folded, len(folded))
        yield from self._starts_after(folded, 0)
        position = folded.find(CUT)
        while position >= 0:
            yield from self._ends_before(folded, position)
            yield from self._starts_after(folded, position + 1)
            position = folded.find(CUT, position + 1)

    def _ends_before(self, folded: bytes, cut: int) -> Iterator[Hit]:
        for needle, offset in self._at(folded, cut - _GRAM):
            length = offset + _GRAM
            if length >= needle.edge and folded.endswith(needle.text[:length], max(0, cut - length), cut):
                yield Hit(needle, cut - length, cut, 0)

    def _starts_after(self, folded: bytes, cut: int) -> Iterator[Hit]:
        for needle, offset in self._at(folded, cut):
            if len(needle.text) - offset >= needle.edge and folded.startswith(needle.text[offset:], cut):
                yield Hit(needle, cut, cut + len(needle.text) - offset, offset)

    def _at(self, folded: bytes, position: int) -> list[tuple[Needle, int]]:
        if position < 0 or position + _GRAM > len(folded):
            return []
        return self._places.get(_number(folded, position), [])


def _number(text: bytes, position: int) -> int:
    return int.from_bytes(text[position : position + _GRAM], sys.byteorder)


def _occurrences(needle: Needle, folded: bytes) -> Iterator[Hit]:
    position = folded.find(needle.text)
    while position >= 0:
        yield Hit(needle, position, position + len(needle.text), 0)
        position = folded.find(needle.text, position + 1)


def _grow(needle: Needle, offset: int, folded: bytes, position: int) -> Hit | None:
    """The longest piece of `needle` around `position`, where it is `offset` bytes in; None if it is too short."""
    right = _common(needle.text[offset:], folded[position : position + len(needle.text) - offset])
    if right + offset < needle.minimum:
        return None
    before = folded[max(0, position - offset) : position]
    left = _common(needle.text[:offset][::-1], before[::-1])
    if left + right < needle.minimum:
        return None
    return Hit(needle, position - left, position + right, offset - left)


def _common(one: bytes, other: bytes) -> int:
    """Length of the common beginning, by bisection on slices."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle)
    return low
