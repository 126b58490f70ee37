"""The active session: the hooks of a run with `--prodcheck`, registered only then.

`Gate` is in every process (it collects, judges, answers fixtures); `gate.run.Run` is in the owner alone (it sends,
counts and concludes).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from pytest_prodcheck import markers
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.errors import UsageProblem
from pytest_prodcheck.gate import collection, loggers, role, scrubbing, selection, start, state, threads
from pytest_prodcheck.gate.judging import Asker, Judging
from pytest_prodcheck.gate.recorder import Recorder
from pytest_prodcheck.gate.results import verdict_in

NOTHING_SENT = "prodcheck: nothing was sent"

FIXTURES = {
    "prodcheck_http": "http:HttpFixture",
    "prodcheck_auth": "auth:AuthFixture",
    "prodcheck_graphql": "graphql:GraphqlFixture",
    "prodcheck_database": "database:DatabaseFixture",
    "prodcheck_cache": "cache:CacheFixture",
    "prodcheck_cluster": "cluster:ClusterFixture",
    "prodcheck_logs": "logs:LogsFixture",
    "prodcheck_load": "load:LoadFixture",
    "prodcheck_websocket": "websocket:WebsocketFixture",
}


def _nothing_new() -> None:
    """The owner's redactor is this process's own."""


class Gate:
    """Hooks of every process of an active run."""

    def __init__(self, config: pytest.Config, begun: start.Start) -> None:
        self.config, self.begun, self.plan = config, begun, begun.plan
        self.redactor = Redactor()
        self.recorder = Recorder()
        self.paths_given = collection.rewrite_arguments(config, begun.file, begun.environment.suites)
        self.selector = selection.Selector(config, begun.plan, begun.file.parent, paths_given=self.paths_given)
        self.asker: Asker | None = None
        self._fixtures: dict[str, Any] = {}
        self._broken = False
        self._refused = False

    def connect(self, asker: Asker) -> None:
        """Says whom to ask: the owner in this process, or the broker's client."""
        self.asker = asker
        worker = role.worker_name(self.config)
        learn = self.refresh if worker else _nothing_new
        judging = Judging(asker, self.recorder, self.redactor, lambda: self.environment, worker, learn, self.fixture)
        self.config.pluginmanager.register(judging, "prodcheck-judging")
        self.config.pluginmanager.register(threads.Threads(self.recorder), "prodcheck-threads")
        self.config.pluginmanager.register(loggers.Loggers(), "prodcheck-loggers")
        self.config.pluginmanager.register(scrubbing.Scrubbing(self.redactor), scrubbing.NAME)
        self.refresh()

    @cached_property
    def environment(self) -> Environment:
        """The environment with its references resolved; asked of the owner, which resolved them once."""
        environment: Environment = self._ask("resolved")
        return environment

    def learn(self, name: str, value: str) -> None:
        """Masks a secret of the owner from now on."""
        self.redactor.add(value, name)

    def refresh(self) -> None:
        """Learns the secrets that others got since this worker asked last."""
        self._ask("news")

    def fixture(self, name: str) -> Any:
        """The object behind a prodcheck fixture."""
        if name == "prodcheck_env":
            return self.environment
        if name not in self._fixtures:
            module, _, class_name = FIXTURES[name].partition(":")
            made = getattr(importlib.import_module(f"pytest_prodcheck.fixtures.{module}"), class_name)
            self._fixtures[name] = made(self.environment, self.asker, self.recorder)
        return self._fixtures[name]

    def _ask(self, method: str, *arguments: Any) -> Any:
        if self.asker is None:
            raise UsageProblem("the gate has not begun: nothing was sent")
        return self.asker.call(method, arguments)

    # --- collection ------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path, config: pytest.Config) -> Any:
        """Keeps the way to the plan file open, also inside a virtual environment; remembers which tests are ignored."""
        ignored = yield
        kept = collection.keeps(collection_path, self.begun.file, config.rootpath)
        if kept is not None:
            return not kept
        if ignored:
            self.selector.ignored(collection_path)
        return ignored

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """The plan file, with the shipped suites under it."""
        if file_path == self.begun.file:
            return collection.PlanFile.of(parent, file_path, self.plan)
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Module | pytest.Class, name: str, obj: object) -> None:
        """A test that pytest would leave out, with a warning or without, is an error: it would be lost."""
        collection.refuse_unjudged(collector)
        collection.refuse_unrunnable(collector, name, obj)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remembers that something could not be collected, or skipped itself."""
        self._broken = self._broken or not report.passed

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One item for each planned check."""
        collection.parametrize(metafunc)

    def pytest_make_parametrize_id(self, val: object) -> str | None:
        """No secret in an id: a value that contains one is shown without it."""
        text = val.decode("latin-1") if isinstance(val, bytes) else val
        if isinstance(text, str) and self.redactor.contains(text):
            return self.redactor.scrub(text)
        return None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Any:
        """Remembers what there was before anybody chose, then orders and leaves out opt-in checks."""
        self._check_ids(items)
        self.selector.before(items)
        result = yield
        try:
            self.selector.drop_opt_in(items)
            selection.order(items)
            collection.place(items)
        except UsageProblem as problem:
            self._refuse(items, problem)
        return result

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Somebody chose among the items."""
        self.selector.deselected(items)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The list is final: whatever is wrong with it is said now, before anything is sent."""
        if self._refused:
            return
        try:
            self._check_items(session.items)
        except UsageProblem as problem:
            self._refuse(session.items, problem)
            return
        chosen = self.selector.finish(session.items)
        marks = {item.nodeid: sorted(state.read(item).marks.intersection(markers.SELECTION)) for item in session.items}
        if not self.config.option.collectonly and not self.config.getoption("prodcheck_plan"):
            self._ask("collected", role.worker_name(self.config), chosen.as_data(), marks)

    @property
    def _suites(self) -> Sequence[str]:
        """The team's own suites; none where one could not be collected, which is said elsewhere."""
        return () if self._broken else self.begun.environment.suites

    def _check_items(self, items: Sequence[pytest.Item]) -> None:
        problems = [*selection.stripped(items), *selection.misused(items), *self.selector.empty_suites(self._suites)]
        environment = self.begun.environment
        problems += selection.unmet(items, list(environment.targets), environment.name, list(environment.users))
        for item in items:
            state.read(item)
        problems += self._unconsented(items)
        if problems:
            raise UsageProblem(*problems)

    def _unconsented(self, items: Sequence[pytest.Item]) -> list[str]:
        """Load that -m asks for, and that the environment does not consent to."""
        expression = self.config.getoption("markexpr") or ""
        if "load" not in expression and "soak" not in expression:
            return []
        from pytest_prodcheck.gate import consent

        selected = [item.nodeid for item in items if state.read(item).marks.intersection(markers.OPT_IN)]
        return consent.problems(self.begun.environment, expression, selected)

    def _check_ids(self, items: list[pytest.Item]) -> None:
        """Before anybody keeps the ids: pytest's cache does, and a worker sends them."""
        names = [name for item in items if (name := self.redactor.contains(item.nodeid))]
        if names:
            said = "a test id contains the value of {}: give the parameter an id of its own"
            self._refuse(items, UsageProblem(*(said.format(name) for name in dict.fromkeys(names))))

    def _refuse(self, items: list[pytest.Item], problem: UsageProblem) -> None:
        """Ends the run before anything is sent. A worker cannot (pytest's exit status 4 is its controller's to give):
        it tells the owner and runs nothing."""
        lines = [*self.redactor.scrub(str(problem)).splitlines(), NOTHING_SENT]
        self._refused = True  # pytest calls pytest_collection_finish after a failed collection, too
        if not role.worker_name(self.config):
            raise pytest.UsageError(*lines) from None
        self._ask("refused", lines)
        items.clear()

    # --- pytest's own words for our verdicts --------------------------------------------------------------------------

    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """`blocked`, `insufficient` and `degraded` beside passed and failed."""
        carried = getattr(report, "prodcheck", None)
        if not carried or getattr(report, "outcome", "") == "rerun":
            return None
        verdict = verdict_in(carried)
        if verdict == "blocked":
            return "blocked", "B", ("BLOCKED", {"yellow": True})
        if verdict == "insufficient":
            return "insufficient", "I", ("INSUFFICIENT", {"yellow": True})
        if verdict == "degraded" and report.when == "call":
            return "degraded", "D", ("DEGRADED", {"yellow": True})
        return None
