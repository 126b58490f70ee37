"""No secret leaves the process: everything that pytest prints, stores or sends is scrubbed on its way."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.config.redaction.tree import InPlace
from pytest_prodcheck.gate import outcome

_LOG_HANDLERS = ("log_cli_handler", "log_file_handler", "caplog_handler", "report_handler")


NAME = "prodcheck-scrubbing"

_UNCAPTURED = (
    "prodcheck: warning: with -s or --capture=sys, what tests write to the descriptors and what their child processes "
    "print is not scrubbed: secrets can be shown\n"
)


@contextlib.contextmanager
def until_the_end(config: pytest.Config) -> Iterator[None]:
    """Around a whole run: its scrubbing, if it came to that, is nobody's after the block."""
    try:
        yield
    except pytest.UsageError as problem:
        if plugin := config.pluginmanager.get_plugin(NAME):
            plugin.harmless(problem)
        raise
    finally:
        if plugin := config.pluginmanager.get_plugin(NAME):
            plugin.release()


class Scrubbing:
    """Hooks for what does not pass through a test's report."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._factory = logging.getLogRecordFactory()
        logging.setLogRecordFactory(self._record)
        self._nets = [Net(stream, redactor) for stream in (sys.stdout, sys.stderr)]

    def harmless(self, problem: pytest.UsageError) -> None:
        """Scrubs what a usage error says, whoever raised it: pytest prints it when all hooks are done."""
        problem.args = tuple(self._redactor.scrub(str(text)) for text in problem.args)

    def release(self) -> None:
        """The run is over. Exit handlers and objects that are taken down may still print what they know: the streams
        stay scrubbed until the process ends, or another run of it takes them."""
        for net in self._nets:
            net.left = True

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Gives the log record factory back, and writes what capturing still holds before pytest does so unscrubbed."""
        logging.setLogRecordFactory(self._factory)
        captured = config.pluginmanager.get_plugin("capturemanager")
        if captured is not None and captured._global_capturing is not None:
            for stream, text in zip((sys.stdout, sys.stderr), captured.read_global_capture(), strict=True):
                stream.write(self._redactor.scrub(text))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Puts the last net under terminal and logs, which may write elsewhere than to this process's streams."""
        if session.config.getoption("capture") != "fd" and not hasattr(session.config, "workerinput"):
            sys.stderr.write(_UNCAPTURED)
        manager = session.config.pluginmanager
        if reporter := manager.get_plugin("terminalreporter"):
            self._nets.append(Net(reporter._tw._file, self._redactor))
        plugin = manager.get_plugin("logging-plugin")
        for handler in (getattr(plugin, name, None) for name in _LOG_HANDLERS):
            if handler is not None:
                handler.setFormatter(ScrubbedFormatter(handler.formatter or logging.Formatter(), self._redactor))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self) -> Any:
        """A module that cannot be imported shows its locals, too."""
        report = yield
        outcome.scrub(report, self._redactor)
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_to_serializable(self) -> Any:
        """What a worker sends of a report, also what other plugins put on it."""
        data = yield
        self._redactor.scrub_in_place(data)
        return InPlace(_sendable).replace(data)

    @pytest.hookimpl(tryfirst=True)
    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage) -> None:
        """The warnings summary, and what a worker sends of it: the text, the arguments, the source object."""
        text = str(warning_message.message)
        arguments = repr(getattr(warning_message.message, "args", ()))
        if self._redactor.contains(text) or self._redactor.contains(arguments) or _sendable(text) is not text:
            warning_message.message = UserWarning(_sendable(self._redactor.scrub(text)))
        if warning_message.source is not None and self._redactor.contains(repr(warning_message.source)):
            warning_message.source = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excrepr: object) -> None:
        """The traceback of an internal error, before anybody prints or sends it."""
        self._redactor.scrub_in_place(excrepr)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """What a worker hands over at its end."""
        self._redactor.scrub_in_place(getattr(session.config, "workeroutput", {}))

    def _record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """A log record without secrets, also for live logs and --log-file, which no report carries."""
        record = self._factory(*args, **kwargs)
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):  # arguments that do not fit: logging says so itself, with a traceback
            return record
        scrubbed = self._redactor.scrub(text)
        if scrubbed != text:
            record.msg, record.args = scrubbed, None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = self._redactor.scrub(logging.Formatter().formatException(record.exc_info))
        if record.stack_info:
            record.stack_info = self._redactor.scrub(record.stack_info)
        return record


def _sendable(text: str) -> str:
    """The text; half characters, which JSON of a target's may spell, are written out: UTF-8 has none, and a worker
    would die of sending them."""
    if text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text):
        return text
    return text.encode("utf-8", "backslashreplace").decode()


class ScrubbedFormatter(logging.Formatter):
    """Another formatter's lines without secrets: those of `extra` fields, of exceptions, of any format."""

    def __init__(self, formatter: logging.Formatter, redactor: Redactor) -> None:
        super().__init__()
        self._formatter, self._redactor = formatter, redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return self._redactor.scrub(self._formatter.format(record))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._formatter, name)


class Net:
    """Scrubs what is written to a text stream, by whoever holds it: the stream stays the object that it is.

    Text only, write by write: what a child process or `os.write` puts into the descriptor does not pass here.
    """

    def __init__(self, stream: Any, redactor: Redactor) -> None:
        self._stream, self._redactor, self._write = stream, redactor, None
        self.left = False
        """Whether the run that it was made for is over."""
        other = getattr(getattr(stream, "write", None), "__self__", None)
        if isinstance(other, Net):
            if not other.left:
                return
            other.remove()
        try:
            write, stream.write, stream.writelines = stream.write, self.write, self.writelines
        except AttributeError:  # a stream that takes no attributes: it is not one that pytest prints to
            return
        self._write = write

    def write(self, text: str) -> int:
        """Writes the text without secrets."""
        written: int = self._write(self._redactor.scrub(text)) if self._write else 0
        return written

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes all lines, as one text."""
        self.write("".join(lines))

    def remove(self) -> None:
        """Gives the stream its own methods back."""
        if self._write is not None:
            del self._stream.write, self._stream.writelines
            self._write = None
