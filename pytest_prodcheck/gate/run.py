"""The owner's side of a run: it resolves references, sends, counts what comes back, concludes and reports."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_prodcheck.errors import UsageProblem
from pytest_prodcheck.gate import course, role, signals
from pytest_prodcheck.gate.alarm import Alarm
from pytest_prodcheck.gate.course import Course
from pytest_prodcheck.gate.plan import Plan
from pytest_prodcheck.gate.report_file import ReportFile
from pytest_prodcheck.gate.results import KEY, Attempt, Results, verdict_in
from pytest_prodcheck.gate.service import Service
from pytest_prodcheck.gate.session import NOTHING_SENT, Gate
from pytest_prodcheck.gate.verdict import FAIL, INTERNAL, INTERRUPTED, USAGE
from pytest_prodcheck.report import verdict_json

if TYPE_CHECKING:
    from pytest_prodcheck.observe.result import RunResult
    from pytest_prodcheck.report.progress import Progress


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
        notes = [*service.warnings, *([report.problem] if report and report.problem else [])]
        asked = str(config.getoption("prodcheck"))
        self.course = Course(time.time(), asked, notes=notes, setup_only=_setup_only(config))
        self.result: RunResult | None = None
        self.session: pytest.Session | None = None
        self._progress: Progress | None = None
        self._alarm = Alarm(self._cut_short)
        config.add_cleanup(self._last)

    # --- beginning ---------------------------------------------------------------------------------------------------

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Arms the signals that end a run, and the deadline."""
        self.session = session
        if self.idle:
            return
        self._alarm.arm(self.service.deadline)
        self._watch()

    def pytest_report_header(self) -> list[str]:
        """Which environment, from which file, and which proxy of the shell is not used."""
        from pytest_prodcheck.config.models import WebTarget
        from pytest_prodcheck.report import terminal
        from pytest_prodcheck.targets.guard.http import check_proxy

        environment = self.gate.begun.environment
        tables = [table for table in environment.targets.values() if isinstance(table, WebTarget)]
        notices = [check_proxy(os.environ, table.proxy) for table in tables] or [check_proxy(os.environ, "")]
        ignored = [f"prodcheck: {notices[0]}"] if all(notices) else []
        return terminal.header(environment, str(self.gate.begun.file), self.gate.begun.fault) + ignored

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Without workers, the owner begins when this process has collected."""
        if self.part == "alone" and not self.idle:
            gc.freeze()  # items stay to the end: the collector need not walk them while answers are judged
            self.begin()
            if self.service.owner:
                _load_judges(self.gate.plan)

    def begin(self) -> None:
        """The owner begins. Raises pytest.UsageError (exit 4) with what only shows now, and keeps it in the verdict."""
        try:
            self.service.begin()
        except UsageProblem as problem:
            if self.report:
                self.report.usage(str(problem))
            raise pytest.UsageError(*str(problem).splitlines(), NOTHING_SENT) from None

    def _watch(self) -> None:
        """Progress lines, unless -q asks for silence."""
        from pytest_prodcheck.report import progress

        stream = progress.open_stream() if self.config.get_verbosity() >= 0 else None
        if stream is not None:
            self._progress = progress.Progress(stream, self._status)
            self._progress.start()

    def _status(self) -> str:
        return self.service.owner.progress if self.service.owner else ""

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
        elif report.skipped:
            self.results.skipped(report)

    def pytest_internalerror(self, excrepr: object) -> None:
        """Remembers that pytest itself failed."""
        self.results.errors["INTERNALERROR"] = str(excrepr)[-500:]

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, SIGTERM, the deadline, or somebody's `pytest.exit`, while no test runs."""
        self._ended_by(excinfo.value)

    def _ended_by(self, reason: BaseException) -> None:
        if isinstance(reason, pytest.exit.Exception):
            self.course.stop(f"run ended early by pytest.exit ({reason.msg})")
        elif str(reason).startswith("stopping after "):  # xdist's own Interrupted: -x or --maxfail in its controller
            self.course.stop(self._most_failures)
        elif not isinstance(reason, pytest.Session.Interrupted):
            self.course.stop(course.CTRL_C)

    @property
    def _most_failures(self) -> str:
        return course.EXIT_FIRST if self.config.getvalue("maxfail") == 1 else course.MAX_FAIL

    @pytest.hookimpl(trylast=True, specname="pytest_runtest_logreport")
    def pytest_remembered_logreport(self, report: pytest.TestReport) -> None:
        """`--lf` runs blocked and insufficient checks again, not only failed ones."""
        plugin = self.config.pluginmanager.get_plugin("lfplugin")
        carried = getattr(report, "prodcheck", None)
        if plugin is not None and carried and verdict_in(carried) in ("blocked", "insufficient"):
            plugin.lastfailed[report.nodeid] = True

    # --- ending ------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True, specname="pytest_runtestloop")
    def pytest_counted_runtestloop(self, session: pytest.Session) -> Any:
        """Nothing may be lost: what has no report gets a failed one."""
        try:
            return (yield)
        except (KeyboardInterrupt, pytest.exit.Exception) as reason:
            self._ended_by(reason)
            raise
        finally:
            if not self.idle:
                self._report_lost(session)

    def _report_lost(self, session: pytest.Session) -> None:
        if time.monotonic() >= self.service.deadline:
            self.course.stop(course.DEADLINE)
        elif session.shouldfail:
            self.course.stop(self._most_failures)
        elif session.shouldstop:
            self.course.stop(f"stopped: {session.shouldstop}")
        from pytest_prodcheck.gate import ending

        chosen = self.service.selection
        missing = ending.lost(chosen, self.results, self.course)
        if self.service.owner:
            missing.update(ending.unselected_readiness(self.service.owner, chosen))
        for identifier, attempt in missing.items():
            self.config.hook.pytest_runtest_logreport(report=_report(identifier, attempt))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Concludes, once, before anybody else ends the session."""
        self._alarm.stop()
        if self._progress:
            self._progress.stop()
        if self.idle or int(exitstatus) == USAGE:
            return
        with signals.held():
            self.result = self._concluded(int(exitstatus))
            if self.report and not self.report.problem:
                self.report.finish(self.result)
                self.result = _unwritten(self.result, self.report.problem)
            session.exitstatus = self.result.exit_status
            self.service.close()
        self._alarm.disarm()  # from here on, a signal ends the process at once: all is written

    def _concluded(self, exitstatus: int) -> RunResult:
        for where, text in self.results.errors.items():
            self.course.notes.append(f"{where}: {text.splitlines()[-1] if text else 'failed'}")
        self.course.notes.extend(self.service.notes)
        result = self.service.conclude(self.results, self.course)
        if self.results.errors or (self.course.stopped_by == course.CTRL_C):
            own = (INTERRUPTED,) if self.part == "controller" else (INTERRUPTED, INTERNAL)
            status = exitstatus if exitstatus in own else FAIL
            result = replace(result, verdict="fail", exit_status=status)
        return self.gate_scrubbed(result)

    def gate_scrubbed(self, result: RunResult) -> RunResult:
        """The result without any secret, whatever put it there."""
        return verdict_json.scrubbed(result, self.gate.redactor.harmless) if self.gate.redactor.secrets() else result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Any:
        """The verdict and its causes first, details after, one line again at the very end."""
        if self.result is None:
            if self.config.option.collectonly:
                terminalreporter.write_line("prodcheck: --collect-only: nothing was sent, no verdict")
            return (yield)
        from pytest_prodcheck.report import annotations, terminal

        terminal.verdict_first(terminalreporter, self.result)
        with terminal.only_unexplained(terminalreporter, self.result):
            value = yield
        terminal.last_line(terminalreporter, self.result, self._verdict_path)
        annotations.write(terminalreporter, self.result, os.environ)
        return value

    @property
    def _verdict_path(self) -> str:
        """Where the verdict was written; empty where it could not be."""
        return str(self.report.path) if self.report and not self.report.problem else ""

    def _last(self) -> None:
        """The gate sets the exit status last: after every hook, plugin and conftest."""
        self._alarm.disarm()
        if self.result is None and self.session is not None and not self.idle:
            self.pytest_sessionfinish(self.session, int(self.session.exitstatus))
        self.service.close()
        if self.result is None or self.session is None:
            return
        given = int(self.session.exitstatus)
        if given != self.result.exit_status:
            self.session.exitstatus = self.result.exit_status
            print(f"prodcheck: a hook set the exit status to {given}; the gate's is {self.result.exit_status}")  # noqa: T201
        if path := getattr(self.config.option, "xmlpath", None):
            from pytest_prodcheck.report import junit

            junit.finish(Path(path), self.gate.redactor.scrub, self.gate.begun.environment.insufficient, self.result)

    def _cut_short(self, reason: str) -> None:
        self.course.stop(reason)
        self.service.stop()


def _unwritten(result: RunResult, problem: str) -> RunResult:
    """The result; red where it could not be written: whoever reads the file finds an unfinished run there."""
    if not problem:
        return result
    return replace(result, verdict="fail", exit_status=result.exit_status or FAIL, notes=(*result.notes, problem))


def _load_judges(plan: Plan) -> None:
    """Loads what judges and concludes while the first answers are under way: nothing else is to be done then."""
    suites = {check.suite for check in plan.checks.values() if check.function != "test_ready"}
    for name in ("judge", "ending", *(f"judges.{suite}" for suite in sorted(suites))):
        import_module(f"pytest_prodcheck.gate.{name}")
    for name in ("markdown", "html", "annotations"):
        import_module(f"pytest_prodcheck.report.{name}")


def _setup_only(config: pytest.Config) -> str:
    """The option that makes pytest execute no test, where one was given."""
    if config.getoption("setupplan", False):
        return "--setup-plan"
    return "--setup-only" if config.getoption("setuponly", False) else ""


def _report(identifier: str, attempt: Attempt) -> pytest.TestReport:
    """A failed report for a check that has none, so that counts, JUnit and --lf know it."""
    name = identifier.rpartition("::")[2]
    report = pytest.TestReport(
        nodeid=identifier,
        location=("prodcheck.toml", 0, name),
        keywords={},
        outcome="failed",
        longrepr=attempt.findings[0].message,
        when="call",
    )
    setattr(report, KEY, attempt.dump())
    return report
