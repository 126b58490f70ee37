"""While load runs, the other targets are watched: databases every second, a cluster every ten."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Protocol

from pytest_prodcheck.errors import ProdcheckError
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.watch import MOST, Glance

if TYPE_CHECKING:
    from pytest_prodcheck.gate.probers import Probers

INTERVALS: Mapping[str, float] = {"database": 1.0, "cluster": 10.0}
"""Kind of target → seconds between two glances; more where a run is long. Logs are read when it is over."""
_PATIENCE = 5.0
"""Seconds for which a glance that is under way is waited for."""


class Watcher(Protocol):
    """Who looks at one target."""

    target: str

    def glance(self) -> Glance:
        """One look."""
        ...

    def close(self) -> None:
        """Looks no more."""
        ...


class Watching:
    """Watches while it is entered; what was seen is kept as observations."""

    def __init__(self, watchers: Collection[Watcher], keep: Callable[[Observation], object], seconds: float) -> None:
        """`seconds` is how long it will be: glances are spread over it."""
        self._watchers, self._keep, self._seconds = tuple(watchers), keep, seconds
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Watching:
        """Begins to look."""
        for watcher in self._watchers:
            thread = threading.Thread(target=self._watch, args=(watcher,), name=f"prodcheck-watch-{watcher.target}",
                                      daemon=True)  # fmt: skip
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *problem: object) -> None:
        """Looks no more."""
        self._over.set()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def _watch(self, watcher: Watcher) -> None:
        pause = max(INTERVALS.get(watcher.target.split(".")[0], 10.0), self._seconds / MOST)
        try:
            for _ in range(MOST):
                self._keep(self._glance(watcher).observation())
                if self._over.wait(pause):
                    return
        finally:
            watcher.close()

    def _glance(self, watcher: Watcher) -> Glance:
        try:
            return watcher.glance()
        except ProdcheckError as problem:
            return Glance(watcher.target, time.time(), problem=str(getattr(problem, "code", "unknown")))


def watchers(probers: Probers) -> list[Watcher]:
    """Of each target that can be watched. Load runs where all targets are ready."""
    names = [name for name in probers.targets if name.split(".")[0] in INTERVALS]
    found = [getattr(probers.of(name), "watcher", None) for name in names]
    return [watcher() for watcher in found if watcher is not None]
