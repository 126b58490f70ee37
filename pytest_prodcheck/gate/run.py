"""The owner's side of a run: it resolves references, sends, counts what comes back, concludes and reports."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import pytest

from pytest_prodcheck.errors import UsageProblem
from pytest_prodcheck.gate import role, start
from pytest_prodcheck.gate.course import Course
from pytest_prodcheck.gate.results import Results
from pytest_prodcheck.gate.service import Service
from pytest_prodcheck.gate.verdict import INTERNAL, INTERRUPTED, USAGE
from pytest_prodcheck.observe.broker import BrokerServer
from pytest_prodcheck.observe.result import RunResult
from pytest_prodcheck.report import verdict_json

if TYPE_CHECKING:
    from pytest_prodcheck.gate.session import Gate

GRACE_SECONDS = 2.0
"""After the deadline, waits end by themselves within this; then the main thread is interrupted."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, or the run's deadline: ends the run as Ctrl-C does, with exit status 1."""


class ReportFile:
    """`verdict.json` from before the first probe: `unfinished`, replaced at the end."""

    def __init__(self, directory: Path, environment: str, *, given: bool) -> None:
        self.directory, self._environment, self._given = directory, environment, given
        self.problem = ""

    @classmethod
    def of(cls, config: pytest.Config) -> ReportFile | None:
        """The report of this run, begun as `unfinished`; None where nothing will run (`--prodcheck-plan`).

        Raises pytest.UsageError when the directory that was asked for cannot be written.
        """
        if config.getoption("prodcheck_plan") or config.option.help or config.option.version:
            return None
        name, given = str(config.getoption("prodcheck")), config.getoption("prodcheck_report")
        folder = name.replace(":", "-").replace("/", "-")
        directory = config.invocation_params.dir / given if given else config.rootpath / ".prodcheck" / folder
        report = cls(Path(directory), name, given=bool(given))
        if config.option.collectonly and not report.path.exists():
            return report
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
        """Replaces the file by the run's verdict and writes the summary beside it."""
        if self.problem:
            return
        from pytest_prodcheck.report import markdown

        verdict_json.write(self.path, verdict_json.document(result))
        (self.directory / "summary.md").write_text(markdown.render(result), encoding="utf-8")

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


def take_charge(
    config: pytest.Config, gate: Gate, begun: start.Start, report: ReportFile | None, part: role.Role
) -> None:
    """Makes this process the owner of the run. Raises UsageProblem before anything is sent."""
    problems = start.unprovable(begun.environment, begun.plan, begun.deadline_s)
    if problems:
        raise UsageProblem(*problems)
    idle = bool(config.option.collectonly or config.getoption("prodcheck_plan"))
    service = Service(begun, gate.redactor, config, idle=idle)
    gate.connect(service)
    run = Run(config, gate, service, report, part, idle=idle)
    config.pluginmanager.register(run, "prodcheck-run")
    if part == "controller":
        from pytest_prodcheck.gate.xdist import Controller

        config.pluginmanager.register(Controller(run, BrokerServer(service)), "prodcheck-controller")


