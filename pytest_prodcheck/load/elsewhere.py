"""A scenario whose processes run elsewhere: asked of a Locust master over its web port, and judged like any other."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import tarfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_prodcheck.errors import TargetError
from pytest_prodcheck.load import result
from pytest_prodcheck.load.heard import Heard
from pytest_prodcheck.load.hooks import Hooks
from pytest_prodcheck.load.order import Order
from pytest_prodcheck.load.result import End
from pytest_prodcheck.observe.load import Ending, LoadRun

_POLL = 0.25
_TIMEOUT = 10.0
_START = 30.0
_MOST = 4 * 1024**3
_SILENT = 3.0
"""Seconds without a report, of which there are two a second, after which a worker counts as lost."""


class Elsewhere:
    """One run on a master."""

    def __init__(self, order: Order, folder: Path, hooks: Hooks) -> None:
        self._order, self._folder, self._hooks = order, folder, hooks
        self._heard = Heard(order)
        self._seen: dict[str, tuple[float, float]] = {}
        """Worker → the time of its last report, on its own clock and on ours (monotonic)."""
        self._workers: list[str] = []
        self._missing: set[str] = set()
        self._told = 0.0
        self._end = End()

    def run(self) -> LoadRun:
        """The run; what goes wrong is in it, not raised."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._start()
            try:
                while not self._over():
                    time.sleep(_POLL)
            finally:
                self._stop()
            self._fetch()
        except TargetError as error:
            self._say("failed", error.message, error.code)
        except (ValueError, KeyError, tarfile.TarError) as error:
            text = f"the master at {self._order.master} gave no samples: {error}"
            self._say("failed", text, "load.generator.failed")
        lost = sorted(self._missing & set(self._workers))
        order = replace(self._order, file="", workers=max(1, len(self._workers)))
        run = result.result(order, self._folder, self._folder, self._heard, self._end, lost, self._hooks.clean)
        return replace(run, remote=True, folder=run.folder if run.samples else "")

    def _start(self) -> None:
        order = self._order
        asked = {"users": order.users, "spawn_rate": order.spawn_rate, "host": order.host, "grace": order.grace}
        said = self._ask("POST", "/prodcheck/start", asked)
        self._heard.engine, self._workers = str(said["engine"]), [str(one) for one in said["workers"]]
        if not self._workers:
            text = f"the Locust master at {order.master} has no workers"
            raise TargetError("load", text, "load.worker.lost")
        self._asked_at = time.monotonic()

    def _over(self) -> bool:
        """One look, and whether it was the last."""
        said, now = self._ask("GET", "/prodcheck/live"), time.monotonic()
        if said["began"]:
            self._heard.begin(float(said["began"]))
        self._take(said["looks"], now)
        began, never = self._heard.began, (0.0, self._heard.began)
        silent = [name for name in self._workers if began and now - self._seen.get(name, never)[1] > _SILENT]
        self._missing = {*(str(name) for name in said["missing"]), *silent}
        for name in self._missing:
            self._heard.window.gone(name)
        self._heard.refused = [str(one) for one in said["refused"]]
        self._tell(now)
        return self._ended(str(said["state"]), now)

    def _ended(self, state: str, now: float) -> bool:
        heard, duration = self._heard, self._order.duration
        if why := self._hooks.stopped():
            self._say("interrupted", why, "load.run.interrupted")
        elif heard.refused:
            self._say("failed", heard.refused[0], "load.request.refused")
        elif text := heard.window.broken(now):
            self._say("aborted", text, "load.run.aborted")
        elif heard.began and (text := self._hooks.red()):
            self._say("breaker", text, "load.run.breaker")
        elif not heard.began and now - self._asked_at > _START:
            self._say("failed", f"no request was sent within {_START:.0f} s", "load.generator.failed")
        elif heard.began and state in ("stopped", "stopping", "ready") and now - heard.began < duration:
            self._say("failed", "somebody else stopped the run on the master", "load.generator.failed")
        elif not heard.began or now - heard.began < duration:
            return False
        return True

    def _say(self, ending: Ending, message: str, code: str) -> None:
        self._end = End(ending, message, code)

    def _take(self, looks: Mapping[str, dict[str, Any]], now: float) -> None:
        """The workers' reports that are new."""
        for name, look in looks.items():
            if self._seen.get(str(name), (0.0, 0.0))[0] != look["at"]:
                self._seen[str(name)] = look["at"], now
                self._heard.hear(str(name), look)

    def _tell(self, now: float) -> None:
        if self._heard.began and now - self._told >= 1.0:
            self._told = now
            self._hooks.live(self._heard.live())

    def _stop(self) -> None:
        """Stops it, and waits until the workers' last reports are there."""
        with contextlib.suppress(TargetError):
            self._ask("POST", "/prodcheck/stop", {"now": self._end.ending != "finished"})
            until = time.monotonic() + self._order.grace + 3.0
            while time.monotonic() < until and self._ask("GET", "/prodcheck/live")["state"] != "stopped":
                time.sleep(_POLL)
            time.sleep(1.2)  # workers report twice a second
            self._take(self._ask("GET", "/prodcheck/live")["looks"], time.monotonic())

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
