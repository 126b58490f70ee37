"""Caps per host: requests per second, requests in flight, requests in all. Never exceeded, whoever sends."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_prodcheck.config.models import Requests
from pytest_prodcheck.observe.observation import USED_UP

_LOOK_SECONDS = 0.2
"""How often who waits for room looks whether the run was stopped."""


class CapReached(Exception):
    """No permit: the cap of all requests is used up, the run was stopped, or the wait would pass the deadline."""


class HostCaps:
    """Permits for one host. Every request holds one from before it is sent until its answer was read."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        self._slots = threading.Semaphore(requests.in_flight)
        self._sent_at: deque[float] = deque(maxlen=requests.per_second)
        self._lock = threading.Lock()
        self._left_standing, self._freed = requests.in_flight, threading.Condition()
        self._not_before = 0.0
        self.sent = 0

    @property
    def left(self) -> int:
        """How many requests may still be sent in this run."""
        return max(0, self._requests.at_most - self.sent)

    @contextmanager
    def permit(self, deadline: float, stopped: threading.Event) -> Iterator[None]:
        """Waits for a slot and for the rate; `deadline` is on the monotonic clock. Raises CapReached."""
        if not self._slots.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise CapReached("no free slot before the deadline")
        try:
            self._wait_for_rate(deadline, stopped)
            yield
        finally:
            self._slots.release()

    @contextmanager
    def standing(self, count: int, deadline: float, stopped: threading.Event) -> Iterator[None]:
        """Room for `count` connections that stand, all of them or none, so that two who wait cannot hold each other up;
        at most `in_flight` stand at the same time. Raises CapReached."""
        if count > self._requests.in_flight:
            raise CapReached(f"{count} connections at the same time, requests.in_flight is {self._requests.in_flight}")
        with self._freed:
            while self._left_standing < count:
                left = deadline - time.monotonic()
                if stopped.is_set() or left <= 0:
                    raise CapReached("stopped, or no room for the connections before the deadline")
                self._freed.wait(min(left, _LOOK_SECONDS))
            self._left_standing -= count
        try:
            yield
        finally:
            with self._freed:
                self._left_standing += count
                self._freed.notify_all()

    def back_off(self, seconds: float) -> None:
        """Sends nothing to this host for `seconds` (Retry-After of a 429, RFC 9110 §10.2.3)."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def _wait_for_rate(self, deadline: float, stopped: threading.Event) -> None:
        """Any window of one second holds at most `per_second` requests: the n-th last one is at least a second ago."""
        while True:
            if stopped.is_set():
                raise CapReached("the run was stopped")
            with self._lock:
                if self.sent >= self._requests.at_most:
                    raise CapReached(f"all {self._requests.at_most} {USED_UP}")
                now = time.monotonic()
                full = len(self._sent_at) == self._sent_at.maxlen
                wait = max(self._sent_at[0] + 1.0 - now if full else 0.0, self._not_before - now)
                if wait <= 0:
                    self._sent_at.append(now)
                    self.sent += 1
                    return
            if now + wait > deadline or stopped.wait(wait):
                raise CapReached("stopped, or no permit before the deadline")
