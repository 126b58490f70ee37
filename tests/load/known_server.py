"""A server whose latencies are known: it waits as a plan says, and writes down how long each answer really took.

    python known_server.py PLAN.json        prints its port; writes PLAN.json.seen when its standard input ends

The plan has `delays` (seconds, taken in turn), `statuses` (taken in turn), and `freeze` (begin and end, seconds after
the first request, in which nothing is answered).
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from time import monotonic
from typing import Any


class Server:
    """Answers in turn."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.delays, self.statuses = plan.get("delays", [0.0]), plan.get("statuses", [200])
        self.freeze = plan.get("freeze", [0.0, 0.0])
        self.first = 0.0
        self.count = 0
        self.seen: list[tuple[float, float, int, str, int]] = []
        """Arrival after the first one, seconds that the answer took, status, method and path, number."""

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
                if length.strip():
                    await reader.readexactly(int(length))
                await self.answer(head, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def answer(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        """One answer."""
        arrived = monotonic()
        self.first = self.first or arrived
        number, self.count = self.count, self.count + 1
        delay, status = self.delays[number % len(self.delays)], self.statuses[number % len(self.statuses)]
        begin, end = self.freeze
        if begin <= arrived - self.first < end:
            await asyncio.sleep(self.first + end - monotonic())
        if delay:
            await asyncio.sleep(delay)
        if status:
            writer.write(b"HTTP/1.1 %d X\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok" % status)
            await writer.drain()
        else:
            writer.close()
        path = head.split(b" HTTP", 1)[0].decode("latin-1")
        self.seen.append((arrived - self.first, monotonic() - arrived, status, path, number))


async def main(file: Path) -> None:
    """Serves until standard input ends."""
    server = Server(json.loads(file.read_text()))
    listening = await asyncio.start_server(server.connection, "127.0.0.1", 0, backlog=1000)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    file.with_suffix(".seen").write_text(json.dumps(server.seen))
    listening.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
