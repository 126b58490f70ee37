"""Locust's own master and workers elsewhere (`deploy/locust/`), as the gate can use them: with exact samples.

    python -m pytest_prodcheck.load.remote --master -f browse.py …      what `locust --master` takes
    python -m pytest_prodcheck.load.remote --worker --master-host … -f browse.py

Workers send their samples to the master with Locust's own reports, twice a second; the master keeps them as columns on
disk, and gives them to the gate over its web port. A run that the gate no longer asks after ends by itself.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from time import monotonic, time
from typing import Any

import gevent
import locust
from locust import events, runners
from locust.runners import MasterRunner

from pytest_prodcheck.load import users
from pytest_prodcheck.load.child.arrivals import Counts
from pytest_prodcheck.load.child.figures import Figures
from pytest_prodcheck.load.child.guard import Guard
from pytest_prodcheck.load.child.limiter import Limiter
from pytest_prodcheck.load.child.recorder import Recorder
from pytest_prodcheck.load.order import Order
from pytest_prodcheck.observe.load import COLUMNS

LEASE = 5.0
"""Seconds after which a run ends that nobody asks after."""
REPORT = 0.5
_READY = 5.0
_KEY = "prodcheck"


class Worker:
    """What one worker process adds to Locust."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="prodcheck-load-"))
        self._recorder = Recorder(self._folder / "unused")
        self._recorder.flush = lambda: None  # type: ignore[method-assign]  # rows are sent, not written
        origins = tuple(filter(None, os.environ.get("PRODCHECK_ORIGINS", "").split(",")))
        if not origins:
            raise SystemExit("PRODCHECK_ORIGINS names no origin that may be asked, such as https://app.example")
        order = Order("remote", origins=origins, writes=os.environ.get("PRODCHECK_WRITES") == "true")
        self._limiter = Limiter(float(os.environ.get("PRODCHECK_PER_SECOND", "1000")))
        self._figures = Figures(self._recorder, Counts(), self._limiter)
        self._refused: list[str] = []
        users.take(order, self._limiter, self._recorder.begun)
        admit, begun = self._limiter.admit, self._recorder.begun
        guard = Guard(order, self._refused.append, lambda: admit(begun))
        guard.permit(_option("--master-host", "127.0.0.1"), int(_option("--master-port", "5557")))
        guard.install()
        users.guarded(guard)
        self._limiter.install(self._recorder)

    def listen(self) -> None:
        """Puts it where Locust calls it."""
        events.init.add_listener(self._init)
        events.request.add_listener(self._recorder.request)
        events.test_start.add_listener(self._began)
        events.user_error.add_listener(self._raised)
        events.report_to_master.add_listener(self._report)
        events.quit.add_listener(lambda **_: shutil.rmtree(self._folder, ignore_errors=True))

    def _init(self, runner: Any, **_: object) -> None:
        self._figures.runner = runner
        gevent.spawn(self._figures.beat)

    def _began(self, **_: object) -> None:
        from time import perf_counter

        self._recorder.drained()
        self._recorder.ended = self._recorder.failed = self._recorder.cut = self._figures.raised = 0
        self._recorder.base = perf_counter()

    def _raised(self, **_: object) -> None:
        self._figures.raised += 1

    def _report(self, client_id: str, data: dict[str, Any]) -> None:
        del client_id
        data[_KEY] = {
            "columns": self._recorder.drained(),
            "table": self._recorder.table(),
            "look": self._figures.look(),
            "refused": self._refused[:10],
        }


