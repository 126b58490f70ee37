"""Fixtures of tests of load."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from load_lab import SERVER, Known, Lab


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Known]]:
    """Starts a server by a plan; all are stopped afterwards."""
    started: list[Known] = []

    def start(**plan: Any) -> Known:
        file = tmp_path / f"plan-{len(started)}.json"
        file.write_text(json.dumps(plan))
        process = subprocess.Popen(
            [sys.executable, str(SERVER), str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        known = Known(process, file, f"http://127.0.0.1:{process.stdout.readline().strip()}")
        started.append(known)
        return known

    yield start
    for known in started:
        known.process.kill()
        known.process.communicate()


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """An engine."""
    return Lab(tmp_path)
