"""The probe pool: bounded daemon threads in lanes, one lane a host, so that a slow host holds up nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from queue import Empty, SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")
Job = tuple["Future[object]", Callable[[], object]]

_IDLE_SECONDS = 1.0


class Lane:
    """Up to `size` threads that work off one queue; they end when it has been empty for a second."""

    def __init__(self, name: str, size: int) -> None:
        self._name, self._size = name, size
        self._queue: SimpleQueue[Job] = SimpleQueue()
        self._threads = 0
        self._waiting = 0
        self._lock = threading.Lock()

    def put(self, job: Job) -> None:
        """Queues a job; starts a thread for it where none is free."""
        self._queue.put(job)
        with self._lock:
            if self._waiting < self._queue.qsize() and self._threads < self._size:
                self._threads += 1
                threading.Thread(target=self._work, name=f"prodcheck-{self._name}", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._waiting += 1
            try:
                future, call = self._queue.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    self._waiting -= 1
                    if self._queue.empty():
                        self._threads -= 1
                        return
                continue
            with self._lock:
                self._waiting -= 1
            _run(future, call)


class ProbePool:
    """Lanes by name. Threads are daemons: a stuck one can hang neither the run nor the interpreter's end.

    `concurrent.futures` joins its threads at exit, which a C call that never returns would block for ever.
    """

    def __init__(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def submit(self, lane: str, size: int, call: Callable[[], Result]) -> Future[Result]:
        """The future of `call`, run in `lane` (of `size` threads at most). Cancelled at once after `stop`."""
        future: Future[Result] = Future()
        if self._stopped:
            future.cancel()
            future.set_running_or_notify_cancel()
            return future
        with self._lock:
            chosen = self._lanes.get(lane) or self._lanes.setdefault(lane, Lane(lane, size))
        chosen.put((future, self._unless_stopped(call)))  # type: ignore[arg-type]
        return future

    def stop(self) -> None:
        """Runs nothing more; what is queued ends cancelled."""
        self._stopped = True

    def _unless_stopped(self, call: Callable[[], Result]) -> Callable[[], Result]:
        def guarded() -> Result:
            if self._stopped:
                raise CancelledError
            return call()

        return guarded


def _run(future: Future[object], call: Callable[[], object]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - belongs to whoever waits for the result
        future.set_exception(error)
