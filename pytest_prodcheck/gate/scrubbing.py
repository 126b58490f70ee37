"""No secret leaves the process: everything that pytest prints, stores or sends is scrubbed on its way."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.gate.judging import scrub_report


class Scrubbing:
    """Hooks for what does not pass through a test's report."""

    def __init__(self, redactor: Redactor, refresh: Callable[[], None]) -> None:
        self._redactor, self._refresh = redactor, refresh
        self._factory = logging.getLogRecordFactory()
        logging.setLogRecordFactory(self._record)

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Gives the log record factory back."""
        del config
        logging.setLogRecordFactory(self._factory)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Puts the last net under the terminal: whatever is written there, by whomever."""
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            writer = reporter._tw
            writer._file = ScrubbedStream(writer._file, self._redactor)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Any:
        """A module that cannot be imported shows its locals, too."""
        report = yield
        scrub_report(report, self._redactor)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """The warnings summary, and what a worker sends of it."""
        text = str(warning_message.message)
        scrubbed = self._redactor.scrub(text)
        if scrubbed != text:
            category = warning_message.category
            warning_message.message = category(scrubbed) if issubclass(category, Warning) else UserWarning(scrubbed)

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: object) -> None:
        """The traceback of an internal error, before anybody prints or sends it."""
        self._redactor.scrub_in_place(excrepr)

    def _record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """A log record without secrets, also for live logs and --log-file, which no report carries."""
        record = self._factory(*args, **kwargs)
        text = record.getMessage()
        scrubbed = self._redactor.scrub(text)
        if scrubbed != text:
            record.msg, record.args = scrubbed, None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = self._redactor.scrub(logging.Formatter().formatException(record.exc_info))
        return record


class ScrubbedStream:
    """A text stream that scrubs what is written to it, line by line."""

    def __init__(self, stream: Any, redactor: Redactor) -> None:
        self._stream, self._redactor = stream, redactor

    def write(self, text: str) -> int:
        """Writes the text without secrets."""
        written: int = self._stream.write(self._redactor.scrub(text))
        return written

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
