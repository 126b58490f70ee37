"""Runs the real gate on the demo, each fault once for the whole session, a few at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_prodcheck.demo.faults import FAULTS

AT_ONCE = 3
"""Gates side by side: one waits for its database while another judges."""
SECONDS = 90.0
ROOT = "prodcheck.toml::"


@dataclass(frozen=True)
class Run:
    """How one gate ended."""

    status: int
    verdict: Mapping[str, Any]
    output: str

    @property
    def codes(self) -> list[str]:
        """The causes' codes, the first on top."""
        return [cause["code"] for cause in self.verdict["causes"]]

    @property
    def checks(self) -> list[Mapping[str, Any]]:
        """All checks of the verdict."""
        return list(self.verdict["checks"])

    def not_green(self) -> list[Mapping[str, Any]]:
        """The checks that did not pass."""
        return [check for check in self.checks if check["verdict"] != "pass"]

    def families(self, *verdicts: str) -> set[str]:
        """`TARGET::test_NAME` of the checks that ended so."""
        return {family(check["id"]) for check in self.checks if check["verdict"] in verdicts}


def family(identifier: str) -> str:
    """`http::test_endpoint` of `prodcheck.toml::http::test_endpoint[tasks]`."""
    return identifier.removeprefix(ROOT).split("[")[0]


def run(fault: str, directory: Path, *options: str) -> Run:
    """One gate in a process of its own, in an empty directory, without the outer session's settings."""
    name = f"demo:{fault}" if fault else "demo"
    command = [sys.executable, "-m", "pytest", f"--prodcheck={name}", f"--prodcheck-report={directory}", *options]
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_", "PRODCHECK_"))}
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=directory,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    verdict = json.loads((directory / "verdict.json").read_text("utf-8"))
    return Run(done.returncode, verdict, done.stdout + done.stderr)


class Gates:
    """The runs of the faults that this session asks for, under way from its beginning."""

    def __init__(self, faults: Collection[str], base: Path) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._runs: dict[str, Future[Run]] = {fault: self._pool.submit(self._one, fault, base) for fault in faults}

    def of(self, fault: str) -> Run:
        """The run of one fault (healthy: the empty name), when it is done."""
        return self._runs[fault].result()

    def close(self) -> None:
        """Starts no further run and waits for those under way."""
        self._pool.shutdown(cancel_futures=True)

    @staticmethod
    def _one(fault: str, base: Path) -> Run:
        directory = base / (fault or "healthy")
        directory.mkdir()
        mark = FAULTS[fault].mark if fault else ""
        return run(fault, directory, *(("-m", mark) if mark else ()))
