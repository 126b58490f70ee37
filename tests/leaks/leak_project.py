"""A project with careless checks, run against a system that tells everything; and the bytes of all its channels."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from leak_forms import Haystack
from leak_secrets import SECRETS, environ

FILES = Path(__file__).with_name("project")
_KEPT = {"PATH", "HOME", "LANG", "VIRTUAL_ENV"}
"""Of the environment of the tests: a run shows its own whole, and what else were in it could read like a secret."""
LOUD = ("-vv", "--showlocals", "--tb=long", "-rA", "-o", "log_cli=true", "--log-cli-level=DEBUG", "--color=yes")


@dataclass(frozen=True)
class Run:
    """What one run left behind: exit status, and the bytes of each channel by its name."""

    status: int
    channels: Mapping[str, bytes]

    @cached_property
    def haystacks(self) -> Mapping[str, Haystack]:
        """The channels, ready to be searched."""
        return {name: Haystack(data) for name, data in self.channels.items()}

    def text(self, channel: str) -> str:
        """A channel as text."""
        return self.channels[channel].decode("utf-8", "replace")

    @property
    def terminal(self) -> str:
        """All that was printed."""
        return self.text("stdout") + self.text("stderr")


class Project:
    """A directory with a configuration and checks, from `tests/leaks/project`."""

    def __init__(self, path: Path, url: str) -> None:
        self.path, self.url = path, url
        (path / "checks").mkdir(parents=True)
        shutil.copy(FILES / "tee.py", path)
        shutil.copy(FILES / "told.py", path)
        self.configure((FILES / "prodcheck.toml").read_text(encoding="utf-8"))

    def configure(self, text: str) -> None:
        """Writes prodcheck.toml, with the address and a reference to every secret in it."""
        vault = "\n".join(f'{secret.name} = "env:{secret.name}"' for secret in SECRETS)
        (self.path / "prodcheck.toml").write_text(text.replace("{system}", self.url).replace("VAULT", vault), "utf-8")

    def checks(self, name: str) -> None:
        """Takes one of the modules of checks, with the careless hooks."""
        shutil.copy(FILES / "hooks.py", self.path / "conftest.py")
        shutil.copy(FILES / f"{name}.py", self.path / "checks" / f"test_{name}.py")

    def check(self, text: str, name: str = "test_own.py") -> None:
        """Writes a module of checks."""
        (self.path / "checks" / name).write_text(text, "utf-8")

    def pytest(self, *arguments: str, env: Mapping[str, str] | None = None) -> Run:
        """Runs the gate, as loudly as pytest can."""
        files = ("--junitxml=junit.xml", "-o", "junit_logging=all", "--log-file=gate.log", "--log-file-level=DEBUG")
        return self.run(sys.executable, "-m", "pytest", "--prodcheck=staging", *LOUD, *files, *arguments, env=env)

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> Run:
        """Runs a command with the secrets in its environment."""
        kept = {name: value for name, value in os.environ.items() if name in _KEPT}
        more = {"PYTHONPATH": str(self.path), "STREAM": str(self.path / "stream"), "TMPDIR": str(self.path / "tmp")}
        (self.path / "tmp").mkdir(exist_ok=True)
        result = subprocess.run(
            command, cwd=self.path, env={**kept, **environ(), **more, **(env or {})}, capture_output=True, timeout=100
        )
        return Run(result.returncode, {"stdout": result.stdout, "stderr": result.stderr, **self._files()})

    def _files(self) -> dict[str, bytes]:
        """Everything that lies in the directory afterwards, but what was there before."""
        known = {"prodcheck.toml", "tee.py", "told.py", "conftest.py"}
        return {
            str(path.relative_to(self.path)): path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and path.name not in known and path.parent.name not in ("checks", "__pycache__")
        }
