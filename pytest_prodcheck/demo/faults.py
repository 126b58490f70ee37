"""Every fault of the demo, by name, in the order of the layers. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.demo import (
    faults_auth,
    faults_cache,
    faults_cluster,
    faults_contract,
    faults_database,
    faults_graphql,
    faults_http,
    faults_live,
    faults_load,
    faults_logs,
    faults_upkeep,
)
from pytest_prodcheck.demo.fault import Fault

__all__ = ["FAULTS", "Fault"]

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for module in (
        faults_cluster,
        faults_database,
        faults_upkeep,
        faults_contract,
        faults_cache,
        faults_auth,
        faults_graphql,
        faults_http,
        faults_live,
        faults_logs,
        faults_load,
    )
    for fault in module.FAULTS
}
