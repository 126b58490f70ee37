"""The cap of requests a second: whoever is early waits, before its time is taken."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

import gevent


class Limiter:
    """Lets `per_second` requests through, in bursts of a tenth of a second."""

    def __init__(self, per_second: float) -> None:
        self._interval = 1.0 / per_second
        self._next = 0.0
        self.held = 0
        """Requests that had to wait."""

    def take(self) -> None:
        """Waits for this request's turn."""
        now = perf_counter()
        self._next = max(self._next, now - 0.1) + self._interval
        if self._next > now:
            self.held += 1
            gevent.sleep(self._next - now)

    def install(self, begun: dict[Any, float]) -> None:
        """Puts the cap before every request of Locust's two HTTP clients; `begun` takes when each really began."""
        from locust.clients import HttpSession
        from locust.contrib.fasthttp import FastHttpSession

        for session in (HttpSession, FastHttpSession):
            session.request = self._limited(session.request, begun)  # type: ignore[method-assign]

    def _limited(self, request: Callable[..., Any], begun: dict[Any, float]) -> Callable[..., Any]:
        take, current, now = self.take, gevent.getcurrent, perf_counter

        def limited(session: Any, *arguments: Any, **named: Any) -> Any:
            take()
            begun[current()] = now()
            try:
                return request(session, *arguments, **named)
            finally:
                begun.pop(current(), None)

        return limited
