"""Runs one scenario to its end: starts Locust's processes, hears them, stops them, and says what became of it.

Whatever happens to us, nothing keeps running: each process ends when its line to us breaks, each is in a group of its
own that is killed, and a run that is longer than it was to be is cut.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pytest_prodcheck.load import result, words
from pytest_prodcheck.load.heard import Heard
from pytest_prodcheck.load.hooks import Hooks
from pytest_prodcheck.load.order import Order
from pytest_prodcheck.load.process import Process
from pytest_prodcheck.load.result import End
from pytest_prodcheck.observe.load import Ending, LoadRun

START = 30.0
"""Seconds that Locust may take until it sends the first request."""
STOP = 1.0
"""Seconds from an order to stop until the processes are killed."""
_TURN = 0.02
_EARLY = 1.5
"""Seconds by which the master, which begins first, may tell its workers to end before their own time is over."""
_RENEWAL = 60.0
_MOST_PRINTED = 64 * 1024 * 1024
_NO_LOCUST = "locust is not installed: pip install 'pytest-prodcheck[load]'"


def run(order: Order, folder: Path, base: Path, environ: Mapping[str, str], hooks: Hooks) -> LoadRun:
    """One scenario. `folder` takes its columns, `base` is where Locust is started (what relative paths in a scenario
    mean), `environ` its environment without secrets. What goes wrong is in the run, not raised."""
    if order.master:
        from pytest_prodcheck.load.elsewhere import Elsewhere

        return Elsewhere(order, folder, hooks).run()
    if importlib.util.find_spec("locust") is None:
        return result.failed(order, _NO_LOCUST, "load.generator.not_installed")
    if problem := _syntax(order):
        return result.failed(order, problem, "load.scenario.invalid")
    folder.mkdir(parents=True, exist_ok=True)
    return _Run(order, folder, base, environ, hooks).whole()


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
        self._heard = Heard(order)
        self._processes: list[Process] = []
        self._gone: dict[str, float] = {}
        """Name of a process that ended while the run went on → when, on the monotonic clock."""
        self._lost: list[str] = []
        self._end = End()
        self._started = time.monotonic()
        self._told_live = self._told_credentials = self._stopping = 0.0

    # --- the run -----------------------------------------------------------------------------------------------------

    def whole(self) -> LoadRun:
        with self._all_ended():
            self._start()
            while self._going_on():
                time.sleep(_TURN)
                self._turn()
        return result.result(
            self._order, self._folder, self._base, self._heard, self._end, self._lost, self._hooks.clean
        )

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
        first, *workers = self._processes
        if first.status is None:
            return True
        if self._stopping or self._heard.unfit is not None or all(one.status is not None for one in workers):
            return False
        # a master tells its workers to end; they have a moment to write their last samples
        return time.monotonic() - self._gone.setdefault(first.name, time.monotonic()) < STOP + 1.0

    # --- one turn ----------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        for process in self._processes:
            self._hear(process)
            self._look_after(process)
        heard = self._heard
        if self._stopping:
            return
        if why := self._hooks.stopped():
            self._stop("interrupted", why, "")
        elif heard.refused:
            self._stop("failed", heard.refused[0], "load.request.refused")
        elif heard.unfit:
            self._stop("failed", heard.unfit[1], heard.unfit[0])
        elif text := heard.window.broken(time.monotonic()):
            self._stop("aborted", text, "load.run.aborted")
        elif heard.began and (text := self._hooks.red()):
            self._stop("breaker", text, "load.run.breaker")
        elif any(process.printed > _MOST_PRINTED for process in self._processes):
            self._stop("failed", f"the scenario printed more than {_MOST_PRINTED >> 20} MB", "load.generator.failed")
        else:
            self._time()
            self._tell_live()
            self._renew()

    def _time(self) -> None:
        now, began = time.monotonic(), self._heard.began
        if not began and now - self._started > START:
            self._stop("failed", f"no request was sent within {START:.0f} s", "load.generator.failed")
        elif began and now - began > self._order.duration + self._order.grace + STOP:
            self._stop("finished", "", "", how="end")
            self._heard.note("the run was longer than planned and was cut")
        elif self._distributed_open_over(now):
            self._stop("finished", "", "", how="end")

    def _distributed_open_over(self, now: float) -> bool:
        """In the open model with workers, whether all arrivals were started and answered."""
        if self._order.model != "open" or self._order.workers == 1 or not self._heard.began:
            return False
        alive = [one.name for one in self._processes[1:] if one.status is None]
        return now - self._heard.began > self._order.duration and all(map(self._heard.over, alive))

    def _hear(self, process: Process) -> None:
        for said in process.hear():
            self._heard.hear(process.name, said)

    def _look_after(self, process: Process) -> None:
        """A process that ended before it should."""
        if process.status is None or process.name in self._gone or self._stopping:
            return
        now, began, first = time.monotonic(), self._heard.began, self._processes[0]
        self._gone[process.name] = now
        self._heard.window.gone(process.name)
        early = not began or now - began < self._order.duration - _EARLY
        if process is not first:
            if first.status is None and (early or process.status != 0):
                self._lose(process)
        elif process.status != 0:
            self._heard.end(*words.why(process.tail(), self._order, _exit(process.status)))
        elif began and early:
            text = f"Locust was ended after {now - began:.0f} of {self._order.duration:.0f} s, by the scenario itself"
            self._heard.end("load.generator.failed", text)

    def _lose(self, worker: Process) -> None:
        self._lost.append(worker.name)
        self._heard.note(f"{worker.name} ended before the run ({_exit(worker.status)})")
        if all(one.status is not None for one in self._processes[1:]):
            self._heard.end("load.worker.lost", "all workers ended before the run")

    def _stop(self, ending: Ending, message: str, code: str, how: str = "now") -> None:
        """Stops everything, within a second; `how` is `end` where the last answers were already waited for."""
        self._end = End(ending, message, code)
        self._stopping = time.monotonic() + STOP
        for process in self._processes if how == "now" else self._processes[:1]:
            process.tell(stop=how)

    def _tell_live(self) -> None:
        now = time.monotonic()
        if self._heard.began and now - self._told_live >= 1.0:
            self._told_live = now
            self._hooks.live(self._heard.live())

    def _renew(self) -> None:
        now = time.monotonic()
        if self._hooks.credentials is None or now - max(self._told_credentials, self._started) < _RENEWAL:
            return
        self._told_credentials = now
        fresh = {user: dict(headers) for user, headers in self._hooks.credentials().items()}
        for process in self._processes:
            process.tell(credentials=fresh)


def _exit(status: int | None) -> str:
    return f"signal {-status}" if status is not None and status < 0 else f"exit status {status}"
