"""What a program prints, within bounds of time and size."""

from __future__ import annotations

import os
import selectors
import subprocess
import time

_READ = 65536


class TooMuch(Exception):
    """A program printed more than it may."""


def heard(process: subprocess.Popen[bytes], seconds: float, most: int) -> tuple[bytes, bytes]:
    """What the program prints until it ends, and the last of what it complains of, each at most `most` bytes.

    Raises TooMuch where it prints more, and subprocess.TimeoutExpired where it has not ended within `seconds`; it still
    runs then.
    """
    deadline = time.monotonic() + seconds
    printed, complained = bytearray(), bytearray()
    with selectors.DefaultSelector() as waiting:
        for pipe, kept in ((process.stdout, printed), (process.stderr, complained)):
            if pipe is not None:
                waiting.register(pipe, selectors.EVENT_READ, kept)
        while waiting.get_map():
            if (left := deadline - time.monotonic()) <= 0:
                raise subprocess.TimeoutExpired(process.args, seconds)
            for key, _ in waiting.select(left):
                read = os.read(key.fd, _READ)
                key.data.extend(read)
                if not read:
                    waiting.unregister(key.fileobj)
            if len(printed) > most:
                raise TooMuch
            del complained[:-most]
    process.wait(max(0.0, deadline - time.monotonic()))
    return bytes(printed), bytes(complained)