class Master:
    """What the master adds to Locust: samples as they come, and the door for the gate."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="prodcheck-load-"))
        self._looks: dict[str, dict[str, Any]] = {}
        self._refused: list[str] = []
        self._asked = 0.0
        self._began = 0.0
        self._environment: Any = None

    def listen(self) -> None:
        """Puts it where Locust calls it."""
        events.init.add_listener(self._init)
        events.worker_report.add_listener(self._take)
        events.quit.add_listener(lambda **_: shutil.rmtree(self._folder, ignore_errors=True))

    def _init(self, environment: Any, web_ui: Any, **_: object) -> None:
        self._environment = environment
        if web_ui is None:
            raise SystemExit("the gate needs the master's web port: leave --headless out")
        gevent.spawn(self._watch)
        from flask import jsonify, request, send_file

        app: Any = web_ui.app

        def start() -> Any:
            asked = request.get_json(force=True)
            if self._environment.runner.state in ("running", "spawning"):
                return jsonify(problem="a run is under way already"), 409
            self._wait_for_workers()
            self._fresh()
            environment.host = asked["host"]
            environment.stop_timeout = float(asked["grace"])
            gevent.spawn(environment.runner.start, int(asked["users"]), float(asked["spawn_rate"]))
            return jsonify(engine=f"locust {locust.__version__}", workers=self._workers())

        def live() -> Any:
            self._asked = monotonic()
            runner: MasterRunner = environment.runner
            return jsonify(
                state=runner.state, began=self._began, looks=self._looks, refused=self._refused,
                workers=self._workers(), missing=[client.id for client in runner.clients.missing],
            )  # fmt: skip

        def stop() -> Any:
            if request.get_json(force=True).get("now"):
                environment.stop_timeout = 0
            gevent.spawn(environment.runner.stop)
            return jsonify(stopped=True)

        def samples() -> Any:
            packed = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the answer; nobody else can open it
            with tarfile.open(fileobj=packed, mode="w") as archive:
                archive.add(self._folder, ".")
            packed.seek(0)
            return send_file(packed, mimetype="application/x-tar")

        for view, method in ((start, "POST"), (live, "GET"), (stop, "POST"), (samples, "GET")):
            app.add_url_rule(f"/prodcheck/{view.__name__}", f"prodcheck_{view.__name__}", view, methods=[method])

    def _workers(self) -> list[str]:
        clients = self._environment.runner.clients
        return [client.id for client in clients.values() if client.state not in ("missing", "stopped")]

    def _wait_for_workers(self) -> None:
        """Workers that have just ended a run leave the master's list, and say a moment later that they are ready for
        another: all that sent in the last one are waited for, but for those that went missing."""
        until = monotonic() + _READY
        clients = self._environment.runner.clients
        while monotonic() < until:
            ready = {client.id for client in clients.ready}
            awaited = {*self._looks, *(client.id for client in clients.all)} - {one.id for one in clients.missing}
            if ready and awaited <= ready:
                return
            gevent.sleep(0.1)

    def _fresh(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(0o700)
        self._looks.clear()
        self._refused.clear()
        self._asked, self._began = monotonic(), 0.0

    def _take(self, client_id: str, data: dict[str, Any]) -> None:
        said = data.pop(_KEY, None)
        if said is None or not client_id.replace("-", "").replace("_", "").replace(".", "").isalnum():
            return
        runner = self._environment.runner
        if not self._began and said["look"]["users"] and runner.state in ("running", "spawning"):
            self._began = time()
        if not self._began:
            return  # of an earlier run
        place = self._folder / client_id
        place.mkdir(exist_ok=True)
        for column, part in zip(COLUMNS, said["columns"], strict=True):
            with (place / f"{column['name']}.{column['code']}").open("ab") as file:
                file.write(part)
        (self._folder / f"{client_id}.json").write_text(json.dumps(said["table"]), "utf-8")
        self._looks[client_id] = said["look"]
        self._refused += [one for one in said["refused"] if one not in self._refused]

    def _watch(self) -> None:
        """Ends a run that nobody asks after: whoever began it is gone."""
        while True:
            gevent.sleep(1.0)
            runner = self._environment.runner
            if runner.state in ("running", "spawning") and monotonic() - self._asked > LEASE:
                self._environment.stop_timeout = 0
                runner.stop()


def _option(name: str, default: str) -> str:
    """The value of one of Locust's own options."""
    arguments = sys.argv
    for number, argument in enumerate(arguments):
        if argument == name and number + 1 < len(arguments):
            return arguments[number + 1]
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return default


def main() -> None:
    """Hands over to Locust's own `main`, as its command does."""
    runners.WORKER_REPORT_INTERVAL = REPORT
    part: Worker | Master = Worker() if "--worker" in sys.argv else Master()
    part.listen()
    sys.argv[0] = "locust"
    import locust.main

    locust.main.main()


if __name__ == "__main__":
    main()
