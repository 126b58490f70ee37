"""Faults that only load shows: what is enough for one request, and not for many."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_prodcheck.demo import fronts
from pytest_prodcheck.demo.system import System

Injection = Callable[[System], None]


def _pool(demo: System) -> None:
    demo.api.pool = demo.pool("demo-api", size=1, timeout=0.1, hold=0.3)
    demo.api.verbose = True


def _latency(demo: System) -> None:
    demo.fronts["api"].append(fronts.one_at_a_time(fronts.under("/api/"), 0.06))


INJECTIONS: Mapping[str, Injection] = {"load-pool-exhausted": _pool, "load-latency": _latency}
