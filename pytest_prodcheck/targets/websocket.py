"""A WebSocket (RFC 6455) in one thread, on a connection that stands: every wait ends at a deadline.

The library's own client reads in a thread of its own while ours writes. Over TLS both use one `SSLSocket`, which is no
safe thing to do: about one handshake of 300 hung or broke. Its protocol without I/O does the same here, in one thread.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from socket import socket

    from websockets.exceptions import ConnectionClosed
    from websockets.protocol import Event

MESSAGE_AT_MOST: Final = 1024 * 1024
"""Bytes of one message, all its fragments together."""
ANSWER_AT_MOST: Final = 2 * 1024 * 1024
"""Bytes of the answer to a handshake. The library bounds the head and the body of a refusal by 1 MiB each, but not what
stands between the chunks of a body."""
CLOSE_SECONDS: Final = 1.0
"""How long a server has for its part of the closing handshake."""
QUEUED_AT_MOST: Final = 16 * 1024 * 1024
"""Bytes, and with `_MESSAGES_AT_MOST` messages, that wait to be taken: more is a flood."""
_MESSAGES_AT_MOST: Final = 100_000
_CHUNK: Final = 65536


class Channel:
    """A WebSocket that stands, for one thread, and as a context manager for the time of the block.

    The socket stays its owner's to close.
    """

    def __init__(
        self, stream: socket, url: str, subprotocols: Sequence[str], headers: Mapping[str, str], timeout: float
    ) -> None:
        """Shakes hands within `timeout` seconds, for `url` (ws or wss) on a `stream` that is connected, TLS included;
        each later `send` has as long. No extension is offered: nothing that comes is compressed.

        Raises TimeoutError; of websockets.exceptions InvalidURI, InvalidStatus (with the answer's body),
        NegotiationError for what was chosen and not offered, and InvalidHandshake for any other answer or end.
        """
        from websockets.client import ClientProtocol
        from websockets.typing import Subprotocol
        from websockets.uri import parse_uri

        offered = [Subprotocol(name) for name in subprotocols]
        self._protocol = ClientProtocol(parse_uri(url), subprotocols=offered or None, max_size=MESSAGE_AT_MOST)
        self._stream, self._timeout = stream, timeout
        self._messages: deque[str | bytes] = deque()
        self._fragments, self._is_text = bytearray(), True
        self._unsent, self._pinged, self._queued = bytearray(), b"", 0
        self.flooded = False
        """Whether the server sent more than is kept, and was cut off for it."""
        self._shake_hands(headers, time.monotonic() + timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def subprotocol(self) -> str:
        """What the server chose of what was offered; empty where it chose none."""
        return self._protocol.subprotocol or ""

    def send(self, text: str) -> None:
        """One text message; that the connection broke under it is `recv`'s to tell, behind what the server still said.

        Raises TimeoutError where the server does not take it in time, and websockets.exceptions.ConnectionClosed.
        """
        if not self.open:
            raise self._closed()
        self._protocol.send_text(text.encode())
        self._write(time.monotonic() + self._timeout)

    def recv(self, deadline: float) -> str | bytes:
        """The next message, whole; pings are answered meanwhile. `deadline` is on the monotonic clock.

        Raises TimeoutError, and websockets.exceptions.ConnectionClosed: with the code and the reason of a server that
        closed, and for one that ended the connection or broke the protocol (a message that is too long, text that is
        not UTF-8). What came before is given first.
        """
        while not self._messages:
            if not self.open:
                raise self._closed()
            self._read(deadline)
        message = self._messages.popleft()
        self._queued -= len(message)
        return message

    def ping(self, deadline: float) -> None:
        """One ping (RFC 6455 §5.5.2), and its pong waited for; messages that come meanwhile are kept.

        Raises as `recv` does.
        """
        if not self.open:
            raise self._closed()
        self._pinged = os.urandom(4)
        self._protocol.send_ping(self._pinged)
        self._write(deadline)
        while self._pinged:
            if not self.open:
                raise self._closed()
            self._read(deadline)

    def close(self) -> None:
        """Says goodbye and waits for the server's end of the connection, `CLOSE_SECONDS` at most. Never raises."""
        from websockets.frames import CloseCode

        deadline = time.monotonic() + CLOSE_SECONDS
        with contextlib.suppress(OSError):
            if self.open:
                self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
                self._write(deadline)
            while self._arrived(deadline):
                continue  # RFC 6455 §1.4: what comes after a goodbye is discarded

    @property
    def waiting(self) -> int:
        """How many messages have come that nobody took."""
        return len(self._messages)

    def goodbye(self) -> int:
        """Says goodbye, and gives the code by which the server answers it within `CLOSE_SECONDS`: 1005 for a close
        without one, 1006 where it only ends the connection, or does not even that (RFC 6455 §7.1.5). Never raises."""
        from websockets.frames import CloseCode

        deadline = time.monotonic() + CLOSE_SECONDS
        with contextlib.suppress(OSError):
            if self.open:
                self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
                self._write(deadline)
            while self._protocol.close_rcvd is None and (data := self._arrived(deadline)):
                self._protocol.receive_data(data)
                self._protocol.events_received()
        answered = self._protocol.close_rcvd
        return answered.code if answered else CloseCode.ABNORMAL_CLOSURE

    @property
    def open(self) -> bool:
        """Whether neither end has said goodbye."""
        from websockets.protocol import State

        return self._protocol.state is State.OPEN

    def _shake_hands(self, headers: Mapping[str, str], deadline: float) -> None:
        from websockets.exceptions import SecurityError
        from websockets.protocol import State

        request = self._protocol.connect()
        request.headers.update(headers)
        self._protocol.send_request(request)
        self._write(deadline)
        size = 0
        while self._protocol.state is State.CONNECTING and self._protocol.handshake_exc is None:
            if size > ANSWER_AT_MOST:
                raise SecurityError(f"the answer to the handshake has more than {ANSWER_AT_MOST} bytes")
            size += self._read(deadline)
        if self._protocol.handshake_exc:
            raise self._protocol.handshake_exc

    def _closed(self) -> ConnectionClosed:
        self._protocol.receive_eof()  # both have said what there was to say: nothing more is waited for
        return self._protocol.close_exc

    def _read(self, deadline: float) -> int:
        """Takes in what came, answers it, and says how many bytes it was; 0 at the end of the connection."""
        try:
            data = self._arrived(deadline)
        except TimeoutError:
            raise
        except OSError:  # a reset, an alert of TLS
            data = b""
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._keep(self._protocol.events_received())
        self._write(deadline)
        return len(data)

    def _keep(self, events: Iterable[Event]) -> None:
        from websockets.frames import Frame, Opcode

        for event in events:
            if isinstance(event, Frame) and event.opcode is Opcode.PONG and event.data == self._pinged:
                self._pinged = b""
            if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                if event.opcode is not Opcode.CONT:
                    self._is_text = event.opcode is Opcode.TEXT
                self._fragments += event.data
                if event.fin:
                    self._join()

    def _join(self) -> None:
        from websockets.frames import CloseCode

        message, self._fragments = bytes(self._fragments), bytearray()
        try:
            self._messages.append(message.decode() if self._is_text else message)
            self._queued += len(message)
        except UnicodeDecodeError:
            self._protocol.fail(CloseCode.INVALID_DATA, "not UTF-8")
        if self._queued > QUEUED_AT_MOST or len(self._messages) > _MESSAGES_AT_MOST:
            self.flooded = True
            self._protocol.fail(CloseCode.POLICY_VIOLATION, "too many messages at once")

    def _arrived(self, deadline: float) -> bytes:
        """What comes next; empty at the end of the connection. Raises TimeoutError, and OSError for a broken one."""
        self._stream.settimeout(_left(deadline))
        return self._stream.recv(_CHUNK)

    def _write(self, deadline: float) -> None:
        """Sends what the protocol wants sent; what is left at the deadline goes first the next time.

        Raises TimeoutError. How a broken connection ended, the next read tells.
        """
        self._unsent += b"".join(self._protocol.data_to_send())
        try:
            while self._unsent:
                self._stream.settimeout(_left(deadline))
                del self._unsent[: self._stream.send(self._unsent)]
        except TimeoutError:
            raise
        except OSError:
            self._unsent.clear()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline has passed")
    return left
