"""Adaptive samples: as many requests as a limit needs, never more than the cap, stopped early when it is decided."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.criteria import error_rate, latency, sampling
from pytest_prodcheck.observe.observation import Observation

Send = Callable[[], Observation]
Parallel = Callable[[list[Send]], list[Observation]]


class Sampler:
    """Sends samples for a set of limits until each is decided."""

    def __init__(self, environment: Environment, limits: tuple[str, ...], parallel: Parallel) -> None:
        self._limits = tuple(limit for text in limits if (limit := grammar.comparison(text)) is not None)
        self._confidence, self._at_most = environment.confidence, environment.requests.at_most
        self._parallel, self._lock = parallel, threading.Lock()
        self._extra: list[Observation] | None = None
        self.needed = 0
        self.seen = 0

    def run(self, sends: Sequence[Send], seen: list[Observation]) -> list[Observation]:
        """The extra observations that decide the limits, given what was `seen`; `sends` take turns."""
        extra: list[Observation] = []
        while sends and (more := self._more([*seen, *extra])) > 0:
            self.seen, self.needed = len(seen) + len(extra), len(seen) + len(extra) + more
            batch = [sends[(len(extra) + number) % len(sends)] for number in range(more)]
            answers = self._parallel(batch)
            sent = [answer for answer in answers if answer.error != "stopped"]
            extra.extend(sent)
            if len(sent) < len(answers):
                break
        self.seen = len(seen) + len(extra)
        return extra

    def run_once(
        self, sends: Sequence[Send], seen: list[Observation], keep: Callable[[list[Observation]], object]
    ) -> list[Observation]:
        """Like `run`, for several checks that share the samples: the first caller sends, the others wait for it."""
        with self._lock:
            if self._extra is None:
                self._extra = self.run(sends, seen)
                keep(self._extra)
                return self._extra
        known = set(map(id, seen))
        return [observation for observation in self._extra if id(observation) not in known]

    def _more(self, observations: Sequence[Observation]) -> int:
        """How many more requests the neediest limit asks for now; at most what the cap leaves."""
        wanted = 0
        for limit in self._limits:
            judge = error_rate.next_step if limit.unit == "%" else latency.next_step
            step = judge(observations, limit.text, self._confidence, self._at_most)
            if isinstance(step, sampling.More):
                wanted = max(wanted, step.count)
        return min(wanted, max(0, self._at_most - len(observations)))
