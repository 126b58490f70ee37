"""A program that ends with whoever started it: `python -m pytest_prodcheck.targets.tether PROGRAM ARGUMENT …`.

Its standard input is the tether: whatever ends the run, Ctrl-C, a crash, SIGKILL, closes it, and that ends the program.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence

_PATIENCE_S = 2.0


def main(command: Sequence[str]) -> int:
    """Runs `command` until it ends by itself, or until standard input does; its exit status, 127 where it is not
    there."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)  # noqa: T201  read by who started us
        return 127
    threading.Thread(target=_hold, args=(process,), daemon=True).start()
    return process.wait()


def _hold(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        pass
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))  # the thread may still be reading
