"""Makes the demo's pinned contract of its database anew: `python tests/targets/demo_contract.py`."""

from __future__ import annotations

from pathlib import Path

import pytest_prodcheck.demo
from pytest_prodcheck.demo.stack import Stack
from pytest_prodcheck.observe import contract_file
from pytest_prodcheck.targets.database.connect import connect
from pytest_prodcheck.targets.database.snapshot import snapshot_with_contract

FILE = Path(pytest_prodcheck.demo.__file__).parent / "contracts" / "database.toml"


def text(demo: Stack) -> str:
    """The file, as `prodcheck pin` would write it of a healthy demo."""
    with connect(demo.addresses["reader_dsn"], timeout=10, application_name="prodcheck/pin") as session:
        return contract_file.written(snapshot_with_contract(session, timeout=30)[1].pinned, "demo")


if __name__ == "__main__":
    with Stack.start() as healthy:
        FILE.write_text(text(healthy), encoding="utf-8")
