"""An index of needles that finds any long enough piece of one in a fold, in one pass over the fold."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

from pytest_prodcheck.config.redaction.forms import Needle
from pytest_prodcheck.config.redaction.views import CUT

_GRAM = 4
_ALIGNED = 2 * _GRAM - 1  # any piece of 7 bytes holds one aligned group of 4 whole
_MEMORY = 64


class Hit(NamedTuple):
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
        barren: set[tuple[bytes, int]] = set()
        done = 0
        for cell in sampled:
            position = cell * _GRAM
            if position + _GRAM <= done:
                continue
            around = (folded[max(0, position - _MEMORY) : position + _MEMORY], min(position, _MEMORY))
            if around in barren:  # a hostile text that repeats itself is looked at once
                continue
            hits = list(_grown(places[cells[cell]], folded, position))
            yield from hits
            if not hits:
                barren.add(around)
            done = max((hit.end for hit in hits if hit.whole), default=done)

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


def _grown(candidates: list[tuple[Needle, int]], folded: bytes, position: int) -> Iterator[Hit]:
    """The longest piece of each candidate around `position`, where it is `offset` bytes in, unless it is too short."""
    before, after = folded[max(0, position - 2) : position], folded[position + _GRAM : position + _GRAM + 2]
    for needle, offset in candidates:
        text = needle.text
        # A piece of 7 bytes or more has two more on one side of its group of 4.
        if text[offset + _GRAM : offset + _GRAM + 2] == after or (offset >= 2 and text[offset - 2 : offset] == before):
            left = _common(text[:offset][::-1], folded[max(0, position - offset) : position][::-1])
            right = _common(text[offset:], folded[position : position + len(text) - offset])
            if left + right >= needle.minimum:
                yield Hit(needle, position - left, position + right, offset - left)


def _common(one: bytes, other: bytes) -> int:
    """Length of the common beginning, by bisection on slices."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle)
    return low
