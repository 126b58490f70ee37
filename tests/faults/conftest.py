"""One session-wide set of gate runs for all tests of the cause table."""

from __future__ import annotations

from collections.abc import Iterator

import gates
import pytest


@pytest.fixture(scope="session")
def gate(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[gates.Gates]:
    """The runs of every fault that a selected test names, and of the healthy demo."""
    named = [item.callspec.params["fault"] for item in request.session.items if "fault" in _parameters(item)]
    runs = gates.Gates(dict.fromkeys(["", *named]), tmp_path_factory.mktemp("gates"))
    yield runs
    runs.close()


def _parameters(item: pytest.Item) -> dict[str, object]:
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}
