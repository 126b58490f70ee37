"""The records of one group while they are counted: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Collection

from pytest_prodcheck.criteria.logs.kinds import Seed
from pytest_prodcheck.observe.log import Group
from pytest_prodcheck.observe.observation import Json

_TIMES, _CLAIMS = 200, 500
"""How many times of retries, and how many records' ids, are kept."""


class Bucket:
    """Counts like records."""

    __slots__ = ("_claims", "_slowest", "_times", "before", "count", "first", "last", "line", "origin", "ours", "seed")

    def __init__(self, seed: Seed, line: str, origin: str) -> None:
        """`line` is the first record's, masked."""
        self.seed, self.line, self.origin = seed, line, origin
        self.count = self.before = self.ours = 0
        self.first: float | None = None
        self.last: float | None = None
        self._times: list[float] = []
        self._claims: list[tuple[str, ...]] = []
        self._slowest = 0.0

    def add(self, at: float | None, *, within: bool, ours: bool, ids: tuple[str, ...], seed: Seed) -> None:
        """One more record, written `at`. `ids` are the ids in it, by which it may turn out to be ours."""
        if not within:
            self.before += 1
            return
        self.count += 1
        self.ours += ours
        if at is not None:
            self.first = at if self.first is None else min(self.first, at)
            self.last = at if self.last is None else max(self.last, at)
            if seed.kind == "retry" and len(self._times) < _TIMES:
                self._times.append(at)
        if not ours and len(self._claims) < _CLAIMS:
            self._claims.append(ids)
        if seed.kind == "slow":
            self._slowest = max(self._slowest, float(seed.data.get("seconds", 0.0)))

    @property
    def claims(self) -> bool:
        """Whether it is still of interest whose records these are: that 500 are not ours is enough."""
        return len(self._claims) < _CLAIMS

    def group(self, own: Collection[str]) -> Group:
        """The group, now that the ids of our own requests are known."""
        claimed = sum(any(one in own for one in ids) for ids in self._claims)
        data: dict[str, Json] = dict(self.seed.data)
        data |= {"times": list[Json](self._times)} if self._times else {}
        data |= {"seconds": self._slowest} if self.seed.kind == "slow" else {}
        seed = self.seed
        return Group(
            seed.kind, seed.code, seed.title, seed.fingerprint, self.line, self.origin, self.count, self.before,
            min(self.count, self.ours + claimed), self.first, self.last, data, seed.example,
        )  # fmt: skip
