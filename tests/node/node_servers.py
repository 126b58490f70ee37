"""Servers that Node.js runs: started from a script of this folder, ended with the block."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent


def missing(package: str) -> str:
    """Why a package cannot be run here; empty where it can."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (HERE / "node_modules" / package).is_dir():
        return f"{package} is not installed: python tests/node/install.py"
    return ""


@contextmanager
def running(script: str, settings: Mapping[str, object]) -> Iterator[str]:
    """What the script says on its first line (its address); it gets `settings` as JSON, and ends with its input."""
    process = subprocess.Popen(
        ["node", HERE / script, json.dumps(settings)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            address = process.stdout.readline().strip() if process.stdout else ""
            if not address:
                raise RuntimeError(f"{script} did not start: run node tests/node/{script}")
            yield address
        finally:
            process.kill()
