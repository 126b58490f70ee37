"""What another target looked like at one moment while load ran: connections, lock waits, restarts, memory, CPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_prodcheck.observe.observation import Observation

OPERATION = "watch"
MOST = 2000
"""Glances of one target that are kept."""


@dataclass(frozen=True, slots=True)
class Glance:
    """One look."""

    target: str
    at: float
    """Seconds since the epoch."""
    values: Mapping[str, float] = field(default_factory=dict)
    """Database: `connections`, `limit`, `active`, `waiting`, `longest_wait` (seconds). Cluster: `restarts`, `memory`
    (bytes), `cpu` (cores)."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Database: `top` ([application, connections]), `waits` (see `observe.health.Wait`). Cluster: `pods` (pod →
    container → `memory`, `cpu`), `restarted` (pod → number), `killed` (`pod`, `container`, `reason`)."""
    problem: str = ""
    """Why it could not look: an SQLSTATE, a cause code, an error class; empty where it did."""

    @property
    def kind(self) -> str:
        """`database`, `cluster`."""
        return self.target.split(".")[0]

    def observation(self) -> Observation:
        """The observation that carries it."""
        data = {"values": dict(self.values), "facts": dict(self.facts)}
        return Observation(self.target, OPERATION, "watch", started_at=self.at, code=self.problem, data=data)


def glances(observations: Iterable[Observation]) -> tuple[Glance, ...]:
    """The glances that some observations carry, in order of time."""
    found = (
        Glance(seen.target, seen.started_at, seen.data["values"], seen.data["facts"], seen.code)
        for seen in observations
        if seen.kind == OPERATION
    )
    return tuple(sorted(found, key=lambda one: one.at))


def memory(glances: Iterable[Glance], pod: str, container: str) -> list[tuple[float, float]]:
    """Moments and bytes of one container, up to where it fell for the first time: it was ended there."""
    points: list[tuple[float, float]] = []
    for one in glances:
        used = one.facts.get("pods", {}).get(pod, {}).get(container, {}).get("memory")
        if used is None:
            continue
        if points and used < points[-1][1] / 2:
            break
        points.append((one.at, float(used)))
    return points