class Run:
    """Hooks of the owner: results in, verdict out."""

    def __init__(
        self,
        config: pytest.Config,
        gate: Gate,
        service: Service,
        report: ReportFile | None,
        part: role.Role,
        *,
        idle: bool,
    ) -> None:
        self.config, self.gate, self.service, self.report, self.part, self.idle = (
            config,
            gate,
            service,
            report,
            part,
            idle,
        )
        self.results = Results()
        self.course = Course(time.time(), notes=list(service.warnings))
        self.result: RunResult | None = None
        self.session: pytest.Session | None = None
        self._timer: threading.Timer | None = None
        self._restore: Callable[[], None] = lambda: None
        config.add_cleanup(self._last)

    # --- beginning ---------------------------------------------------------------------------------------------------

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Arms SIGTERM and the deadline."""
        self.session = session
        if self.idle:
            return
        self._restore = _arm(self._terminated)
        left = self.service.deadline - time.monotonic() + GRACE_SECONDS
        self._timer = threading.Timer(left, self._deadline_passed)
        self._timer.daemon = True
        self._timer.start()

    def pytest_report_header(self) -> list[str]:
        """Which environment, from which file."""
        from pytest_prodcheck.report import terminal

        return terminal.header(self.gate.begun.environment, str(self.gate.begun.file), self.gate.begun.fault)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Without workers, the owner begins when this process has collected."""
        if self.part == "alone" and not self.idle:
            try:
                self.service.begin()
            except UsageProblem as problem:
                raise pytest.UsageError(*str(problem).splitlines()) from None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> object | None:
        """`--prodcheck-plan` prints and ends here: nothing is sent, nothing started."""
        if not self.config.getoption("prodcheck_plan"):
            return None
        from pytest_prodcheck.report import plan

        writer = self.config.get_terminal_writer()
        for line in plan.render(self.gate.begun.environment, self.gate.plan, [item.nodeid for item in session.items]):
            writer.line(line)
        return True

    # --- results -----------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keeps what the report carries."""
        self.results.take(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A suite that cannot be collected proves nothing."""
        if report.failed:
            self.results.errors[report.nodeid] = str(report.longrepr)[-500:]

    def pytest_internalerror(self, excrepr: object) -> None:
        """Remembers that pytest itself failed."""
        self.results.errors["INTERNALERROR"] = str(excrepr)[-500:]

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, SIGTERM, the deadline, or somebody's `pytest.exit`."""
        if isinstance(excinfo.value, pytest.exit.Exception):
            self.course.stopped_by = f"pytest.exit: {excinfo.value.msg}"
        elif not self.course.stopped_by:
            self.course.stopped_by = "Ctrl-C"

    @pytest.hookimpl(trylast=True, specname="pytest_runtest_logreport")
    def remember_for_lf(self, report: pytest.TestReport) -> None:
        """`--lf` runs blocked and insufficient checks again, not only failed ones."""
        plugin = self.config.pluginmanager.get_plugin("lfplugin")
        carried = getattr(report, "prodcheck", None)
        if plugin is not None and carried and json.loads(carried)["verdict"] in ("blocked", "insufficient"):
            plugin.lastfailed[report.nodeid] = True

    # --- ending ------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True, specname="pytest_runtestloop")
    def count_what_came_back(self, session: pytest.Session) -> Any:
        """Nothing may be lost: what has no report gets a failed one."""
        try:
            return (yield)
        finally:
            if not self.idle:
                self._report_lost(session)

    def _report_lost(self, session: pytest.Session) -> None:
        if session.shouldfail or session.shouldstop:
            self.course.stopped_by = self.course.stopped_by or f"-x: {session.shouldfail or session.shouldstop}"
        from pytest_prodcheck.gate import ending

        chosen = self.service.selection
        missing = ending.lost(chosen, self.results, self.course)
        if self.service.owner:
            missing.update(ending.unselected_readiness(self.service.owner, chosen))
        for identifier, attempt in missing.items():
            self.results.attempts.setdefault(identifier, []).append(attempt)
            self.config.hook.pytest_runtest_logreport(report=_report(identifier, attempt.findings[0].message))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Concludes, once, before anybody else ends the session."""
        if self._timer:
            self._timer.cancel()
        if self.idle or int(exitstatus) == USAGE:
            return
        self.result = self._concluded(int(exitstatus))
        if self.report:
            self.report.finish(self.result)
        session.exitstatus = self.result.exit_status
        self.service.close()

    def _concluded(self, exitstatus: int) -> RunResult:
        for where, text in self.results.errors.items():
            self.course.notes.append(f"{where}: {text.splitlines()[-1] if text else 'failed'}")
        result = self.service.conclude(self.results, self.course)
        if self.results.errors or (self.course.stopped_by == "Ctrl-C"):
            status = exitstatus if exitstatus in (INTERRUPTED, INTERNAL) else 1
            result = replace(result, verdict="fail", exit_status=status)
        return self.gate_scrubbed(result)

    def gate_scrubbed(self, result: RunResult) -> RunResult:
        """The result without any secret, whatever put it there."""
        return verdict_json.scrubbed(result, self.gate.redactor.scrub_value)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Any:
        """The verdict and its causes first, details after, one line again at the very end."""
        if self.result is None:
            return (yield)
        from pytest_prodcheck.report import annotations, terminal

        terminal.verdict_first(terminalreporter, self.result)
        with terminal.only_unexplained(terminalreporter, self.result):
            value = yield
        terminal.last_line(terminalreporter, self.result, str(self.report.path) if self.report else "")
        annotations.write(terminalreporter, self.result, os.environ)
        return value

    def _last(self) -> None:
        """The gate sets the exit status last: after every hook, plugin and conftest."""
        self._restore()
        self.service.close()
        if self.result is None or self.session is None:
            return
        given = int(self.session.exitstatus)
        if given != self.result.exit_status:
            self.session.exitstatus = self.result.exit_status
            print(f"prodcheck: a hook set the exit status to {given}; the gate's is {self.result.exit_status}")  # noqa: T201
        if path := getattr(self.config.option, "xmlpath", None):
            from pytest_prodcheck.report import junit

            junit.finish(Path(path), self.gate.redactor.scrub, self.gate.begun.environment.insufficient)

    def _terminated(self, *_: object) -> None:
        self.course.stopped_by = self.course.stopped_by or "SIGTERM"
        self.service.stop()
        raise Terminated(self.course.stopped_by)

    def _deadline_passed(self) -> None:
        self.course.stopped_by = "the deadline"
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def _arm(handler: Callable[[int, FrameType | None], None]) -> Callable[[], None]:
    """Takes SIGTERM where this is the main thread; gives back what restores the old handler."""
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    before = signal.signal(signal.SIGTERM, handler)
    return lambda: _put_back(before)


def _put_back(handler: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)


def _report(identifier: str, message: str) -> pytest.TestReport:
    """A failed report for a check that has none, so that counts, JUnit and --lf know it."""
    name = identifier.rpartition("::")[2]
    return pytest.TestReport(
        nodeid=identifier,
        location=("prodcheck.toml", 0, name),
        keywords={},
        outcome="failed",
        longrepr=message,
        when="call",
    )
