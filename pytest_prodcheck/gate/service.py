"""What tests and workers can ask of the owner, by name; and when the owner begins."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from pytest_prodcheck.config import references
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.errors import DeadlinePassed, UsageProblem
from pytest_prodcheck.gate import start
from pytest_prodcheck.gate.course import Course
from pytest_prodcheck.gate.results import Results
from pytest_prodcheck.gate.selection import Selection
from pytest_prodcheck.gate.start import Start

if TYPE_CHECKING:
    from pytest_prodcheck.gate.owner import Owner
    from pytest_prodcheck.observe.result import RunResult
    from pytest_prodcheck.targets.forward import Forwards
    from pytest_prodcheck.targets.throwaway.stack import Stack

_SWITCH_SECONDS = 0.0005
"""While probes are under way, threads change hands this often: a thread that has its answer must not wait for the
interpreter lock for the default 5 ms, or the gate would measure itself."""


class Service:
    """The owner's door. `call` is what `BrokerServer` and the fixtures of this process use."""

    def __init__(self, begun: Start, redactor: Redactor, config: pytest.Config, *, idle: bool) -> None:
        """Resolves references (unless nothing will be sent). Raises SecretError with all that give no value."""
        self._begun, self._redactor, self._config = begun, redactor, config
        self.run_id = secrets.token_hex(8)
        self.deadline = time.monotonic() + begun.deadline_s
        self.owner: Owner | None = None
        self.selection = Selection(tuple(begun.plan.checks))
        self.marks: dict[str, tuple[str, ...]] = {}
        self._refusal: tuple[str, ...] = ()
        self.warnings: list[str] = []
        self.notes: list[str] = []
        self._lock = threading.Lock()
        self._environment: Environment | None = None
        self._stack = contextlib.ExitStack()
        self._throwaway: Stack | None = None
        self._forwards: list[Forwards] = []
        if not idle and begun.environment.kind != "demo" and not begun.environment.containers:
            self._resolve()

    def call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """Answers one question. Raises what the answer raises; LookupError for a question that does not exist."""
        return _QUESTIONS[method](self, *arguments)

    def secrets_since(self, known: int) -> list[tuple[str, str]]:
        """Names and values of the secrets that came after the first `known`."""
        return self._redactor.secrets(known)

    # --- questions ---------------------------------------------------------------------------------------------------

    def resolved(self) -> Environment:
        """The environment with its references resolved."""
        return self._environment or self._begun.environment

    def news(self) -> None:
        """Nothing but what comes with every answer: the secrets that the asking process does not know yet."""

    def collected(self, worker: str, data: Mapping[str, Any], marks: Mapping[str, list[str]]) -> None:
        """What a process collected; all workers collect the same."""
        del worker
        with self._lock:
            self.selection = Selection(
                tuple(data["planned"]),
                list(data["collected"]),
                dict(data["narrowed"]),
                dict(data["dropped"]),
                list(data["own"]),
            )
            self.marks = {identifier: tuple(names) for identifier, names in marks.items()}

    def refused(self, lines: list[str]) -> None:
        """A worker refuses what it collected; all workers collect the same."""
        self._refusal = tuple(lines)

    def running_now(self, worker: str, identifier: str) -> None:
        """A worker begins a check; asked for when it dies."""
        self._running().running[worker] = identifier

    # --- the run -----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Starts the owner on what was collected, the demo's system first. Raises UsageProblem."""
        if self._refusal:
            raise UsageProblem(*self._refusal)
        if self.owner is not None or not self.selection.collected:
            return
        import sys

        from pytest_prodcheck.gate.owner import Owner
        from pytest_prodcheck.gate.probers import Probers

        if self._begun.environment.kind == "demo":
            self._start_demo()
        elif self._begun.environment.containers:
            self._start_containers()
        self._start_forwards()
        before = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._stack.callback(sys.setswitchinterval, before)
        environment, shortened = start.shortened(self.resolved(), self.deadline - time.monotonic())
        self.notes.extend([shortened] if shortened else [])
        probers = Probers(
            environment, self._begun.only, self._redactor, self.run_id, self._begun.file.parent, self.remember
        )
        self.owner = Owner(environment, self._begun.plan, probers, self._redactor, self.deadline)
        self.owner.begin(self.selection.collected)

    def remember(self, value: str, name: str) -> None:
        """Registers a secret that came up during the run (a token, a cookie), before anything about it is kept."""
        self._redactor.add(value, name)

    def stop(self) -> None:
        """Sends nothing more."""
        if self.owner:
            self.owner.stop()

    def close(self) -> None:
        """Ends everything that was started."""
        if self.owner:
            self.owner.close()
        self._stack.close()
        if self._throwaway is not None and self._throwaway.left:
            print(f"prodcheck: {self._throwaway.left}")  # noqa: T201  (after the verdict, which knows nothing of it)

    def conclude(self, results: Results, course: Course) -> RunResult:
        """The run's result, from all that came back."""
        from pytest_prodcheck.gate.ending import conclude
        from pytest_prodcheck.gate.nothing import concluded_without_owner

        if self.owner is None:
            return concluded_without_owner(self.resolved(), self._begun.plan, self.selection, course)
        course.notes.extend(text for one in self._forwards for text in one.ended)
        inside = self._begun.vantage
        earlier = self._begun.earlier
        result = conclude(self.resolved(), self.owner, self.selection, results, self.marks, course, inside, earlier)
        if self._throwaway is None:
            return result
        from pytest_prodcheck.gate import throwaway

        return throwaway.with_logs(result, self._begun.environment, self._throwaway, self._redactor.clean)

    def _running(self) -> Owner:
        if self.owner is None:
            raise DeadlinePassed("the gate has not begun")
        return self.owner

    def _start_demo(self) -> None:
        from pytest_prodcheck.demo.stack import Stack

        try:
            stack = self._stack.enter_context(Stack.start(self._begun.fault))
        except RuntimeError as error:
            raise UsageProblem(f"the demo did not start: {error}") from None
        self._resolve(demo=stack.addresses)

    def _start_forwards(self) -> None:
        """Targets that are reached through their cluster are asked there. Raises ConfigError where that fails."""
        if not any(getattr(table, "forward", None) for table in self.resolved().targets.values()):
            return
        from pytest_prodcheck.gate import forwarding

        for forwards in forwarding.start(self.resolved(), self._begun.only):
            self._forwards.append(self._stack.enter_context(forwards))
            self._environment = forwarding.through(self.resolved(), forwards.addresses)

    def _start_containers(self) -> None:
        """The containers with what they refer to, `setup`, then everything with their addresses."""
        from pytest_prodcheck.gate import throwaway

        begun = self._begun.environment
        self._resolve(begun.model_copy(update={"targets": {}, "users": {}, "revision": None}))
        own = self.resolved()
        stack = throwaway.started(own, self.run_id, self.deadline, self.remember)
        self._throwaway = self._stack.enter_context(stack)
        self.notes.extend(self._throwaway.notes)
        self._resolve(containers=self._throwaway.addresses)

    def _resolve(
        self,
        environment: Environment | None = None,
        demo: Mapping[str, str] | None = None,
        containers: Mapping[str, str] | None = None,
    ) -> None:
        resolved = references.resolve(
            environment or self._begun.environment,
            base=self._begun.file.parent,
            environ=os.environ,
            demo=demo,
            containers=containers,
            run=self.run_id,
        )
        self._environment = resolved.environment
        self.warnings.extend(resolved.warnings)
        for name, value in resolved.secrets:
            if warning := self._redactor.add(value, name):
                self.warnings.append(warning)


_QUESTIONS: Mapping[str, Callable[..., Any]] = {
    "resolved": Service.resolved,
    "news": Service.news,
    "collected": Service.collected,
    "refused": Service.refused,
    "running_now": Service.running_now,
    "blocker": lambda self, needs: self._running().standings.blocker(needs),
    "observe": lambda self, identifier, attempt: self._running().observe(identifier, attempt),
    "note": lambda self, nodeid, observation: self._running().note(nodeid, observation),
    "ask": lambda self, target, method, *arguments: self._running().ask(target, method, *arguments),
    "sample": lambda self, nodeid, target, request, limits: self._running().sample(nodeid, target, request, limits),
    "standing": lambda self, name: self._running().standings.of(name),
}
