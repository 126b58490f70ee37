"""What the running test has done so far: observations of its declared check, and of its own requests."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from pytest_prodcheck.errors import UsageProblem
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.observation import Observation


@dataclass(slots=True)
class Record:
    """One attempt of one test."""

    nodeid: str
    attempt: int
    limits: tuple[str, ...] = ()
    """Its rates and quantiles, which `sample()` decides."""
    evidence: Evidence | None = None
    """Of its declared check, once it asked for it."""
    own: list[Observation] = field(default_factory=list)
    """What it did through fixtures by itself."""
    judged: int = 0
    """How many of its own observations its body's report judged; what follows is its teardown's."""
    sampled: bool = False
    beside: list[str] = field(default_factory=list)
    """What went wrong beside its body, in words: what its threads raised, which coroutines nobody awaited."""

    @property
    def observations(self) -> tuple[Observation, ...]:
        """Everything that was seen for this attempt."""
        return (self.evidence.observations if self.evidence else ()) + tuple(self.own)


class Recorder:
    """Knows the running test of this process; threads that a test starts record into the same test."""

    def __init__(self) -> None:
        self._record: Record | None = None
        self._lock = threading.RLock()  # a coroutine may be collected, and missed, while its own thread records

    def start(self, record: Record) -> None:
        """The next test begins."""
        self._record = record

    @property
    def current(self) -> Record:
        """The running test's record. Raises UsageProblem where no test runs (a session fixture's set-up)."""
        if self._record is None:
            raise UsageProblem("prodcheck fixtures are used inside a test: nothing was sent")
        return self._record

    def went_wrong(self, text: str) -> None:
        """Adds what went wrong beside the body of the running test; its id takes the place of `{}`."""
        with self._lock:
            if self._record is not None:
                self._record.beside.append(text.replace("{}", self._record.nodeid, 1))

    def keep(self, observations: Sequence[Observation]) -> None:
        """Adds what the running test did by itself."""
        with self._lock:
            self.current.own.extend(observations)
