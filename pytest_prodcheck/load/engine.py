"""Runs one scenario to its end: starts Locust's processes, hears them, stops them, and says what became of it.

Whatever happens to us, nothing keeps running: each process ends when its line to us breaks, each is in a group of its
own that is killed, and a run that is longer than it was to be is cut.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_prodcheck.load import merging, words
from pytest_prodcheck.load import order as orders
from pytest_prodcheck.load.hooks import Hooks
from pytest_prodcheck.load.order import Order
from pytest_prodcheck.load.process import Process
from pytest_prodcheck.load.window import Window
from pytest_prodcheck.observe.load import Ending, Live, LoadRun, Second

START = 30.0
"""Seconds that Locust may take until it sends the first request."""
STOP = 1.0
"""Seconds from an order to stop until the processes are killed."""
_TURN = 0.02
_EARLY = 1.5
"""Seconds by which the master, which begins first, may tell its workers to end before their own time is over."""
_MOST_SECONDS = 20_000
_MOST_PRINTED = 64 * 1024 * 1024
_NO_LOCUST = "locust is not installed: pip install 'pytest-prodcheck[load]'"


def run(order: Order, folder: Path, base: Path, environ: Mapping[str, str], hooks: Hooks) -> LoadRun:
    """One scenario. `folder` takes its columns, `base` is where Locust is started (what relative paths in a scenario
    mean), `environ` its environment without secrets. What goes wrong is in the run, not raised."""
    if order.master:
        from pytest_prodcheck.load.elsewhere import Elsewhere

        return Elsewhere(order, folder, hooks).run()
    if importlib.util.find_spec("locust") is None:
        return _failed(order, _NO_LOCUST, "load.generator.not_installed")
    if problem := _syntax(order):
        return _failed(order, problem, "load.scenario.invalid")
    folder.mkdir(parents=True, exist_ok=True)
    return _Run(order, folder, base, environ, hooks).whole()


def _failed(order: Order, message: str, code: str) -> LoadRun:
    now = time.time()
    return LoadRun(
        order.scenario, order.model, order.pacing, order.file, now, now, "failed", message, code, order.duration
    )


def _syntax(order: Order) -> str:
    """What is wrong with a scenario's text, before anything is started; empty for nothing."""
    if not order.file:
        return ""
    path = Path(order.file)
    try:
        compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except OSError as error:
        return f"{path.name} cannot be read: {error.strerror}"
    except SyntaxError as error:
        return f"{path.name}:{error.lineno}: {error.msg}"
    except ValueError as error:
        return f"{path.name}: {error}"
    return ""


