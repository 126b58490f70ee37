"""What stands around a program's lines where something else wrote them down: encodings, prefixes, colours."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

_NO_LEVEL = (
    rb"(?!(?i:trace|debug|info|notice|warn|warning|err|error|severe|crit|critical|fatal|alert|emerg|emergency|d?panic|"
    rb"fail|wrn|ftl|inf|dbg)[:\s])"
)
"""Where a host or a program would stand: a line's own level is no part of a prefix."""
_PREFIXES = (
    re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d) std(?:out|err) (?P<part>[FP])(?::\S{1,20})? "),
    re.compile(rb"[A-Za-z][\w.-]{0,60}[_-]\d{1,4} {0,40}\| "),
    re.compile(
        rb"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d " + _NO_LEVEL + rb"[\w.:-]{1,255} " + _NO_LEVEL + rb"[\w./@-]{2,80}"
        rb"(?:\[\d{1,10}\])?|\d{4}-\d\d-\d\dT[\d:.]{8,15}(?:Z|[+-]\d\d:?\d\d) "
        + _NO_LEVEL
        + rb"[\w.:-]{1,255} "
        + _NO_LEVEL
        + rb"(?:[\w./@-]{2,80}\[\d{1,10}\]|kernel)): "
    ),
)
"""The CRI's envelope (Kubernetes' kubelet-cri-logging), `docker compose logs`, syslog files and journalctl."""
_COLOUR = re.compile(rb"(?:\x1b|#033|\^\[|\\(?:x1b|u001b|033|e))\[[0-9;:?]{0,40}[A-Za-z]")
"""As terminals take them, and as rsyslog (`#033`), `cat -v` and programs that quote them write them down."""
_COLOURED = (b"\x1b", b"#033[", b"^[[", b"\\x1b[", b"\\u001b[", b"\\033[")
_FIRST = 20
"""Lines of which one shows what stands before all of them."""
_UTF8_MARK = b"\xef\xbb\xbf"
_LOOKED_AT = 4000


class Encoding:
    """Turns the blocks of one stream into UTF-8, as far as it was written in something else: UTF-16 is told by its mark
    or by its zeros (Windows writes it), a hole of zeros is what `copytruncate` leaves before a program's next line."""

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None
        self._began = False

    def plain(self, block: bytes) -> bytes:
        """The block without zeros and marks, in UTF-8."""
        if not self._began and block:
            self._began = True
            if name := _wide(block):
                self._decoder = codecs.getincrementaldecoder(name)("replace")
        if self._decoder is not None:
            block = self._decoder.decode(block).encode("utf-8", "replace")
        if b"\0" in block:
            block = block.replace(b"\0", b"")
        return block.replace(_UTF8_MARK, b"") if _UTF8_MARK in block else block


def _wide(block: bytes) -> str:
    """The name of the encoding where characters have two bytes; empty where they have not."""
    head = block[: _LOOKED_AT & ~1]
    feed = {codecs.BOM_UTF16_LE: b"\n\0", codecs.BOM_UTF16_BE: b"\0\n"}.get(head[:2])
    if feed and head.count(feed) == head.count(b"\n"):
        return "utf-16"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if half < 8:
        return ""
    if odd > 0.7 * half and even < 0.1 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and odd < 0.1 * half else ""


def prefix_of(lines: Sequence[bytes]) -> re.Pattern[bytes] | None:
    """What stands before the lines of a stream; None where it is the program's own lines."""
    first = next((line for line in lines[:_FIRST] if line), b"")
    return next((one for one in _PREFIXES if one.match(first)), None)


def joined(lines: list[bytes], prefix: re.Pattern[bytes] | None) -> list[bytes]:
    """The lines, those put together that the CRI has parted: `P` says that the next line goes on."""
    if prefix is not _PREFIXES[0]:
        return lines
    found: list[bytes] = []
    open_ = False
    for line in lines:
        head = prefix.match(line)
        if open_ and head:
            found[-1] += line[head.end() :]
        else:
            found.append(line)
        open_ = head is not None and head["part"] == b"P"
    return found


def goes_on(line: bytes, prefix: re.Pattern[bytes] | None) -> bool:
    """Whether the CRI says that the next line belongs to this one."""
    if prefix is not _PREFIXES[0]:
        return False
    head = prefix.match(line)
    return head is not None and head["part"] == b"P"


def coloured(block: bytes) -> bool:
    """Whether there may be colours in it."""
    return any(mark in block for mark in _COLOURED)


def behind(line: bytes, prefix: re.Pattern[bytes]) -> bytes:
    """The line without the prefix, where it has it."""
    head = prefix.match(line)
    return line[head.end() :] if head else line


def colourless(line: bytes) -> bytes:
    """The line without colours."""
    return _COLOUR.sub(b"", line) if b"[" in line else line
