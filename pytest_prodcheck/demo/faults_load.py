"""The faults that only load shows."""

from __future__ import annotations

from pytest_prodcheck.demo.fault import Fault

_RUN = ("load::test_load",)
_LIMITS = ("load::test_limits",)

FAULTS = (
    Fault(
        "load-pool-exhausted",
        "load",
        "the API has one database connection, and keeps it for 300 ms: enough for single requests; its 500 says so",
        ("database.pool.exhausted",),
        _LIMITS,
        (),
        _RUN,
        ("load.run.aborted",),
        mark="load",
    ),
    Fault(
        "load-latency",
        "load",
        "the API works on one request at a time: quick while requests come singly",
        ("load.latency.over_limit",),
        _LIMITS,
        (),
        _RUN,
        mark="load",
    ),
)
