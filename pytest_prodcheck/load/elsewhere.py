"""A scenario whose processes run elsewhere: asked of a Locust master over its web port, and judged like any other."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

from pytest_prodcheck.errors import TargetError
from pytest_prodcheck.load import merging
from pytest_prodcheck.load.hooks import Hooks
from pytest_prodcheck.load.order import Order
from pytest_prodcheck.load.window import Window
from pytest_prodcheck.observe.load import Ending, Live, LoadRun, Second

_POLL = 0.25
_TIMEOUT = 10.0
_START = 30.0
_MOST = 4 * 1024**3
_MOST_SECONDS = 20_000
_SILENT = 3.0
"""Seconds without a report, of which there are two a second, after which a worker counts as lost."""


class Elsewhere:
    """One run on a master."""

    def __init__(self, order: Order, folder: Path, hooks: Hooks) -> None:
        self._order, self._folder, self._hooks = order, folder, hooks
        self._window = Window(order.abort)
        self._seconds: list[Second] = []
        self._last: dict[str, dict[str, Any]] = {}
        self._workers: list[str] = []
        self._missing: set[str] = set()
        self._heard: dict[str, float] = {}
        self._refused: list[str] = []
        self._engine = ""
        self._began = self._began_at = self._told = 0.0
        self._ending: Ending = "finished"
        self._message = self._code = ""

    def run(self) -> LoadRun:
        """The run; what goes wrong is in it, not raised."""
        self._folder.mkdir(parents=True, exist_ok=True)
        samples = 0
        try:
            self._start()
            try:
                while not self._over():
                    time.sleep(_POLL)
            finally:
                self._stop()
            self._fetch()
            samples = merging.merge(self._folder)
        except TargetError as error:
            self._ending, self._message, self._code = "failed", error.message, error.code
        except (ValueError, KeyError, tarfile.TarError) as error:
            self._ending, self._code = "failed", "load.generator.failed"
            self._message = f"the master at {self._order.master} gave no samples: {error}"
        return self._result(samples)

    def _start(self) -> None:
        order = self._order
        asked = {"users": order.users, "spawn_rate": order.spawn_rate, "host": order.host, "grace": order.grace}
        said = self._ask("POST", "/prodcheck/start", asked)
        self._engine, self._workers = str(said["engine"]), [str(one) for one in said["workers"]]
        if not self._workers:
            text = f"the Locust master at {order.master} has no workers"
            raise TargetError("load", text, "load.worker.lost")
        self._asked_at = time.monotonic()

    def _over(self) -> bool:
        """One look, and whether it was the last."""
        said, now = self._ask("GET", "/prodcheck/live"), time.monotonic()
        if not self._began and said["began"]:
            self._began, self._began_at = now, float(said["began"])
        for name, look in said["looks"].items():
            self._take(str(name), look, now)
        silent = [name for name in self._workers if self._began and now - self._heard.get(name, self._began) > _SILENT]
        self._missing = {*(str(name) for name in said["missing"]), *silent}
        for name in self._missing:
            self._window.gone(name)
        self._refused = [str(one) for one in said["refused"]]
        self._tell(now)
        return self._ended(str(said["state"]), now)

    def _ended(self, state: str, now: float) -> bool:
        if why := self._hooks.stopped():
            self._say("interrupted", why, "load.run.interrupted")
        elif self._refused:
            self._say("failed", self._refused[0], "load.request.refused")
        elif text := self._window.broken(now):
            self._say("aborted", text, "load.run.aborted")
        elif self._began and (text := self._hooks.red()):
            self._say("breaker", text, "load.run.breaker")
        elif not self._began and now - self._asked_at > _START:
            self._say("failed", f"no request was sent within {_START:.0f} s", "load.generator.failed")
        elif self._began and state in ("stopped", "stopping", "ready") and now - self._began < self._order.duration:
            self._say("failed", "somebody else stopped the run on the master", "load.generator.failed")
        elif not self._began or now - self._began < self._order.duration:
            return False
        return True

    def _say(self, ending: Ending, message: str, code: str) -> None:
        self._ending, self._message, self._code = ending, message, code

    def _take(self, name: str, look: dict[str, Any], now: float) -> None:
        before = self._last.get(name)
        if before is not None and before["at"] == look["at"]:
            return
        self._last[name], self._heard[name] = look, now
        if not self._began:
            return
        self._window.take(name, now, look)
        if before is not None and len(self._seconds) < _MOST_SECONDS:
            self._seconds.append(
                Second(
                    look["at"],
                    name,
                    look["cpu"],
                    look["lag"],
                    look["descriptors"],
                    look["most_descriptors"],
                    look["users"],
                    look["ended"] - before["ended"],
                    look["failed"] - before["failed"],
                )
            )

    def _tell(self, now: float) -> None:
        if not self._began or now - self._told < 1.0:
            return
        self._told = now
        rate, p95, errors = self._window.figures(now)
        users, total = (sum(int(look[key]) for look in self._last.values()) for key in ("users", "ended"))
        order = self._order
        live = Live(order.scenario, time.time(), now - self._began, order.duration, users, rate, p95, errors, total)
        self._hooks.live(live)

    def _stop(self) -> None:
        """Stops it, and waits until the workers' last reports are there."""
        with contextlib.suppress(TargetError):
            self._ask("POST", "/prodcheck/stop", {"now": self._ending != "finished"})
            until = time.monotonic() + self._order.grace + 3.0
            while time.monotonic() < until and self._ask("GET", "/prodcheck/live")["state"] != "stopped":
                time.sleep(_POLL)
            time.sleep(1.2)  # workers report twice a second
            for name, look in self._ask("GET", "/prodcheck/live")["looks"].items():
                self._last[str(name)] = look

    def _fetch(self) -> None:
        packed = self._exchange("GET", "/prodcheck/samples", b"", 120.0)
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(self._folder, filter="data")

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        data = self._exchange(method, path, json.dumps(body).encode() if body is not None else b"", _TIMEOUT)
        said = json.loads(data)
        if not isinstance(said, dict):
            raise ValueError("no JSON object")  # noqa: TRY004  # what a master says wrongly is one kind of mistake
        if problem := said.get("problem"):
            text = f"the Locust master at {self._order.master} does not start: {problem}"
            raise TargetError("load", text, "load.generator.failed")
        return said

    def _exchange(self, method: str, path: str, body: bytes, timeout: float) -> bytes:
        """One request. Raises TargetError where nobody answers, or it is not a master that gives samples."""
        where = self._order.master
        connection = http.client.HTTPConnection(where, timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            data = answer.read(_MOST)
        except (OSError, http.client.HTTPException) as error:
            text = f"the Locust master at {where} does not answer: {error}"
            raise TargetError("load", text, "load.master.unreachable") from None
        finally:
            connection.close()
        if answer.status == 404:
            text = f"what answers at {where} gives no samples: start it as deploy/locust/ does"
            raise TargetError("load", text, "load.master.unreachable")
        if answer.status >= 300 and answer.status != 409:
            text = f"the Locust master at {where} answers {answer.status} to {path}"
            raise TargetError("load", text, "load.generator.failed")
        return data

    def _result(self, samples: int) -> LoadRun:
        order, now, rows = self._order, time.time(), list(self._last.values())
        ended, raised = (sum(int(row[key]) for row in rows) for key in ("ended", "raised"))
        clean = self._hooks.clean
        notes = [f"{ended - samples} of {ended} samples were lost with their worker"] if samples < ended else []
        return LoadRun(
            order.scenario, "closed", 0.0, "", self._began_at or now, now, self._ending, clean(self._message),
            self._code, order.duration, order.warm_up, order.users, 0.0, 0, samples, 0, 0, samples,
            str(self._folder) if samples else "", tuple(self._seconds), max(1, len(self._workers)),
            tuple(sorted(self._missing & set(self._workers))), True, tuple(clean(one) for one in self._refused),
            tuple(notes), self._engine, raised,
        )  # fmt: skip
