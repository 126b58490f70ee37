"""A stand-in for `kubectl port-forward`, for there are no containers to forward to: it says what the real one says."""

from __future__ import annotations

import os
import sys
import textwrap
import time
from pathlib import Path


def kubectl(folder: Path, port: int = 0, *, fails: str = "", hangs: bool = False) -> Path:
    """Puts an executable `kubectl` into `folder`: it writes its process id and arguments beside itself, says that it
    forwards from `port` (or prints `fails` and ends with 1, or says nothing), and stays until it is ended."""
    folder.mkdir(exist_ok=True)
    path = folder / "kubectl"
    path.write_text(
        textwrap.dedent(f"""\
            #!{sys.executable}
            import os, pathlib, sys, time
            here = pathlib.Path(__file__).parent
            (here / "arguments").write_text(" ".join(sys.argv[1:]))
            (here / "pid").write_text(str(os.getpid()))
            if {fails!r}:
                print({fails!r}, file=sys.stderr)
                sys.exit(1)
            if not {hangs!r}:
                print("Forwarding from 127.0.0.1:{port} -> 80", flush=True)
            while True:
                time.sleep(0.1)
            """)
    )
    path.chmod(0o755)
    return path


def ended(folder: Path, within: float = 8.0) -> bool:
    """Whether the stand-in of that folder ends in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            os.kill(int((folder / "pid").read_text()), 0)
        except (ProcessLookupError, ValueError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False
