"""Breaks the demo: one function a fault, by name, run before the hosts start."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_prodcheck.demo import (
    inject_auth,
    inject_cache,
    inject_cluster,
    inject_contract,
    inject_database,
    inject_graphql,
    inject_http,
    inject_live,
    inject_load,
    inject_logs,
    inject_upkeep,
)
from pytest_prodcheck.demo.system import System

Injection = Callable[[System], None]


def _two_roots(demo: System) -> None:
    inject_database.password(demo)
    demo.certify("api", "expired")


INJECTIONS: Mapping[str, Injection] = {
    **inject_cluster.INJECTIONS,
    **inject_database.INJECTIONS,
    **inject_upkeep.INJECTIONS,
    **inject_contract.INJECTIONS,
    **inject_cache.INJECTIONS,
    **inject_auth.INJECTIONS,
    **inject_graphql.INJECTIONS,
    **inject_http.INJECTIONS,
    **inject_live.INJECTIONS,
    **inject_logs.INJECTIONS,
    **inject_load.INJECTIONS,
    "two-roots": _two_roots,
}


def inject(fault: str, demo: System) -> None:
    """Injects the fault; nothing for the empty name. Raises KeyError for an unknown one."""
    if fault:
        INJECTIONS[fault](demo)
