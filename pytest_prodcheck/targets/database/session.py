"""A psycopg connection on which nothing waits longer than its deadline, whatever the server does."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.rows import TupleRow

if TYPE_CHECKING:
    from psycopg.abc import RV, PQGen
    from psycopg.pq.abc import PGconn


class Expired(Exception):
    """The client-side deadline passed; the socket is closed."""


class Session(psycopg.Connection[TupleRow]):
    """An autocommit connection: transactions are opened by our own statements, never by psycopg."""

    def __init__(self, pgconn: PGconn) -> None:
        super().__init__(pgconn)
        self._autocommit = True
        self.prepare_threshold = None
        self._end = float("inf")

    def bound(self, timeout: float) -> None:
        """From now on, everything on this connection ends within `timeout` seconds, or raises `Expired`."""
        self._end = time.perf_counter() + max(0.0, timeout)

    def wait(self, gen: PQGen[RV], *arguments: Any, **options: Any) -> RV:
        """psycopg's way to wait for the server, with our deadline. Raises `Expired`."""
        return super().wait(self._until_end(gen), *arguments, **options)

    def hang_up(self) -> None:
        """Closes the socket at once, without a word to the server that could block."""
        with suppress(psycopg.Error):
            self.pgconn.finish()
        self.close()

    def _until_end(self, gen: PQGen[RV]) -> Generator[Any, Any, RV]:
        try:
            wanted = next(gen)
            while True:
                answer = yield wanted  # at least every 0.1 s, also when nothing comes
                if time.perf_counter() > self._end:
                    self.hang_up()
                    raise Expired
                wanted = gen.send(answer)
        except StopIteration as done:
            result: RV = done.value
            return result
