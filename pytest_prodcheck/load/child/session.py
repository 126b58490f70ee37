"""One process of a scenario: Locust's own `main`, with recorder, guard, cap, shape and line put beside it."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import gevent
import locust
from locust import events
from locust.runners import MasterRunner, WorkerRunner

from pytest_prodcheck.load import users
from pytest_prodcheck.load.child import defaults, shape, tracing
from pytest_prodcheck.load.child.arrivals import Counts, dispatcher
from pytest_prodcheck.load.child.figures import Figures
from pytest_prodcheck.load.child.guard import Guard
from pytest_prodcheck.load.child.limiter import Limiter
from pytest_prodcheck.load.child.line import Line
from pytest_prodcheck.load.child.recorder import Recorder
from pytest_prodcheck.load.order import Order

_FLUSH = 1.0
_MOST_ERRORS_TOLD = 5


def run(order: Order, line: Line) -> None:
    """Runs Locust to its end; the process ends with it."""
    session = Session(order, line)
    session.listen()
    import locust.main

    try:
        locust.main.main()
    except SystemExit:
        session.end()
        raise
    except BaseException as error:
        line.say_now(broken=tracing.place(error), text=tracing.text(error))
        raise


class Session:
    """What this process keeps while Locust runs."""

    def __init__(self, order: Order, line: Line) -> None:
        self._order, self._line = order, line
        self._recorder = Recorder(Path(order.folder))
        self._counts, self._limiter = Counts(), Limiter(order.per_second / order.workers)
        self._figures = Figures(self._recorder, self._counts, self._limiter)
        self._environment: Any = None
        self._told = 0
        self._closed = False

    def listen(self) -> None:
        """Puts everything where Locust calls it."""
        defaults.install(self._order)
        users.take(self._order, self._limiter, self._recorder.begun)
        self._limit()
        tracing.watch_loading(self._line, self._order.file)
        events.init.add_listener(self._init)
        events.request.add_listener(self._recorder.request)
        events.test_start.add_listener(self._began)
        events.user_error.add_listener(self._user_error)
        events.quit.add_listener(self.end)

    # --- Locust's events ---------------------------------------------------------------------------------------------

    def _init(self, environment: Any, runner: Any, **_: object) -> None:
        self._environment = environment
        environment.stop_timeout = self._order.grace
        classes = [one for one in environment.user_classes if not one.abstract]
        if problem := _unfit(self._order, classes):
            self._refuse(*problem)
        for one in classes:
            if not one.host:
                one.host = self._order.host
        if environment.shape_class is not None:
            environment.shape_class = None
            self._line.say(note="the file's own LoadTestShape is not used: users, rate or stages say how hard it is")
        if self._order.model == "open":
            environment.user_classes = [dispatcher(self._order, self._recorder, self._counts, classes)]
            environment.shape_class = None
        elif self._order.stages and not isinstance(runner, WorkerRunner):
            environment.shape_class = shape.Stages(self._order)
        if self._order.pacing and self._order.model == "closed":
            shape.pace(classes, self._order.pacing, self._recorder)
        self._figures.runner = runner
        gevent.spawn(self._figures.beat)
        gevent.spawn(self._flush)
        self._line.look, self._line.obey = self._figures.look, self._obey
        self._line.say(loaded=[one.__name__ for one in classes], engine=f"locust {locust.__version__}")

    def _limit(self) -> None:
        """Guard and cap, before the scenario is loaded: what its module does is no less sent."""
        if not self._order.origins:
            return
        admit, begun = self._limiter.admit, self._recorder.begun
        guard = Guard(self._order, lambda text: self._line.say(refused=text), lambda: admit(begun))
        if self._order.port:
            guard.permit("127.0.0.1", self._order.port)
        guard.install()
        users.guarded(guard)
        self._limiter.install(self._recorder)

    def _began(self, **_: object) -> None:
        from time import perf_counter, time

        self._recorder.base = perf_counter()
        self._line.say(began=time())
        runner = self._environment.runner
        if not isinstance(runner, WorkerRunner):
            gevent.spawn(self._run_to_the_end, runner)

    def _run_to_the_end(self, runner: Any) -> None:
        """Ends the run: when its time is over, or in the open model when all arrivals were answered."""
        gevent.sleep(self._order.duration)
        distributed = isinstance(runner, MasterRunner)
        while self._order.model == "open" and not self._counts.over and not distributed:
            gevent.sleep(0.02)
        if distributed and self._order.model == "open":
            return  # whoever gave the order sees when the workers have no arrival under way
        runner.quit()

    def _user_error(self, user_instance: Any, exception: BaseException, tb: Any, **_: object) -> None:
        del user_instance
        self._figures.raised += 1
        if self._told < _MOST_ERRORS_TOLD:
            self._told += 1
            self._line.say(raised=tracing.place(exception, tb), text=tracing.text(exception))

    def end(self, *_: object, **__: object) -> None:
        """The last samples and figures, when Locust ends."""
        if self._closed:
            return
        self._closed = True
        if self._environment is None:
            name = Path(self._order.file).name or self._order.scenario
            self._line.say(unfit="load.scenario.empty", text=f"{name} has no user class that could be run")
        self._recorder.close()
        self._line.say_now(ended=True)

    # --- what is obeyed ----------------------------------------------------------------------------------------------

    def _obey(self, order: dict[str, Any]) -> None:
        """Runs in the line's thread: the event loop may be blocked."""
        if "stop" in order:
            if order["stop"] == "now":
                self._environment.stop_timeout = 0
            os.kill(os.getpid(), signal.SIGTERM)
        if "credentials" in order:
            users.renew(order["credentials"])

    def _refuse(self, code: str, text: str) -> None:
        self._line.say_now(unfit=code, text=text)
        self._recorder.close()
        os._exit(3)

    def _flush(self) -> None:
        while True:
            gevent.sleep(_FLUSH)
            self._recorder.flush()
            self._recorder.write_table()


def _unfit(order: Order, classes: list[Any]) -> tuple[str, str] | None:
    """Why a scenario is not run, before any request."""
    from pytest_prodcheck.load.child.guard import place

    name = Path(order.file).name if order.file else order.scenario
    if not order.file and not order.reads and not order.sessions:
        return "load.scenario.empty", f"{name} has nothing to send: the environment declares no such read"
    if not classes:
        return "load.scenario.empty", f"{name} has no user class that could be run"
    for one in classes:
        if not one.tasks and not getattr(one, "functions", None):
            return "load.scenario.empty", f"{name}: user class {one.__name__} has no tasks"
        if order.origins and one.host and place(one.host) not in {place(origin) for origin in order.origins}:
            host = place(one.host)[0]
            return "load.request.refused", f"{name}: host {host} of {one.__name__} is not configured"
    unpaced = order.model == "closed" and not order.pacing and order.users > order.per_second
    if unpaced and (hasty := next((one for one in classes if _never_waits(one)), None)) is not None:
        return (
            "load.request.refused",
            f"{order.users} users of {hasty.__name__} without wait may exceed {order.per_second:g} requests/s",
        )
    return None


def _never_waits(kind: Any) -> bool:
    """Whether users of a class wait for no time between two tasks."""
    try:
        return bool(kind.wait_time(kind) == 0)
    except Exception:  # noqa: BLE001  # what a scenario defines may raise anything; then it is not known
        return False
