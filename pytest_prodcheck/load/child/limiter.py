"""The cap of requests a second: whoever is early waits, before its time is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import gevent

from pytest_prodcheck.load.child.recorder import Recorder

_BURST = 0.1
"""Seconds whose requests may come at once."""
_SENT = 0.1
"""Seconds after which a request that is cut off had surely been sent."""


class Limiter:
    """Lets `per_second` requests through, in bursts of a tenth of a second."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._next = 0.0
        self.held = 0
        """Requests that had to wait."""

    def take(self) -> float:
        """Waits for this request's turn; when it came, on the clock of `time.perf_counter`."""
        now = perf_counter()
        turn, earliest = self._next, now - _BURST
        if turn < earliest:
            turn = earliest
        self._next = turn = turn + self._interval
        if turn <= now:
            return now
        self.held += 1
        gevent.sleep(turn - now)
        return perf_counter()

    def install(self, recorder: Recorder) -> None:
        """Puts the cap before every request of Locust's two HTTP clients; the recorder takes when each really began,
        and counts those that were cut off."""
        from locust.clients import HttpSession
        from locust.contrib.fasthttp import FastHttpSession

        for session in (HttpSession, FastHttpSession):
            session.request = self._limited(session.request, recorder)  # type: ignore[method-assign]

    def admit(self, begun: Mapping[Any, float]) -> None:
        """Lets a request of any other client wait for its turn, too."""
        if gevent.getcurrent() not in begun:
            self.take()

    def _limited(self, request: Callable[..., Any], recorder: Recorder) -> Callable[..., Any]:
        begun = recorder.begun
        take, current, ended = self.take, gevent.getcurrent, begun.pop

        def limited(session: Any, *arguments: Any, **named: Any) -> Any:
            me = current()
            begun[me] = take()
            try:
                return request(session, *arguments, **named)
            except gevent.GreenletExit:
                if perf_counter() - begun[me] > _SENT:  # else its user woke up just when the run was over
                    recorder.cut += 1
                raise
            finally:
                ended(me, None)

        return limited
