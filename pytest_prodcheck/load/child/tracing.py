"""Where in its own file a scenario failed: `browse.py:12`."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from pytest_prodcheck.load.child.line import Line
from pytest_prodcheck.load.child.wording import shortened


def place(error: BaseException, trace: TracebackType | None = None) -> str:
    """File and line of the innermost frame that is the scenario's own; of a syntax error, where it stands."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno}"
    frames = traceback.extract_tb(trace or error.__traceback__)
    own = [frame for frame in frames if not _of_a_library(frame.filename)]
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""


def text(error: BaseException) -> str:
    """Class and message, bounded."""
    said = error.msg if isinstance(error, SyntaxError) else error
    return shortened(f"{type(error).__name__}: {said}")


def watch_loading(line: Line, file: str) -> None:
    """Tells of a scenario that cannot be loaded: Locust itself says it in a traceback, and ends."""
    import locust.main

    loading: Any = locust.main
    original = loading.load_locustfile

    def load(path: str) -> Any:
        try:
            return original(path)
        except (Exception, SystemExit) as error:
            line.say_now(unfit="load.scenario.invalid", text=f"{place(error) or Path(file).name}: {text(error)}")
            raise

    loading.load_locustfile = load


def _of_a_library(name: str) -> bool:
    return "site-packages" in name or name.startswith("<") or "/pytest_prodcheck/load/" in name or "/lib/python" in name
