"""A proxy of TCP in front of a host that ends connections: those without traffic, or all that are too old."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from dataclasses import dataclass

_LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Cutting:
    """After how many seconds a connection ends: without traffic, and at all; 0 for never."""

    idle: float = 0.0
    age: float = 0.0

    async def serve(self, listening: socket.socket, upstream: tuple[str, int]) -> None:
        """Takes connections on a bound socket and passes them on."""

        async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                onward, back = await asyncio.open_connection(*upstream)
            except OSError:
                writer.close()
                return
            last = [time.monotonic()]
            began = last[0]
            pumps = [asyncio.create_task(_pump(*pair, last)) for pair in ((reader, back), (onward, writer))]
            while not any(pump.done() for pump in pumps):
                await asyncio.sleep(_LOOK_SECONDS)
                now = time.monotonic()
                if (self.idle and now - last[0] > self.idle) or (self.age and now - began > self.age):
                    break
            for pump in pumps:
                pump.cancel()
            for one in (writer, back):
                one.transport.abort()

        await asyncio.start_server(passed, sock=listening)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, last: list[float]) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            last[0] = time.monotonic()
            writer.write(data)
            await writer.drain()
