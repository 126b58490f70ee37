"""A server of known latency for the benchmarks: it answers each request after a fixed delay and keeps its own times.

    python benchmarks/server.py DELAY_MS        prints its port, then serves until its standard input closes

`GET /times` gives the true p50 and p95 of what was answered, in seconds, as the server measured them.
"""

from __future__ import annotations

import asyncio
import functools
import json
import sys
import time

TIMES: list[float] = []


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Answers the requests of one connection, in order."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            started = time.perf_counter()
            path = head.split(b" ", 2)[1].decode()
            body = times() if path == "/times" else b'{"status": "ok"}'
            if path.startswith("/e/"):
                await asyncio.sleep(delay)
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
            )
            if path.startswith("/e/"):
                TIMES.append(time.perf_counter() - started)
    except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
        writer.close()


def times() -> bytes:
    """Nearest-rank p50 and p95 of the delayed answers so far; forgets them."""
    ordered = sorted(TIMES)
    TIMES.clear()
    found = {"n": len(ordered)}
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        found[name] = ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)] if ordered else 0
    return json.dumps(found).encode()


async def main(delay: float) -> None:
    """Serves on a free port of 127.0.0.1 until standard input closes."""
    answer = functools.partial(serve, delay=delay)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=500)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) / 1000))
