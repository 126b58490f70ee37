"""What tests of the plugin hold in their hands: a gate to configure and run, and what a run left."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from small_system import System


@dataclass(frozen=True)
class Outcome:
    """What one run left: exit status, everything it printed, and its verdict."""

    status: int
    text: str
    verdict: Mapping[str, Any] | None

    @property
    def word(self) -> str:
        """The verdict's word; `none` where no verdict was reached."""
        return "none" if self.verdict is None or self.verdict["verdict"] == "unfinished" else self.verdict["verdict"]

    @property
    def checks(self) -> Mapping[str, Mapping[str, Any]]:
        """The checks of the verdict by id."""
        return {check["id"]: check for check in (self.verdict or {}).get("checks", ())}

    @property
    def findings(self) -> list[Mapping[str, Any]]:
        """All findings of all checks."""
        return [finding for check in self.checks.values() for finding in check["findings"]]

    @property
    def words(self) -> dict[str, str]:
        """Verdict by the last part of the id: `test_endpoint[a]` → `pass`."""
        return {name.rpartition("::")[2]: check["verdict"] for name, check in self.checks.items()}

    @property
    def left_out(self) -> dict[str, str]:
        """Reason by id of what was left out."""
        return {row["id"]: row["reason"] for row in (self.verdict or {}).get("left_out", ())}

    def assert_says(self, *pieces: str) -> None:
        """Asserts that each piece (a regular expression) is in the output or in the verdict."""
        everything = f"{self.text}\n{json.dumps(self.verdict, ensure_ascii=False)}"
        missing = [piece for piece in pieces if not re.search(piece, everything)]
        assert not missing, f"{missing} not said in:\n{everything}"

    def assert_is(self, status: int, word: str, *pieces: str) -> None:
        """Asserts exit status, verdict and what is said."""
        assert (self.status, self.word) == (status, word), f"{self.text}\n{json.dumps(self.verdict, indent=1)}"
        self.assert_says(*pieces)


class Gate:
    """Configures and runs the gate in a directory of its own."""

    def __init__(self, pytester: pytest.Pytester, system: System) -> None:
        self.pytester, self.system, self.path = pytester, system, pytester.path
        self.environment = "staging"

    def config(self, text: str = "", *, endpoints: str = 'home = "/"', more: str = "", head: str = "") -> None:
        """Writes prodcheck.toml: `text` as it is, or one http target with `endpoints`, keys beside it in `more`,
        whole tables in `head`. `URL` stands for the system's address."""
        body = text or f'[env.staging.http]\nurl = "URL"\n{more}\n[env.staging.http.endpoints]\n{endpoints}\n{head}'
        (self.path / "prodcheck.toml").write_text(body.replace("URL", self.system.url), encoding="utf-8")

    def file(self, name: str, text: str) -> Path:
        """Writes a file of the project."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 60) -> Outcome:
        """Runs `pytest --prodcheck=ENV arguments`."""
        return self.pytest(f"--prodcheck={self.environment}", *arguments, env=env, timeout=timeout)

    def pytest(self, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 60) -> Outcome:
        """Runs pytest with exactly these arguments."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            result = self.pytester.runpytest_subprocess(*arguments, timeout=timeout)
        return Outcome(int(result.ret), f"{result.stdout}\n{result.stderr}", self.verdict())

    def verdict(self) -> Mapping[str, Any] | None:
        """The verdict on disk."""
        path = self.path / ".prodcheck" / self.environment.replace(":", "-") / "verdict.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def sent(self) -> int:
        """How many requests have arrived at the system."""
        return len(self.system.asked)
