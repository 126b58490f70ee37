"""Every request of this process as one row of seven columns: exact, on disk, with bounded memory."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, BinaryIO

from gevent import getcurrent

from pytest_prodcheck.load.child import faults
from pytest_prodcheck.observe.load import COLUMNS

ROWS = 4096
"""Rows that are kept before they are written: about 100 kB."""
MOST_NAMES, MOST_ERRORS = 5000, 1000
_MOST_MICROSECONDS = 2**32 - 1
_WINDOW = 20_000
_CALLED = "which the scenario calls a success"
"""A 5xx, and no answer at all, is no right answer, whatever `response.success()` says of it."""
DECLARED = "prodcheck_declared"
"""In the context of a request: its status is one that was declared for it, and a 5xx no error."""


class Recorder:
    """Takes Locust's `request` events; one writer, in the event loop's thread."""

    def __init__(self, folder: Path) -> None:
        """`folder` is this process's own; it is made."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._columns: tuple[array[int], ...] = tuple(array(column["code"]) for column in COLUMNS)
        self._files: tuple[BinaryIO, ...] = tuple(
            (folder / f"{column['name']}.{column['code']}").open("wb", buffering=0) for column in COLUMNS
        )
        self.names: dict[tuple[str, str], int] = {}
        self.errors: dict[tuple[str, str], int] = {("", ""): 0}
        self.base = perf_counter()
        self.lates: dict[Any, int] = {}
        """Greenlet → microseconds by which its next request is later than intended."""
        self.begun: dict[Any, float] = {}
        """Greenlet → when it began the request that is under way."""
        self.ended = self.failed = self.cut = 0
        """Requests that ended, those of them that failed, and those that were cut off without an end."""
        self.window: list[int] = []
        """Microseconds of the answers since the last look, errors apart."""
        self.problem = ""
        self.request = self._listener()

    def _listener(self) -> Callable[..., None]:
        """The listener, with everything that it needs as locals: it is called once a request."""
        names, lates = self.names, self.lates
        starts, late_column, responses, statuses, name_column, errors, sizes = (one.append for one in self._columns)
        held = self._columns[0]

        def request(
            request_type: str,
            name: str,
            response_time: float,
            response_length: int,
            exception: BaseException | None = None,
            response: Any = None,
            context: Any = None,
            **_: object,
        ) -> None:
            now = perf_counter()
            try:
                number = names[(request_type, name)]
            except KeyError:
                number = self._named(request_type, name)
            took = int(response_time * 1000 + 0.5) if response_time else 0
            if took < 0 or took > _MOST_MICROSECONDS:
                took = _MOST_MICROSECONDS if took > 0 else 0
            status = getattr(response, "status_code", 0) or 0
            if not isinstance(status, int):
                status = 0
            error = 0
            if exception is not None:
                error = self._failed(exception, status, getattr(response, "content", b""))
            elif status >= 500 and not (context and DECLARED in context):
                error = self._error(("status", f"{status}, {_CALLED}"))
            elif not status and isinstance(failure := getattr(response, "error", None), BaseException):
                kind, text = faults.classified(failure, 0)
                error = self._error((kind, f"{text}, {_CALLED}"))
            # from here on nothing raises: a row is in all columns, or in none
            starts(int((now - self.base) * 1e6) - took)
            late_column(lates.pop(getcurrent(), 0) if lates else 0)
            responses(took)
            statuses(status if -1 < status < 1000 else 0)
            name_column(number)
            sizes(response_length if response_length and 0 < response_length <= _MOST_MICROSECONDS else 0)
            errors(error)
            self.ended += 1
            if error:
                self.failed += 1
            elif len(self.window) < _WINDOW:
                self.window.append(took)
            if len(held) >= ROWS:
                self.flush()

        return request

    def _named(self, kind: str, name: str) -> int:
        """The id of a name that is new, or that of all others where there are too many."""
        key = (kind, name)
        if len(self.names) >= MOST_NAMES - 1:
            key = ("", "(other names)")
        return self.names.setdefault(key, len(self.names))

    def _failed(self, exception: BaseException, status: int, body: object) -> int:
        return self._error(faults.classified(exception, status, body))

    def _error(self, key: tuple[str, str]) -> int:
        if key not in self.errors and len(self.errors) >= MOST_ERRORS - 1:
            key = ("exception", "(other errors)")
        return self.errors.setdefault(key, len(self.errors))

    def drained(self) -> list[bytes]:
        """The rows that are held, column by column; they are held no more."""
        rows = len(self._columns[-1])
        parts = [column[:rows].tobytes() for column in self._columns]
        for column in self._columns:
            del column[:rows]
        return parts

    def flush(self) -> None:
        """Writes what is held. A disk that is full is told of once; what cannot be written is lost, and counted."""
        for part, file in zip(self.drained(), self._files, strict=True):
            data = memoryview(part)
            try:
                while data:
                    data = data[file.write(data) :]
            except OSError as error:
                self.problem = f"samples could not be written: {error.strerror}"

    def table(self) -> dict[str, Any]:
        """Names and error classes, by id."""
        return {"names": [_shown(*key) for key in self.names], "errors": [list(key) for key in self.errors]}

    def close(self) -> None:
        """The last rows, and the table beside them."""
        self.flush()
        for file in self._files:
            file.close()
        self.write_table()

    def write_table(self) -> None:
        """The table, whole or not at all."""
        beside = self._folder.with_suffix(".part")
        beside.write_text(json.dumps(self.table()), "utf-8")
        beside.replace(self._folder.with_suffix(".json"))


def _shown(kind: str, name: str) -> str:
    return f"{kind} {name}".strip()
