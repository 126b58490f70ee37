"""Every fault of the demo, by name, in the order of the layers. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.demo import faults_auth, faults_database, faults_graphql, faults_http
from pytest_prodcheck.demo.fault import Fault

__all__ = ["FAULTS", "Fault"]

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (*faults_database.FAULTS, *faults_auth.FAULTS, *faults_graphql.FAULTS, *faults_http.FAULTS)
}
