"""How many lines one record has: the frames of its trace, the rows of a statement."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_prodcheck.criteria.logs import traces

MOST = 500
"""Lines of one record at most."""
_TRACEBACK = b"Traceback (most recent call last):"
_BEGINS = frozenset(bytes([code]) for code in b"0123456789{[<")
"""Characters with which lines begin that go on with nothing."""


def end(lines: Sequence[bytes], start: int, bare: Callable[[bytes], bytes]) -> int:
    """The place behind the record that begins at `start`."""
    head, last, place = bare(lines[start]), min(len(lines), start + MOST), start + 1
    quoted = _is_csv(head) and head.count(b'"') % 2
    if not quoted and (place >= last or bare(lines[place])[:1] in _BEGINS):
        return place
    python, named, go = _TRACEBACK in head, traces.raised_by(head), False
    while place < last:
        line = bare(lines[place])
        if quoted:
            quoted = (quoted + line.count(b'"')) % 2
        elif traces.continues(line):
            go = go or line.startswith(b"goroutine ")
            python, named = (True, False) if line.startswith(_TRACEBACK) else (python, named)
        elif go and line.endswith(b")") and bare(lines[place + 1] if place + 1 < last else b"")[:1] == b"\t":
            pass  # a frame of Go: its file stands on the next line
        elif not named and _begins_trace(line, lines, place, bare, python):
            python, named = False, True
        else:
            break
        place += 1
    return place


def _begins_trace(
    line: bytes, lines: Sequence[bytes], place: int, bare: Callable[[bytes], bytes], python: bool
) -> bool:
    """Whether a line without indentation is the end of a Python trace, or the head of one whose frames follow."""
    if not (line[:1].isalpha() and traces.raised_by(line)):
        return False
    following = bare(lines[place + 1]) if place + 1 < len(lines) else b""
    return python or following.lstrip().startswith((b"at ", b"..."))


def _is_csv(head: bytes) -> bool:
    return head[:4].isdigit() and head[19:32].find(b",") >= 0 and b"-" in head[4:5]
