"""The cache as the demo's API uses it: one connection a request, a second to answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pytest_prodcheck.demo.certificates import HOST

SECONDS = 1.0


class CacheError(Exception):
    """The cache gave no answer; the text is that of a usual client."""


@dataclass
class Cache:
    """Where it is, and as whom the API asks."""

    port: int
    user: str
    password: str

    async def ask(self, *command: str) -> str | None:
        """The answer to one command: its text, or None. Raises CacheError."""
        try:
            return await asyncio.wait_for(self._asked(command), SECONDS)
        except TimeoutError:
            raise CacheError(f"Timeout reading from redis at {HOST}:{self.port}") from None
        except OSError as error:
            raise CacheError(f"Error connecting to redis at {HOST}:{self.port}: {error.strerror}") from None

    async def _asked(self, command: tuple[str, ...]) -> str | None:
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            for words in (("AUTH", self.user, self.password), command):
                writer.write(
                    b"*%d\r\n" % len(words)
                    + b"".join(b"$%d\r\n%b\r\n" % (len(one.encode()), one.encode()) for one in words)
                )
                await writer.drain()
                line = (await reader.readline()).decode().rstrip("\r\n")
                if line[:1] in ("-", ""):
                    raise CacheError(f"redis: {line[1:] or 'Connection closed by server.'}")
            if line[:1] != "$":
                return line[1:]
            return None if line == "$-1" else (await reader.readexactly(int(line[1:]))).decode()
        finally:
            writer.close()
