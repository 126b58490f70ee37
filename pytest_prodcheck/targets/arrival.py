"""When a request went out and when its answer's bytes arrived, as near to the kernel as Python gets.

Between a byte's arrival and the moment at which a thread learns of it lie the scheduler and the interpreter lock: with
fifty requests in flight that is milliseconds, which are ours and not the server's. Linux stamps what it receives
(socket(7), SO_TIMESTAMPNS); elsewhere, and under TLS, a byte has arrived when it was read.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_SO_TIMESTAMPNS = 35
"""`include/uapi/asm-generic/socket.h`; the socket module has no name for it."""
_TIMEVAL = struct.Struct("@ll")
_TIMESPEC = struct.Struct("@ll")
_SPACE = socket.CMSG_SPACE(_TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0
_SLACK_SECONDS = 0.05
_OLDEST_SECONDS = 60.0
"""A stamp that is older, or of the future, tells of a clock that was set meanwhile."""


class StampedSocket(socket.socket):
    """A stream socket that knows when what was read from it arrived; on the clock of `time.perf_counter`."""

    __slots__ = ("_allowed", "_stamps", "departure", "first_arrival", "last_arrival")

    def __init__(self, family: int, kind: int) -> None:
        super().__init__(family, kind)
        self._stamps, self._allowed = False, 0.0
        self.forget()
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                self.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
                self._stamps = True

    def forget(self) -> None:
        """The next exchange begins."""
        self.departure = self.first_arrival = self.last_arrival = 0.0

    def allow(self, seconds: float) -> None:
        """Lets each read and write take so long, and no system call is spent on what changes next to nothing.

        Linux itself keeps the time (socket(7), SO_RCVTIMEO): Python would first ask it whether there is something to
        read, and wait for the interpreter lock between that and the reading.
        """
        if abs(self._allowed - seconds) <= _SLACK_SECONDS:
            return
        self._allowed = seconds
        self.settimeout(None if self._stamps else seconds)
        if self._stamps:
            limit = _TIMEVAL.pack(int(seconds), int(seconds % 1 * 1e6))
            self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
            self.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        """As `socket.sendall`, which asks the kernel first whether it may send, and waits for the interpreter lock
        between that and the sending: here the bytes go out at once, as far as the kernel takes them."""
        rest = memoryview(data)
        if self._stamps and not flags:
            self.departure = self.departure or time.perf_counter()
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(self.fileno(), rest) :]
        self.departure = self.departure or time.perf_counter()
        if rest:
            try:
                super().sendall(rest, flags)
            except BlockingIOError as late:
                raise TimeoutError("timed out") from late

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """As `socket.recv_into`; remembers when the bytes arrived."""
        age = 0.0
        if self._stamps and not nbytes:
            try:
                size, ancillary, _, _ = self.recvmsg_into([buffer], _SPACE, flags)
            except BlockingIOError as late:
                raise TimeoutError("timed out") from late
            for _, kind, stamp in ancillary:
                if kind == _SO_TIMESTAMPNS and len(stamp) == _TIMESPEC.size:
                    seconds, nanoseconds = _TIMESPEC.unpack(stamp)
                    age = (time.time_ns() - seconds * 1_000_000_000 - nanoseconds) / 1e9
        else:
            size = super().recv_into(buffer, nbytes, flags)
        self.last_arrival = time.perf_counter() - (age if 0.0 <= age < _OLDEST_SECONDS else 0.0)
        self.first_arrival = self.first_arrival or self.last_arrival
        return size
