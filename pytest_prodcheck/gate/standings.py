"""Who is ready: every target and every user's token is looked at once a run, whoever asks first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from pytest_prodcheck.gate.probers import Probers
from pytest_prodcheck.gate.settling import Settling
from pytest_prodcheck.observe.evidence import Evidence, Standing
from pytest_prodcheck.observe.pool import Pending, ProbePool


class Standings:
    """The standings of one run. Methods may be called from many threads."""

    def __init__(
        self,
        probers: Probers,
        pool: ProbePool,
        keep: Callable[[Evidence], object],
        deadline: float,
        clock: Callable[[], float],
        settling: Settling,
    ) -> None:
        """`keep` takes what was seen; `deadline` is on the monotonic clock, `clock` tells when a target was seen;
        `settling` is what must be over before anything is looked at."""
        self._settling = settling
        self._probers, self._pool, self._keep, self._deadline, self._clock = probers, pool, keep, deadline, clock
        self._pending: dict[str, Pending[Standing]] = {}
        self._waited_for: dict[str, Sequence[str]] = {}
        """What each need waits for; the same for all checks of a target."""
        self._lock = threading.Lock()

    def look(self, name: str) -> Pending[Standing]:
        """Begins to look, where nobody has."""
        with self._lock:
            if name not in self._pending:
                self._pending[name] = self._pool.submit(f"ready:{name}", 1, lambda: self._seen_now(name))
        return self._pending[name]

    def of(self, name: str) -> Standing:
        """Whether a target (`database`) or a user's token (`user:member`) is there; waits for it. Raises
        DeadlinePassed."""
        return self.look(name).result(max(0.0, self._deadline - time.monotonic()))

    def blocker(self, needs: Iterable[str]) -> Standing | None:
        """The first of `needs` that is not ready; None where all are."""
        for need in needs:
            if need not in self._waited_for:
                self._waited_for[need] = self._needed(need)
            for name in self._waited_for[need]:
                standing = self.of(name)
                if not standing.ready:
                    return standing
        return None

    def _needed(self, need: str) -> Sequence[str]:
        """What `need` waits for: itself, or a family's members. A fixture of a family waits for none: which member its
        test will ask is not known before. What takes no part blocks nothing."""
        scheme, _, kind = need.partition(":")
        name = kind if scheme == "fixture" else need
        if name.partition(":")[0].partition(".")[0] not in self._probers.kinds:
            return ()
        members = [target for target in self._probers.targets if target == name or target.startswith(f"{name}.")]
        if ":" in name or not members:
            return (name,) if ":" in name else ()
        return members if scheme != "fixture" or len(members) == 1 else ()

    def seen(self, name: str) -> Standing | None:
        """A standing that was observed; None where it was not, or is not yet."""
        pending = self._pending.get(name)
        return pending.result() if pending and pending.done and not pending.failed else None

    def _seen_now(self, name: str) -> Standing:
        if name == self._settling.target:
            self._settling.wait()
        elif self._settling.target:
            self.of(self._settling.target)
        if name.startswith("user:"):
            auth = self._probers.auth_of(name.removeprefix("user:"))
            if auth and not self.of(auth).ready:
                return replace(self.of(auth), name=name)
        for other in self._probers.before(name):
            self.of(other)
        standing = self._probers.standing(name, self._clock())
        self._keep(standing.evidence)
        return standing
