"""A tally: the samples of a load run, counted exactly in little memory with the standard library alone.

Ten million samples are counted by C code over packed columns: the name, the error and the latency of a request are
laid side by side in one number, a million rows at a time, and `Counter` counts these. The first pass counts latencies
in buckets of 256 µs; a quantile, or the count over a limit, is then made exact by counting the microseconds within the
one bucket that it falls into.
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import compress
from math import ceil, sqrt
from operator import add
from typing import ClassVar, NamedTuple

from pytest_prodcheck.observe.load import NO_ERROR, Part, Samples

CHUNK = 1_000_000
_REMEMBERED = 8
"""Tallies that are kept: more scenarios than that are counted again."""
_MICROSECONDS = 1e6
_BUCKET = 256
_MOST = 2**32 - 1
_DISORDER = 1_000_000
"""Microseconds by which rows may be out of the order of their ends, as where two threads write."""
_LITTLE = sys.byteorder == "little"
_LOW = 0 if _LITTLE else 7
"""Where the lowest byte of eight lies."""


class Cell(NamedTuple):
    """What is counted together: one name, answered as its scenario wants, or with one kind of error."""

    name: int
    error: int


class Tally:
    """The counts of one run's samples after its warm-up."""

    _kept: ClassVar[dict[tuple[str, int, float], Tally]] = {}

    @classmethod
    def of(cls, samples: Samples, warm_up: float, folder: str) -> Tally:
        """The tally of the samples in `folder`: counted once a process, whoever asks."""
        key = (folder, len(samples), warm_up)
        if not folder:
            return cls(samples, warm_up)
        if key not in cls._kept:
            if len(cls._kept) >= _REMEMBERED:
                cls._kept.clear()
            cls._kept[key] = cls(samples, warm_up)
        return cls._kept[key]

    def __init__(self, samples: Samples, warm_up: float = 0.0) -> None:
        """`warm_up` is in seconds: what started before is not judged. A request without a start is."""
        self.samples = samples
        self._warm_up = round(warm_up * _MICROSECONDS)
        self.buckets: dict[Cell, Counter[int]] = {}
        """Number of requests by latency in 256 µs."""
        self._low: Counter[Cell] = Counter()
        """Sum of the microseconds beyond the bucket's beginning."""
        self._sizes: Mapping[Cell, int] | None = None
        self._exact: dict[tuple[Cell, int], Counter[int]] = {}
        """Microseconds within a bucket, where they were asked for."""
        self._count()

    @cached_property
    def n(self) -> int:
        """Requests that are judged: answered or not."""
        return sum(self.counts.values())

    @cached_property
    def counts(self) -> Mapping[Cell, int]:
        """Requests by name and error."""
        return {cell: counter.total() for cell, counter in self.buckets.items()}

    @property
    def warmed(self) -> int:
        """Requests of the warm-up, which are not judged."""
        return len(self.samples) - self.n

    def answered(self, names: Collection[int] | None = None) -> list[Cell]:
        """The cells of requests that were answered as wanted, of these names or of all."""
        return [cell for cell in self.buckets if cell.error == NO_ERROR and (names is None or cell.name in names)]

    def failed(self, names: Collection[int] | None = None) -> list[Cell]:
        """The cells of errors."""
        return [cell for cell in self.buckets if cell.error != NO_ERROR and (names is None or cell.name in names)]

    def number(self, cells: Iterable[Cell]) -> int:
        """Requests in some cells."""
        return sum(self.counts[cell] for cell in cells)

    def mean(self, cells: Sequence[Cell]) -> float:
        """Seconds. Raises ZeroDivisionError for no requests."""
        return self._total(cells) / self.number(cells) / _MICROSECONDS

    def deviation(self, cells: Sequence[Cell]) -> float:
        """Standard deviation in seconds, to 0.1 ms; 0 for fewer than two requests."""
        n = self.number(cells)
        if n < 2:
            return 0.0
        middle = self._total(cells) / n
        squares = sum(
            count * (bucket * _BUCKET + _BUCKET / 2 - middle) ** 2
            for cell in cells
            for bucket, count in self.buckets[cell].items()
        )
        return sqrt(squares / (n - 1)) / _MICROSECONDS

    def quantiles(self, cells: Sequence[Cell], wanted: Sequence[float]) -> list[float]:
        """Nearest-rank quantiles in seconds, exact to the microsecond. Raises ValueError for no requests."""
        merged = self._merged(cells)
        n = sum(merged.values())
        if not n:
            raise ValueError("no requests: there is no quantile")
        ranks = [_rank(q, n) for q in wanted]
        places = [_place(merged, rank) for rank in ranks]
        within = self._within(cells, {bucket for bucket, _ in places})
        return [_value(within[bucket], rank - before) for rank, (bucket, before) in zip(ranks, places, strict=True)]

    def prepare(self, groups: Iterable[tuple[Sequence[Cell], Sequence[float], Sequence[float]]]) -> None:
        """Makes exact in one pass what will be asked for: cells, quantiles, limits in seconds."""
        wanted: set[tuple[Cell, int]] = set()
        for cells, quantiles, limits in groups:
            merged = self._merged(cells)
            n = sum(merged.values())
            buckets = {_place(merged, _rank(q, n))[0] for q in quantiles} if n else set()
            for limit in limits:
                microseconds = round(limit * _MICROSECONDS)
                buckets |= {microseconds // _BUCKET, (microseconds + 1) // _BUCKET}
            wanted |= {(cell, bucket) for cell in cells for bucket in buckets if bucket in self.buckets[cell]}
        self._refine(wanted)

    def over(self, cells: Sequence[Cell], seconds: float, *, inclusive: bool) -> int:
        """How many requests took longer than `seconds`, or, where `inclusive`, as long."""
        limit = ceil(round(seconds * _MICROSECONDS, 3)) if inclusive else int(round(seconds * _MICROSECONDS, 3)) + 1
        at = limit // _BUCKET
        merged = self._merged(cells)
        inside = self._within(cells, {at})[at] if at in merged else {}
        beyond = sum(count for bucket, count in merged.items() if bucket > at)
        return beyond + sum(count for value, count in inside.items() if value >= limit)

    def bytes(self, cells: Sequence[Cell]) -> float:
        """Mean bytes of an answer. Raises ZeroDivisionError for no requests."""
        if self._sizes is None:
            self._sizes = self._summed_sizes()
        return sum(self._sizes.get(cell, 0) for cell in cells) / self.number(cells)

    # --- counting ----------------------------------------------------------------------------------------------------

    def _count(self) -> None:
        coarse: Counter[int] = Counter()
        fine: Counter[int] = Counter()
        for chunk in self._chunks():
            coarse.update(_packed(chunk, fine=False))
            fine.update(_packed(chunk, fine=True))
        for key, count in coarse.items():
            cell, value = _unpacked(key)
            self.buckets.setdefault(cell, Counter())[value // _BUCKET] += count
        self._low = _summed(fine)

    def _total(self, cells: Iterable[Cell]) -> int:
        """Microseconds of all requests in some cells."""
        high = sum(bucket * count for cell in cells for bucket, count in self.buckets[cell].items())
        return high * _BUCKET + sum(self._low[cell] for cell in cells)

    def _merged(self, cells: Iterable[Cell]) -> Mapping[int, int]:
        merged: Counter[int] = Counter()
        for cell in cells:
            merged.update(self.buckets[cell])
        return merged

    def _within(self, cells: Collection[Cell], buckets: Collection[int]) -> Mapping[int, Mapping[int, int]]:
        """Bucket → microseconds → requests, for some buckets."""
        self._refine({(cell, bucket) for cell in cells for bucket in buckets if bucket in self.buckets[cell]})
        within: dict[int, Counter[int]] = {bucket: Counter() for bucket in buckets}
        for cell in cells:
            for bucket in buckets:
                within[bucket].update(self._exact.get((cell, bucket), ()))
        return within

    def _refine(self, wanted: Collection[tuple[Cell, int]]) -> None:
        missing = {place for place in wanted if place not in self._exact}
        if not missing:
            return
        keys = {_key(cell, bucket * _BUCKET) for cell, bucket in missing}
        found: Counter[int] = Counter()
        for chunk in self._chunks():
            coarse = _packed(chunk, fine=False)
            found.update(compress(_packed(chunk, fine=None), map(keys.__contains__, coarse)))
        self._exact.update((place, Counter()) for place in missing)
        for key, count in found.items():
            cell, value = _unpacked(key)
            self._exact[(cell, value // _BUCKET)][value] += count

    def _summed_sizes(self) -> Mapping[Cell, int]:
        coarse: Counter[int] = Counter()
        fine: Counter[int] = Counter()
        for chunk in self._chunks(sizes=True):
            coarse.update(_packed(chunk, fine=False))
            fine.update(_packed(chunk, fine=True))
        return _summed(coarse) + _summed(fine)

    def _chunks(self, *, sizes: bool = False) -> Iterator[_Chunk]:
        for part in self.samples.parts:
            for begin in range(0, len(part), CHUNK):
                yield _judged(part, slice(begin, min(begin + CHUNK, len(part))), self._warm_up, sizes=sizes)


class _Chunk(NamedTuple):
    """Some rows: columns of equal length."""

    value: memoryview[int]
    """Latency in microseconds, or the bytes of the answer."""
    name: memoryview[int]
    error: memoryview[int]


def _judged(part: Part, rows: slice, warm_up: int, *, sizes: bool) -> _Chunk:
    """The rows of a part without those of the warm-up."""
    value = part.size[rows] if sizes else _latency(part.response[rows], part.late[rows])
    columns = [value, part.name[rows], part.error[rows]]
    if warm_up and not _past(part, rows, warm_up):
        keep = [not 0 <= moment < warm_up for moment in part.start[rows]]
        columns = [memoryview(array(one.format, compress(one, keep))) for one in columns]
    return _Chunk(*columns)


def _past(part: Part, rows: slice, warm_up: int) -> bool:
    """Whether all of them started after the warm-up. They are in the order of their ends: none ended before the first
    one, and so none started earlier than the slowest may have. The column of starts is the largest; it is not read."""
    start: int = part.start[rows.start]
    slowest: int = max(part.response[rows])
    return start >= 0 and start + part.response[rows.start] - slowest - _DISORDER >= warm_up


def _latency(response: memoryview[int], late: memoryview[int]) -> memoryview[int]:
    """From the intended start to the end."""
    if late.tobytes() == bytes(late.nbytes):
        return response
    try:
        return memoryview(array("I", map(add, response, late)))
    except OverflowError:
        return memoryview(
            array("I", (min(first + second, _MOST) for first, second in zip(response, late, strict=True)))
        )


def _packed(chunk: _Chunk, *, fine: bool | None) -> array[int]:
    """One number a row: error, name, value; of the value its bucket, where `fine` what is beyond it, where None all."""
    rows = len(chunk.value)
    buffer = bytearray(8 * rows)
    view, halves = memoryview(buffer), memoryview(buffer).cast("H")
    error, name, low = (3, 2, 0) if _LITTLE else (0, 1, 1)
    halves[name::4] = chunk.name
    halves[error::4] = chunk.error
    if fine:
        view[_LOW::8] = chunk.value.cast("B")[(0 if _LITTLE else 3) :: 4]
    else:
        memoryview(buffer).cast("I")[low::2] = chunk.value
        if fine is False:
            view[_LOW::8] = bytes(rows)
    packed = array("Q")
    packed.frombytes(buffer)
    return packed


def _rank(q: float, n: int) -> int:
    """The nearest rank: 0.95 of 20 is 19, whatever a double says."""
    return max(1, ceil(round(q * n, 6)))


def _summed(counted: Mapping[int, int]) -> Counter[Cell]:
    """Cell → sum of the values that were counted."""
    total: Counter[Cell] = Counter()
    for key, count in counted.items():
        cell, value = _unpacked(key)
        total[cell] += value * count
    return total


def _key(cell: Cell, microseconds: int) -> int:
    return cell.error << 48 | cell.name << 32 | microseconds


def _unpacked(key: int) -> tuple[Cell, int]:
    return Cell(key >> 32 & 0xFFFF, key >> 48), key & 0xFFFFFFFF


def _place(merged: Mapping[int, int], rank: int) -> tuple[int, int]:
    """The bucket that holds the value of that rank, and how many values lie in those before it."""
    before = 0
    for bucket in sorted(merged):
        if before + merged[bucket] >= rank:
            return bucket, before
        before += merged[bucket]
    raise ValueError("no such rank")


def _value(within: Mapping[int, int], rank: int) -> float:
    for value in sorted(within):
        rank -= within[value]
        if rank <= 0:
            return value / _MICROSECONDS
    raise ValueError("no such rank")
