"""What kind of error a request ended in, in the words of `observe.observation.ERROR_CLASSES`."""

from __future__ import annotations

import re
import socket
import ssl

from pytest_prodcheck.load.child.wording import shortened

_BY_TEXT = (
    ("refused", "tcp.refused"),
    ("timed out", "timeout"),
    ("timeout", "timeout"),
    ("name or service not known", "dns.not_found"),
    ("name resolution", "dns.not_found"),
    ("certificate verify failed", "tls.untrusted"),
    ("certificate", "tls.untrusted"),
    ("ssl", "tls.protocol"),
    ("reset", "tcp.reset"),
    ("closed", "tcp.reset"),
    ("remote end", "tcp.reset"),
    ("broken pipe", "tcp.reset"),
    ("unreachable", "tcp.unreachable"),
)


_READ = 4000
_REASONS = re.compile(
    rb"P20(?:24|34)|P10\d\d|PoolTimeout|QueuePool limit|couldn't get a connection after|too many clients already"
    rb"|Timed out fetching a new connection|remaining connection slots|too many connections for role|lock timeout"
    rb"|deadlock detected|statement timeout"
)
"""What an answer 5xx may say of its reason: a closed list, so that bodies do not make new classes."""


def classified(exception: BaseException, status: int, body: object = b"") -> tuple[str, str]:
    """Kind and message; of an undeclared status the status is the message, so that URLs do not make new classes, with
    the reason that a 5xx names."""
    if type(exception).__name__ == "CatchResponseError":
        return "assertion", shortened(str(exception))
    if status >= 500 and isinstance(body, bytes) and (found := _REASONS.search(body[:_READ])):
        return "status", f"{status} {found[0].decode()}"
    if status >= 100:
        return "status", str(status)
    for one in _chain(exception):
        if kind := _by_type(one):
            return kind, shortened(str(one))
    text = str(exception).lower()
    kind = next((kind for words, kind in _BY_TEXT if words in text), "exception")
    return kind, shortened(f"{type(exception).__name__}: {exception}")


def _chain(exception: BaseException) -> list[BaseException]:
    """The exception with what it wraps: in its arguments, its `reason`, its cause."""
    found: list[BaseException] = []
    pending: list[object] = [exception]
    while pending and len(found) < 8:
        one = pending.pop(0)
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            pending += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return found


def _by_type(exception: BaseException) -> str:
    if isinstance(exception, ConnectionRefusedError):
        return "tcp.refused"
    if isinstance(exception, socket.gaierror):
        return "dns.not_found"
    if isinstance(exception, ssl.SSLCertVerificationError):
        return "tls.untrusted"
    if isinstance(exception, TimeoutError) or type(exception).__name__ in ("Timeout", "ReadTimeout", "ConnectTimeout"):
        return "timeout"
    if isinstance(exception, ConnectionResetError | BrokenPipeError):
        return "tcp.reset"
    return ""
