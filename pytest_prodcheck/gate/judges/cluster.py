"""The checks of `suites/cluster.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.gate.judges import compose
from pytest_prodcheck.gate.judges.case import Judge

JUDGES: Mapping[str, Judge] = {**compose.JUDGES}
