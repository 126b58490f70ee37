"""Traces of several lines: which lines belong to one, what was raised, and which frame is the program's own.

Python, Node.js, Java and Go print them differently: the innermost frame stands last in Python, first elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PYTHON_HEAD = "Traceback (most recent call last):"
_RAISED = re.compile(
    r"^(?:Caused by: |Uncaught |Unhandled exception: |Exception in thread \"[^\"]{0,80}\" |\[[^\]]{0,40}\] |"
    r"\s?[⨯✖✗❌💥🚨] )*"
    r"(?P<type>(?:[A-Za-z_$][\w$]*(?:\.|::))*[A-Z][\w$]*(?:Error|Exception|Throwable|Failure|Warning|Exit|Interrupt|Timeout|"
    r"Rejection|Invalid|NotFound|Refused|Denied|Group)|[a-z_][\w]*(?:\.[a-z_]\w*)*\.[A-Z]\w+|Error(?=: ))"
    r"(?: \[[A-Z_0-9]{3,60}\])?(?:: ?(?P<told>.*))?$",
    re.MULTILINE,
)
_WITHIN = re.compile(r"\b(?P<type>(?:[A-Z]\w{0,80})?(?:Error|Exception))(?: \[[A-Z_0-9]{3,60}\])?: (?P<told>.*)")
_PANIC = re.compile(r"^(?:panic|fatal error): (?P<told>.*)$", re.MULTILINE)
_PYTHON_FRAME = re.compile(r'^\s*File "(?P<file>[^"]{1,300})", line \d+, in (?P<name>[^\n]{1,200})$', re.MULTILINE)
_NODE_FRAME = re.compile(
    r"^\s*at (?:(?:async )?(?P<name>[^\n(]{1,200}) \()?(?P<file>(?:file://)?[\w@/.\\:+-]{1,300}?):\d+:\d+\)?$",
    re.MULTILINE,
)
_JAVA_FRAME = re.compile(
    r"^\s*at (?:[\w.@-]+/{1,2})?(?P<name>[\w.$<>]{3,300})\((?P<file>[^)\n]{1,200})\)", re.MULTILINE
)
_GO_FRAME = re.compile(r"^(?P<name>[\w./*()\[\]-]{3,300})\([^\n]*\)\n\s+(?P<file>/\S{1,300}\.go):\d+", re.MULTILINE)
_FOREIGN = re.compile(
    r"site-packages|dist-packages|/lib/python3|<frozen |node_modules|node:|internal/|/usr/local/go/|/go/pkg/mod/|"
    r"^runtime\.|^panic$|"
    r"^(?:java|javax|jdk|sun|jakarta|kotlin|scala|org\.springframework|org\.apache|org\.hibernate|io\.netty|reactor|"
    r"com\.zaxxer|com\.sun|org\.postgresql)\b"
)
_CONTINUES = re.compile(
    rb"[ \t}\])|]|Caused by: |Suppressed: |\.\.\. \d+ more|goroutine \d+ \[|created by |exit status |\[signal |"
    rb"During handling of the above|The above exception was|Traceback \(most recent call last\):"
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a trace says: the class that was raised last, its words, the program's own innermost frame."""

    type: str
    told: str
    frame: str


def continues(line: bytes) -> bool:
    """Whether a line can only be a further line of what stands before it."""
    return not line or _CONTINUES.match(line) is not None


def raised_by(line: bytes) -> bool:
    """Whether a line without indentation names an exception: the end of a Python trace, or the head of another."""
    return len(line) < 4000 and _RAISED.match(line.decode("utf-8", "replace")) is not None


def read(text: str) -> Trace | None:
    """The trace in a text; None where there is none. Of chained ones Python's last and Java's root cause count."""
    frames = _frames(text)
    if not frames and _PYTHON_HEAD not in text and not _PANIC.search(text):
        return None
    if panic := _PANIC.search(text):
        return Trace("panic", panic["told"].strip(), _own(frames))
    raised = [found for found in _RAISED.finditer(text) if found["type"]]
    if not raised:
        return Trace("", "", _own(frames)) if frames else None
    chosen = raised[-1] if _PYTHON_HEAD in text or "Caused by: " in text else raised[0]
    return Trace(chosen["type"], (chosen["told"] or "").strip(), _own(frames))


def named_within(text: str, trace: Trace) -> Trace:
    """The trace with the class that its first line names among other words, as `console.error("…", error)` prints it.
    One that names none is an error's by its frames; `console.trace()` says that it is none."""
    head = text.lstrip().partition("\n")[0][:2000]
    if head.startswith("Trace") or _NODE_FRAME.search(text) is None:
        return trace
    found = _WITHIN.search(head)
    return Trace(found["type"], found["told"].strip(), trace.frame) if found else Trace("Error", head, trace.frame)


def heading(text: str) -> Trace | None:
    """A line that names an exception without a trace: `java.net.ConnectException: Connection refused`."""
    found = _RAISED.search(text[:2000])
    return Trace(found["type"], (found["told"] or "").strip(), "") if found and found["told"] else None


def _frames(text: str) -> list[str]:
    """Frames as `file function`, innermost first, without line numbers: a deployment moves lines."""
    if python := [f"{found['file']} {found['name'].strip()}" for found in _PYTHON_FRAME.finditer(text)]:
        return python[::-1]
    if node := [f"{found['file']} {(found['name'] or '').strip()}".strip() for found in _NODE_FRAME.finditer(text)]:
        return node
    if java := [found["name"] for found in _JAVA_FRAME.finditer(text)]:
        return java
    return [f"{found['name']} {found['file']}" for found in _GO_FRAME.finditer(text)]


def _own(frames: list[str]) -> str:
    own = (frame for frame in frames if not any(_FOREIGN.search(part) for part in frame.split()))
    return next(own, frames[0] if frames else "")
