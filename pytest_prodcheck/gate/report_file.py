"""`verdict.json` on disk: `unfinished` from before the first probe, replaced at the end (interface.md §5)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_prodcheck.gate import role
from pytest_prodcheck.gate.verdict import USAGE
from pytest_prodcheck.report import verdict_json

if TYPE_CHECKING:
    from pytest_prodcheck.observe.result import RunResult


class ReportFile:
    """`verdict.json` from before the first probe: `unfinished`, replaced at the end."""

    def __init__(self, directory: Path, environment: str, *, given: bool) -> None:
        self.directory, self._environment, self._given = directory, environment, given
        self.problem = ""

    @classmethod
    def of(cls, config: pytest.Config) -> ReportFile | None:
        """The report of this run, begun as `unfinished`; None where nothing will run and nothing is there to mislead.

        Raises pytest.UsageError when the directory that was asked for cannot be written.
        """
        name, given = str(config.getoption("prodcheck")), config.getoption("prodcheck_report")
        folder = name.replace(":", "-").replace("/", "-")
        directory = config.invocation_params.dir / given if given else config.rootpath / ".prodcheck" / folder
        report = cls(Path(directory), name, given=bool(given))
        report._spare(config)
        if (role.idle(config) or not name) and not report.path.exists():
            return None
        report._begin()
        return report

    @property
    def path(self) -> Path:
        """Where the verdict is."""
        return self.directory / "verdict.json"

    def usage(self, problem: str) -> None:
        """Says in the file why the run did not start."""
        if self.path.exists():
            self._write({"verdict": "unfinished", "exit_status": USAGE, "error": problem})

    def finish(self, result: RunResult) -> None:
        """Replaces the file by the run's verdict and writes summary and report beside it; `problem` says where that
        failed."""
        if self.problem:
            return
        from pytest_prodcheck.report import html, markdown

        try:
            (self.directory / "summary.md").write_text(markdown.render(result), encoding="utf-8")
            verdict_json.replace_file(self.directory / "report.html", html.render(result))
            verdict_json.write(self.path, verdict_json.document(result))
        except OSError as error:
            self.problem = f"the verdict could not be written to {self.directory}: {error.strerror}"

    def _spare(self, config: pytest.Config) -> None:
        """Raises pytest.UsageError where this run would replace its own baseline: one that stops halfway would leave
        the next one without any."""
        if not (baseline := config.getoption("prodcheck_baseline")):
            return
        if (config.invocation_params.dir / baseline).resolve() == self.path.resolve():
            raise pytest.UsageError(
                f"--prodcheck-baseline={baseline} is the file that this run replaces: copy it to another place first, "
                "or give --prodcheck-report=DIR; nothing was sent"
            )

    def _begin(self) -> None:
        try:
            verdict_json.prepare(self.directory, ignore=not self._given)
            self._write({"verdict": "unfinished", "exit_status": None})
        except OSError as error:
            self.problem = f"report directory {self.directory} is not writable: {error.strerror}"
            if self._given:
                raise pytest.UsageError(f"{self.problem}; nothing was sent") from None

    def _write(self, facts: dict[str, Any]) -> None:
        verdict_json.write(self.path, verdict_json.unfinished(self._environment, facts))
