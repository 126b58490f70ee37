"""The wait for a rollout: before it has settled, nothing is looked at that would be the version before."""

from __future__ import annotations

import threading
import time
from typing import Any

from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.gate.probers import Probers

_FIRST, _LONGEST = 0.5, 5.0
"""Seconds between two looks at a rollout: the wait grows from one to the other."""


class Settling:
    """Waits until the wanted revision is rolled out, `settle` is over or the run is."""

    def __init__(self, environment: Environment, probers: Probers, deadline: float) -> None:
        """`deadline` is on the monotonic clock."""
        self._environment, self._probers, self._deadline = environment, probers, deadline
        self._over = threading.Event()
        self.waited = 0.0
        """Seconds that were waited."""
        self.said = ""
        """What is waited for, in a line; empty while nothing is."""

    @property
    def target(self) -> str:
        """The cluster whose rollout everything else waits for; empty where none does."""
        revision = self._environment.revision
        waits = revision is not None and revision.of_cluster and bool(revision.expected)
        return revision.target if revision and waits and revision.target in self._probers.targets else ""

    def stop(self) -> None:
        """Waits no longer."""
        self._over.set()

    def wait(self) -> None:
        """Returns when the rollout has settled, or will not be waited for any longer."""
        revision = self._environment.revision
        if revision is None or not self.target:
            return
        from pytest_prodcheck.criteria.cluster import revision as criterion

        table: Any = self._environment.targets[self.target]
        prober: Any = self._probers.of(self.target)
        started, pause = time.monotonic(), _FIRST
        end = min(started + self._environment.settle, self._deadline)
        while (cluster := prober.rolling()) is not None:
            found = criterion.judge(cluster, table, revision, self.target)
            left = end - time.monotonic()
            self.waited = time.monotonic() - started
            if not found or found[0].severity in ("blocked", "insufficient") or left <= 0:
                break
            self.said = f"waiting for {revision.expected}, {left:.0f} s left: {found[0].message}"
            if self._over.wait(min(pause, max(0.05, left))):
                break
            pause = min(_LONGEST, pause * 1.5)
        self.said = ""
