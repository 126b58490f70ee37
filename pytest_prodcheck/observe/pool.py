"""The probe pool: bounded daemon threads in lanes, one lane a host, so that a slow host holds up nobody else."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from pytest_prodcheck.errors import DeadlinePassed

Result = TypeVar("Result")

_IDLE_SECONDS = 1.0
_END_SECONDS = 2.0
_LOCK = threading.Lock()


class Pending(Generic[Result]):
    """What a call will give. Much smaller than `concurrent.futures.Future`, of which a thousand cost 2 MB.

    An event exists only while somebody waits.
    """

    __slots__ = ("_error", "_event", "_value", "done")

    def __init__(self) -> None:
        self.done = False
        self._value: Result | None = None
        self._error: BaseException | None = None
        self._event: threading.Event | None = None

    @property
    def failed(self) -> bool:
        """Whether the call raised, or never ran."""
        return self._error is not None

    def run(self, call: Callable[[], Result]) -> None:
        """Runs the call here and keeps what it gives or raises."""
        try:
            value = call()
        except BaseException as error:  # noqa: BLE001 - belongs to whoever waits for the result
            self._settle(None, error)
        else:
            self._settle(value, None)

    def cancel(self) -> None:
        """Settles a call that will not run."""
        self._settle(None, DeadlinePassed(_STOPPED))

    def result(self, timeout: float | None = None) -> Result:
        """The result, waited for up to `timeout` seconds. Raises what the call raised, or DeadlinePassed."""
        if not self.done:
            with _LOCK:
                event = self._event = self._event or threading.Event()
            if not self.done and not event.wait(timeout):
                raise DeadlinePassed(_STOPPED)
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]

    def _settle(self, value: Result | None, error: BaseException | None) -> None:
        self._value, self._error = value, error
        with _LOCK:
            self.done = True
            event = self._event
        if event is not None:
            event.set()


_STOPPED = "the run was stopped, or its deadline passed, before the answer was there"

Job = tuple[Pending[object], Callable[[], object]]


class Lane:
    """Up to `size` threads that work off one queue; they end when it has been empty for a second."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: set[threading.Thread] = set()
        self._waiting = 0
        self._ended = False
        self._lock = threading.Lock()

    def put(self, job: Job) -> None:
        """Queues a job; starts a thread for it where none is free."""
        self._queue.put(job)
        with self._lock:
            self._staff()

    def drain(self) -> None:
        """Settles what is queued as never run, also where every thread is stuck."""
        with contextlib.suppress(Empty):
            while True:
                job = self._queue.get_nowait()
                if job is not None:
                    job[0].cancel()

    def end(self, deadline: float) -> None:
        """Lets the threads go home, and waits for them until `deadline` (on the monotonic clock)."""
        with self._lock:
            self._ended, threads = True, list(self._threads)
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _staff(self) -> None:
        """Starts a thread where more jobs wait than threads; called with the lock held."""
        if self._waiting < self._queue.qsize() and len(self._threads) < self._size:
            thread = threading.Thread(target=self._work, name=f"prodcheck-{self._name}", daemon=True)
            self._threads.add(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._waiting += 1
            try:
                job = self._queue.get(timeout=_IDLE_SECONDS)
            except Empty:
                job = None
            with self._lock:
                self._waiting -= 1
                if job is None and (self._ended or self._queue.empty()):
                    self._threads.discard(threading.current_thread())
                    return
                self._staff()  # a job that was put since the last one was taken had counted on this thread
            if job is not None:
                pending, call = job
                pending.run(call)


class ProbePool:
    """Lanes by name. Threads are daemons: a stuck one can hang neither the run nor the interpreter's end.

    `concurrent.futures` joins its threads at exit, which a C call that never returns would block for ever.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def submit(self, lane: str, size: int, call: Callable[[], Result]) -> Pending[Result]:
        """What `call` will give, run in `lane` (of `size` threads at most). Cancelled at once after `stop`."""
        pending: Pending[Result] = Pending()
        if self._stopped:
            pending.cancel()
            return pending
        with self._lock:
            chosen = self._lanes.get(lane) or self._lanes.setdefault(lane, Lane(lane, size))
        chosen.put((pending, self._unless_stopped(call)))  # type: ignore[arg-type]
        if self._stopped:
            chosen.drain()
        return pending

    def stop(self) -> None:
        """Runs nothing more; what is queued ends as never run."""
        self._stopped = True
        with self._lock:
            lanes = list(self._lanes.values())
        for lane in lanes:
            lane.drain()

    def end(self) -> None:
        """Waits a moment for what is still under way: a thread inside libpq or OpenSSL while the interpreter is taken
        down can bring the process down with it. One that is stuck is left behind."""
        self.stop()
        deadline = time.monotonic() + _END_SECONDS
        for lane in list(self._lanes.values()):
            lane.end(deadline)

    def _unless_stopped(self, call: Callable[[], Result]) -> Callable[[], Result]:
        def guarded() -> Result:
            if self._stopped:
                raise DeadlinePassed(_STOPPED)
            return call()

        return guarded