class _Run:
    def __init__(self, order: Order, folder: Path, base: Path, environ: Mapping[str, str], hooks: Hooks) -> None:
        self._order, self._folder, self._base, self._environ, self._hooks = order, folder, base, environ, hooks
        self._window = Window(order.abort)
        self._processes: list[Process] = []
        self._last: dict[str, dict[str, Any]] = {}
        self._gone: dict[str, dict[str, Any]] = {}
        self._kept: dict[str, dict[str, Any]] = {}
        self._seconds: list[Second] = []
        self._refused: list[str] = []
        self._notes: list[str] = []
        self._lost: list[str] = []
        self._unfit: tuple[str, str] | None = None
        self._began_wall = self._began = 0.0
        self._ending: Ending = "finished"
        self._message = self._code = self._engine = ""
        self._started = time.monotonic()
        self._told_live = self._told_credentials = self._stopping = 0.0

    # --- the run -----------------------------------------------------------------------------------------------------

    def whole(self) -> LoadRun:
        with self._all_ended():
            self._start()
            while self._going_on():
                time.sleep(_TURN)
                self._turn()
        return self._result()

    @contextmanager
    def _all_ended(self) -> Iterator[None]:
        """Whatever is raised in between, no process is left."""
        try:
            yield
        finally:
            for process in self._processes:
                process.kill()
            for process in self._processes:
                self._hear(process)
                if self._code and process.status not in (0, None):
                    pass
            self._tails = [process.tail() for process in self._processes]
            for process in self._processes:
                process.close()

    def _start(self) -> None:
        many = self._order.workers
        if many == 1:
            self._processes.append(self._process("local", words.local(self._order)))
            return
        port = self._order.port or words.free_port()
        order = self._order = replace(self._order, port=port)
        self._processes.append(self._process("master", words.master(order, many)))
        for number in range(1, many + 1):
            self._processes.append(self._process(f"worker-{number}", words.worker(order)))

    def _process(self, name: str, arguments: list[str]) -> Process:
        order = replace(self._order, folder=str(self._folder / name))
        return Process(name, order, arguments, self._environ, self._base)

    def _going_on(self) -> bool:
        """Whether anything that sends or steers still runs; what was told to stop and did not is killed."""
        if self._stopping and time.monotonic() > self._stopping:
            for process in self._processes:
                process.kill()
        return self._processes[0].status is None or (
            not self._stopping and self._unfit is None and any(one.status is None for one in self._processes[1:])
            and self._grace_after_master()
        )  # fmt: skip

    def _grace_after_master(self) -> bool:
        """The master tells its workers to end; they have a moment to write their last samples."""
        if not hasattr(self, "_master_ended"):
            self._master_ended = time.monotonic()
        return time.monotonic() - self._master_ended < STOP + 1.0

    # --- one turn ----------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        for process in self._processes:
            self._hear(process)
            self._look_after(process)
        if self._stopping:
            return
        if why := self._hooks.stopped():
            self._stop("interrupted", why, "")
        elif self._unfit:
            self._stop("failed", self._unfit[1], self._unfit[0])
        elif self._refused:
            self._stop("failed", self._refused[0], "load.request.refused")
        elif text := self._window.broken(time.monotonic()):
            self._stop("aborted", text, "load.run.aborted")
        elif self._began and (text := self._hooks.red()):
            self._stop("breaker", text, "load.run.breaker")
        elif any(process.printed > _MOST_PRINTED for process in self._processes):
            self._stop("failed", f"the scenario printed more than {_MOST_PRINTED >> 20} MB", "load.generator.failed")
        else:
            self._time()
            self._tell_live()
            self._renew()

    def _time(self) -> None:
        now = time.monotonic()
        if not self._began and now - self._started > START:
            self._stop("failed", f"no request was sent within {START:.0f} s", "load.generator.failed")
        elif self._began and now - self._began > self._order.duration + self._order.grace + STOP:
            self._stop("finished", "", "", how="end")
            self._notes.append("the run was longer than planned and was cut")
        elif self._distributed_open_over(now):
            self._stop("finished", "", "", how="end")

    def _distributed_open_over(self, now: float) -> bool:
        """In the open model with workers, whether all arrivals were started and answered."""
        if self._order.model != "open" or self._order.workers == 1 or not self._began:
            return False
        alive = [self._last.get(one.name, {}) for one in self._processes[1:] if one.status is None]
        return now - self._began > self._order.duration and all(one.get("over") for one in alive)

    def _hear(self, process: Process) -> None:
        for said in process.hear():
            if "ended" in said and "times" in said:
                self._take(process.name, said)
            elif "began" in said:
                self._began_now(process, float(said["began"]))
            elif "unfit" in said:
                self._unfit = self._unfit or (str(said["unfit"]), str(said["text"]))
            elif "broken" in said:
                text = f"{said['broken']}: {said['text']}".removeprefix(": ")
                self._unfit = self._unfit or words.broken(text, self._order)
            elif "refused" in said:
                self._refused += [said["refused"]] if said["refused"] not in self._refused else []
            elif "raised" in said:
                self._raised(f"{said['raised']}: {said['text']}".removeprefix(": "))
            elif "note" in said:
                self._notes.append(str(said["note"]))
            elif "engine" in said:
                self._engine = str(said["engine"])

    def _began_now(self, process: Process, wall: float) -> None:
        if self._order.workers > 1 and process.name == "master":
            return
        if not self._began:
            self._began, self._began_wall = time.monotonic(), wall

    def _raised(self, text: str) -> None:
        note = f"the scenario raised: {text}"
        if note not in self._notes:
            self._notes.append(note)

    def _take(self, name: str, said: dict[str, Any]) -> None:
        self._last[name] = said
        if said["jumped"]:
            self._notes.append(f"the clock of {name} jumped by {said['jumped']:g} s; times of requests are not touched")
        if said["problem"] and said["problem"] not in self._notes:
            self._notes.append(said["problem"])
        if name == "master" or not self._began:
            return
        self._window.take(name, time.monotonic(), said)
        before = self._kept.get(name)
        if before is None or said["at"] - before["at"] >= 1.0 or said["at"] < before["at"]:
            self._kept[name] = said
            if before is not None and len(self._seconds) < _MOST_SECONDS:
                self._seconds.append(_second(name, before, said))
        else:
            before["cpu_most"] = max(before.get("cpu_most", before["cpu"]), said["cpu"])
            before["lag_most"] = max(before.get("lag_most", before["lag"]), said["lag"])

    def _look_after(self, process: Process) -> None:
        """A process that ended before it should."""
        if process.status is None or process.name in self._gone or self._stopping:
            return
        self._gone[process.name] = {}
        self._window.gone(process.name)
        if process.name.startswith("worker-") and self._processes[0].status is None:
            over = self._began and time.monotonic() - self._began >= self._order.duration - _EARLY
            if not over or process.status != 0:
                self._lost.append(process.name)
                self._notes.append(f"{process.name} ended before the run ({_exit(process.status)})")
                if all(one.status is not None for one in self._processes[1:]) and not self._unfit:
                    self._unfit = ("load.worker.lost", "all workers ended before the run")
        elif process is self._processes[0] and process.status != 0 and not self._unfit:
            self._unfit = words.why(process.tail(), self._order, _exit(process.status))
        elif process is self._processes[0] and self._began and not self._unfit:
            self._ended_early(time.monotonic() - self._began)

    def _ended_early(self, after: float) -> None:
        """A scenario may end Locust itself: then less was sent than was promised to be looked at."""
        if after < self._order.duration - _EARLY:
            text = f"Locust was ended after {after:.0f} of {self._order.duration:.0f} s, by the scenario itself"
            self._unfit = ("load.generator.failed", text)

    def _stop(self, ending: Ending, message: str, code: str, how: str = "now") -> None:
        """Stops everything, within a second; `how` is `end` where the last answers were already waited for."""
        self._ending, self._message, self._code = ending, message, code
        self._stopping = time.monotonic() + STOP
        for process in self._processes if how == "now" else self._processes[:1]:
            process.tell(stop=how)

    def _tell_live(self) -> None:
        now = time.monotonic()
        if not self._began or now - self._told_live < 1.0:
            return
        self._told_live = now
        rate, p95, errors = self._window.figures(now)
        rows = [self._last[name] for name in self._last if name != "master"]
        users, total = sum(int(row["users"]) for row in rows), sum(int(row["ended"]) for row in rows)
        elapsed = now - self._began
        self._hooks.live(
            Live(self._order.scenario, time.time(), elapsed, self._order.duration, users, rate, p95, errors, total)
        )

    def _renew(self) -> None:
        now = time.monotonic()
        if self._hooks.credentials is None or now - max(self._told_credentials, self._started) < 60.0:
            return
        self._told_credentials = now
        fresh = {user: dict(headers) for user, headers in self._hooks.credentials().items()}
        for process in self._processes:
            process.tell(credentials=fresh)

    # --- what became of it -------------------------------------------------------------------------------------------

    def _result(self) -> LoadRun:
        if self._unfit and self._ending == "finished":
            self._ending, (self._code, self._message) = "failed", self._unfit
        if self._refused and self._ending == "finished":
            self._ending, self._code, self._message = "failed", "load.request.refused", self._refused[0]
        try:
            samples = merging.merge(self._folder)
        except (OSError, ValueError) as error:
            samples = 0
            self._notes.append(f"samples cannot be read: {error}")
            self._ending, self._code, self._message = "failed", "load.generator.failed", "samples cannot be read"
        clean, rows = self._hooks.clean, [self._last[name] for name in self._last if name != "master"]
        ended = sum(int(row["ended"]) for row in rows)
        held = sum(int(row["held"]) for row in rows)
        notes = list(dict.fromkeys(self._notes))
        if held:
            notes.append(f"{held} requests waited for the cap of {self._order.per_second:g} a second")
        if samples < ended:
            notes.append(f"{ended - samples} of {ended} samples were lost with their process")
        if samples < ended and not self._lost and self._ending == "finished":
            self._ending, self._code = "failed", "load.generator.failed"
            self._message = next((note for note in notes if note.startswith("samples")), notes[-1])
        if self._ending == "finished" and not self._began:
            self._ending, self._code, self._message = "failed", "load.generator.failed", "Locust ended before it began"
        now, order = time.time(), self._order
        opened = order.model == "open"
        elapsed = max(0.0, min(now - self._began_wall, order.duration)) if self._began else 0.0
        return LoadRun(
            order.scenario,
            order.model,
            order.pacing,
            os.path.relpath(order.file, self._base) if order.file else "",
            self._began_wall or now,
            now,
            self._ending,
            clean(self._message),
            self._code,
            order.duration,
            order.warm_up,
            order.users,
            order.rate,
            orders.total(order.stages, elapsed) if opened else 0,
            sum(int(row["started"]) for row in rows) if opened else samples,
            sum(int(row["under_way"]) for row in rows),
            sum(int(row["unstarted"]) for row in rows),
            samples,
            str(self._folder),
            tuple(self._seconds),
            order.workers,
            tuple(self._lost),
            False,
            tuple(clean(text) for text in self._refused),
            tuple(clean(text) for text in notes),
            self._engine,
            sum(int(row["raised"]) for row in rows),
        )


def _second(name: str, before: dict[str, Any], said: dict[str, Any]) -> Second:
    return Second(
        said["at"],
        name,
        max(said["cpu"], before.get("cpu_most", 0.0)),
        max(said["lag"], before.get("lag_most", 0.0)),
        said["descriptors"],
        said["most_descriptors"],
        said["users"],
        said["ended"] - before["ended"],
        said["failed"] - before["failed"],
    )


def _exit(status: int | None) -> str:
    return f"signal {-status}" if status is not None and status < 0 else f"exit status {status}"
