"""What can stand at a database's address: servers that refuse, swallow, close or answer something else; and a relay."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

HTTP_ANSWER = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


@contextlib.contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a server that does `answer` with each connection, which is kept open afterwards."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    kept.append(client)
                    threading.Thread(target=_quietly, args=(answer, client), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # close() alone leaves accept() waiting, and the port open
            accepting.join()
            for client in kept:
                client.close()


def _quietly(answer: Callable[[socket.socket], None], client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        answer(client)


def swallow(client: socket.socket) -> None:
    """Reads and never says a word, as Redis does with a start-up packet."""
    while client.recv(1024):
        pass


def speak_http(client: socket.socket) -> None:
    """Answers anything as an HTTP server answers garbage."""
    client.recv(1024)
    client.sendall(HTTP_ANSWER)


def close(client: socket.socket) -> None:
    """Hangs up after the first packet."""
    client.recv(1024)
    client.close()


def ask_and_fall_silent(client: socket.socket) -> None:
    """Asks for a clear-text password, as PostgreSQL may, and says nothing more."""
    if client.recv(1024)[4:8] == b"\x04\xd2\x16\x2f":  # SSLRequest
        client.sendall(b"N")
        client.recv(1024)
    client.sendall(b"R\x00\x00\x00\x08\x00\x00\x00\x03")
    swallow(client)


@contextlib.contextmanager
def full_backlog() -> Iterator[int]:
    """A port whose queue is full: the kernel drops further SYN packets, as a firewall does."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


class Relay:
    """Passes connections on to a PostgreSQL, counts the client's turns, and can freeze the answers."""

    def __init__(self, port: int) -> None:
        self.turns: list[bytes] = []
        """The first byte of what the client sent each time after the server had spoken."""
        self.frozen = threading.Event()
        self._port = port

    def __call__(self, client: socket.socket) -> None:
        """Relays one connection."""
        with socket.create_connection(("127.0.0.1", self._port)) as server:
            spoke = threading.Event()
            spoke.set()
            threading.Thread(
                target=_quietly, args=(lambda _: self._back(server, client, spoke), client), daemon=True
            ).start()
            while data := client.recv(1 << 16):
                if spoke.is_set():
                    self.turns.append(data[:1])
                    spoke.clear()
                server.sendall(data)

    def _back(self, server: socket.socket, client: socket.socket, spoke: threading.Event) -> None:
        while data := server.recv(1 << 16):
            spoke.set()
            if not self.frozen.is_set():
                client.sendall(data)
