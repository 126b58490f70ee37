"""The demo's process: `python -m pytest_prodcheck.demo.serve [FAULT]`, started by `stack.Stack` and by nobody else.

It prints one JSON line with the addresses when all is up, and lives as long as its standard input is open: the parent
holds the other end, so that a stop, a crash and SIGKILL of the parent all end it. It removes what it made.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_prodcheck.demo.postgres import Postgres

if TYPE_CHECKING:
    from pytest_prodcheck.demo.system import System

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "database-slots-exhausted": {"max_connections": "20", "superuser_reserved_connections": "3"},
}
"""What a fault must change in the server before it starts."""


def main(fault: str) -> None:
    """Serves the demo with this fault (empty for none) until standard input ends."""
    # until the loop runs, the end of standard input is what ends us: dying here would leave PostgreSQL behind
    signal.signal(signal.SIGTERM, lambda *_: None)
    directory = Path(tempfile.mkdtemp(prefix="prodcheck-demo-"))
    postgres: Postgres | None = None
    try:
        with ThreadPoolExecutor(1) as pool:
            starting = pool.submit(Postgres, SETTINGS.get(fault, {}))
            try:
                # imported while PostgreSQL starts: half a second each
                from pytest_prodcheck.demo import injection, system
            finally:
                postgres = starting.result()
        demo = system.System(postgres, directory)
        injection.inject(fault, demo)
        asyncio.run(_serve(demo))
    finally:
        if postgres is not None:
            postgres.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def _serve(demo: System) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    await demo.run(_announce, ended)


def _announce(addresses: Mapping[str, str]) -> None:
    """The ready line; from here on nobody reads our output."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
