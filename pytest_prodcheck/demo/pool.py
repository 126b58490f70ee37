"""The connection pool of the demo's API and GraphQL engine: each request is one transaction as the caller's role."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

Row = tuple[object, ...]
Connection = psycopg.AsyncConnection[Row]
STATEMENT_MILLISECONDS = 2000


class PoolTimeout(psycopg.OperationalError):
    """No connection came free in time; the text is that of psycopg_pool's error of this name."""


class Pool:
    """At most `size` connections, opened when needed; a broken one is thrown away."""

    def __init__(self, dsn: str, name: str, *, size: int = 8, timeout: float = 5.0, hold: float = 0.0) -> None:
        """`hold`: seconds that a connection stays out of the pool beside its use."""
        self.dsn, self.name, self.size, self.timeout, self.hold = dsn, name, size, timeout, hold
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Connection] = []

    @asynccontextmanager
    async def transaction(self, role: str, user: str) -> AsyncIterator[Connection]:
        """A transaction as `role`, with `app.user_id` set to `user`. Raises psycopg.Error."""
        async with self.connection() as connection, connection.transaction():
            await connection.execute(
                "select set_config('role', %s, true), set_config('app.user_id', %s, true)", (role, user)
            )
            yield connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection in autocommit mode, out of the pool while it is used. Raises psycopg.Error."""
        try:
            await asyncio.wait_for(self._slots.acquire(), self.timeout)
        except TimeoutError:
            raise PoolTimeout(f"couldn't get a connection after {self.timeout:.2f} sec") from None
        try:
            connection = self._idle.pop() if self._idle else await self._connect()
            try:
                yield connection
            finally:
                await asyncio.sleep(self.hold)
                if not connection.closed:
                    self._idle.append(connection)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Closes the connections that are not in use."""
        while self._idle:
            await self._idle.pop().close()

    async def _connect(self) -> Connection:
        return await psycopg.AsyncConnection.connect(
            self.dsn,
            autocommit=True,
            application_name=self.name,
            connect_timeout=2,
            options=f"-c statement_timeout={STATEMENT_MILLISECONDS}",
        )
