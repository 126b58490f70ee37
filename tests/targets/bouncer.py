"""A real PgBouncer before a server, where Debian's package is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from pytest_prodcheck.demo.postgres import Postgres

BINARY = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextlib.contextmanager
def before(server: Postgres, folder: Path, **settings: str) -> Iterator[int]:
    """The port of a PgBouncer that knows `reader` and the server's superuser; `stats` may read its console."""
    if BINARY is None:
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    users = {"reader": "reader", "stats": "stats", server.superuser: server.password}
    (folder / "users.txt").write_text("".join(f'"{name}" "{password}"\n' for name, password in users.items()))
    options: Mapping[str, str] = {
        "listen_addr": "127.0.0.1", "listen_port": str(port), "unix_socket_dir": "", "auth_type": "scram-sha-256",
        "auth_file": str(folder / "users.txt"), "stats_users": "stats", "pool_mode": "transaction",
        "default_pool_size": "2", "logfile": str(folder / "log"), **settings,
    }  # fmt: skip
    lines = ["[databases]", f"* = host={server.host} port={server.port}", "[pgbouncer]"]
    (folder / "pgbouncer.ini").write_text("\n".join([*lines, *(f"{key} = {value}" for key, value in options.items())]))
    command = [BINARY, str(folder / "pgbouncer.ini")]
    if os.geteuid() == 0:
        for path in (folder, *folder.parents):
            if path.stat().st_uid == 0 and path != Path(path.anchor) and path != Path("/tmp"):
                path.chmod(path.stat().st_mode | 0o055)
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "nobody")
        command[1:1] = ["-u", "nobody"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _listens(port, folder)
        yield port
    finally:
        process.kill()
        process.wait(10)


def _listens(port: int, folder: Path) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    log = folder / "log"
    raise RuntimeError(f"pgbouncer did not start: {log.read_text() if log.exists() else 'no log'}")
