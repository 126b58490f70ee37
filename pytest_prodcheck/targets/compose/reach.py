"""Published ports with nothing behind them: the host takes the connection, and the container closes it (B44)."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from pytest_prodcheck.observe.containers import PublishedPort

_CONNECT_SECONDS = 1.0
_QUIET_SECONDS = 0.3
"""A server that was asked nothing says nothing for so long; docker's proxy hangs up at once where nobody listens."""
_LOOKS = 2
_MOST = 64


def closed(ports: Iterable[PublishedPort]) -> frozenset[PublishedPort]:
    """Those TCP ports of this machine that nobody behind them serves, at two looks. Nothing is sent to them."""
    known = [port for port in ports if port.protocol == "tcp" and ":" not in port.address][:_MOST]
    if not known:
        return frozenset()
    with ThreadPoolExecutor(min(16, len(known))) as pool:
        answers = pool.map(lambda port: all(_hangs_up(port) for _ in range(_LOOKS)), known)
        return frozenset(port for port, gone in zip(known, answers, strict=True) if gone)


def _hangs_up(port: PublishedPort) -> bool:
    host = "127.0.0.1" if port.address in ("", "0.0.0.0") else port.address
    try:
        with socket.create_connection((host, port.host), _CONNECT_SECONDS) as connection:
            connection.settimeout(_QUIET_SECONDS)
            return connection.recv(1) == b""
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    except OSError:
        return False
