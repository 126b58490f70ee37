"""A cluster to gate: the live lab where `tox -e cluster` asks for it, else what was recorded of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from clusters import Clusters, LiveClusters, RecordedClusters
from record import lab as started_lab

LIVE = os.environ.get("PRODCHECK_TEST_CLUSTER") == "live"
"""Set by `tox -e cluster`."""


@pytest.fixture(scope="session")
def lab() -> Iterator[Mapping[str, Any]]:
    """The running lab; one a session."""
    if not LIVE:
        pytest.skip("wants a live API server: tox -e cluster")
    with started_lab() as facts:
        yield facts


@pytest.fixture(scope="session")
def clusters(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    """The healthy cluster, and those of the scenarios that a selected test names."""
    named = [item.callspec.params["scenario"] for item in request.session.items if "scenario" in _parameters(item)]
    folder = tmp_path_factory.mktemp("clusters")
    chosen = tuple(dict.fromkeys(named))
    made: Clusters
    made = LiveClusters(chosen, folder, request.getfixturevalue("lab")) if LIVE else RecordedClusters(chosen, folder)
    with made:
        yield made


def _parameters(item: pytest.Item) -> dict[str, object]:
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}
