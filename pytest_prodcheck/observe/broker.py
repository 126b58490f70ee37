"""The broker: how xdist's workers ask the owner, over a local socket that only they can open.

One owner a run holds pool, caps, tokens and snapshots; a worker's call costs one round trip. Nothing of it touches
execnet's stream or the disk. Messages are pickles between our own processes, behind an HMAC with a key of this run.
With every answer come the secrets that the worker does not know yet: it masks them before its test can show them.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, Protocol

from pytest_prodcheck.errors import ProdcheckError


class BrokerClosed(ProdcheckError):
    """The owner is gone: the run ended while a worker was still asking."""


class Answering(Protocol):
    """Anything that answers calls by name."""

    def call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """The method's result; raises what it raises."""
        ...

    def secrets_since(self, known: int) -> Sequence[tuple[str, str]]:
        """Names and values of the secrets that came after the first `known`."""
        ...


_LONGEST_PATH = 100
"""Bytes of a socket's path that every system takes (unix(7): 108 on Linux, 104 on macOS, the last one a NUL)."""


def _short_place() -> str:
    """Where the socket's own directory is made: below TMPDIR, or below /tmp where its path would be too long there."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) + len("/prodcheck-12345678/owner") <= _LONGEST_PATH else "/tmp"


class BrokerServer:
    """The owner's end: a thread a connection, which calls `service` and sends back what came of it."""

    def __init__(self, service: Answering) -> None:
        self._service = service
        self._directory = Path(tempfile.mkdtemp(prefix="prodcheck-", dir=_short_place()))
        self.key = secrets.token_bytes(32)
        family = "AF_UNIX" if os.name == "posix" else "AF_INET"
        address: Any = str(self._directory / "owner") if family == "AF_UNIX" else ("127.0.0.1", 0)
        self._listener = Listener(address, family=family, authkey=self.key, backlog=64)
        self._closed = False
        threading.Thread(target=self._accept, name="prodcheck-broker", daemon=True).start()

    @property
    def address(self) -> Mapping[str, str]:
        """What a worker needs to find us, as builtin strings (it travels in xdist's `workerinput`)."""
        where = self._listener.address
        return {"address": where if isinstance(where, str) else f"{where[0]}:{where[1]}", "key": self.key.hex()}

    def close(self) -> None:
        """Takes no more calls and removes the socket."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._listener.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    def _accept(self) -> None:
        from multiprocessing import AuthenticationError

        while not self._closed:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError, AuthenticationError):
                if self._closed:
                    return
                continue
            threading.Thread(target=self._serve, args=(connection,), name="prodcheck-call", daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with contextlib.suppress(EOFError, OSError), connection:
            while True:
                asked = connection.recv_bytes()
                try:
                    method, arguments, known = pickle.loads(asked)
                    answer = _packed(True, self._service.call(method, arguments))
                except Exception as error:  # noqa: BLE001 - it is raised again where it was asked for
                    answer = _packed(False, error)
                connection.send((answer, known, self._service.secrets_since(known)))


class BrokerClient:
    """A worker's end. Each thread has a connection of its own, so that calls do not wait for each other."""

    def __init__(self, address: Mapping[str, str], learn: Callable[[str, str], None]) -> None:
        """`learn` is given name and value of each of the owner's secrets, from any thread, perhaps more than once."""
        where = address["address"]
        self._address: Any = where if "/" in where else (where.rpartition(":")[0], int(where.rpartition(":")[2]))
        self._key = bytes.fromhex(address["key"])
        self._local = threading.local()
        self._learn, self._known = learn, 0
        self._lock = threading.Lock()

    def call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """The owner's answer, its secrets learnt. Raises what the owner raised, or BrokerClosed when it is gone."""
        try:
            connection = self._connection()
            connection.send((method, arguments, self._known))
            packed, known, news = connection.recv()
        except (EOFError, OSError) as error:
            raise BrokerClosed("the gate's owner process does not answer: the run was stopped") from error
        for name, value in news:
            self._learn(name, value)
        with self._lock:
            self._known = max(self._known, known + len(news))
        done, answer = pickle.loads(packed)
        if not done:
            raise answer
        return answer

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = Client(self._address, authkey=self._key)
        return connection


def _packed(done: bool, answer: object) -> bytes:
    """The answer as a message; what cannot travel becomes an error that says so.

    An exception may be packed and yet not be made again at the other end (an `__init__` of its own): it is tried here.
    """
    try:
        packed = pickle.dumps((done, answer))
        if not done:
            pickle.loads(packed)
    except (pickle.PickleError, TypeError, AttributeError, ValueError, RecursionError):
        kind = type(answer).__name__
        text = f"the owner's answer, a {kind}, cannot be sent to a worker" if done else f"{kind}: {answer}"
        return pickle.dumps((False, ProdcheckError(text)))
    return packed
