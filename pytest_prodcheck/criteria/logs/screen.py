"""The cheap look at every line: whether it is worth being parsed. What it lets through is decided by the parsers.

Most lines of a log differ from others in their numbers only: what was quiet without its digits is quiet. Of the
others the words are looked at; most words were seen before."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from pytest_prodcheck.criteria.logs import failures

GRAVE = (
    b"error", b"exception", b"traceback", b"fatal", b"panic", b"crit", b"emerg", b"alert", b"severe", b"fail", b"throw",
    b"unhandled", b"refused", b"timed", b"timeout", b"deadlock", b"memory", b"oom", b"space", b"quota", b"awaited",
    b"attribute", b"cannot", b"could", b"module", b"jwk", b"denied", b"unauth", b"invalid", b"expired", b"fallback",
    b"falling", b"jwt", b"degraded", b"killed", b"uncaught", b"smashing", b"terminate", b"instruction",
    b"segfault", b"segmentation", b"econn", b"etimedout", b"enotfound",
    b"enospc", b"erro", b"fata", b"pani", b"fehler", b"erreur", b"schwerwiegend", b"crash", b"exited", b"bug",
    b"sqlstate", b"slow", b"retry", b"retries", b"reconnect", b"attempt", b"corrupt", b"prisma", b"locally",
    b"aborted", *failures.HINTS,
)  # fmt: skip
"""Words of lines that may be judged, or parts of them, in lower case."""
_WHOLE = rf"\A(?:err|eror|ftl|{'|'.join(failures.WORDS)})\Z".encode()
"""Short names of levels, and others that are parts of many words."""
PRIVATE = (
    b"eyj", b"passw", b"pwd", b"secret", b"token", b"bearer", b"private", b"apikey", b"api_key", b"akia", b"ghp",
    b"glpat", b"sk_live", b"xox", b"authorization", b"cookie", b"card", b"iban",
)  # fmt: skip
"""Words beside credentials and personal data."""
FOREIGN = tuple(word.encode() for word in ("ОШИБКА", "ВАЖНО", "ПАНИКА", "エラー", "错误"))
"""PostgreSQL's own, as `lc_messages` has them, in other letters."""
_DIGITS = b"0123456789"
_WORD = re.compile(rb"[a-z_]{3,}")
_PARTED = bytes(
    code + 32 if 65 <= code <= 90 else code if 97 <= code <= 122 or code == 95 else 32 for code in range(256)
)
"""A line's bytes as words in lower case with spaces between them: with `split` a fifth of what a pattern costs."""
_STATUS = re.compile(
    rb"5\d\d(?:(?<=[\"=|dse:>-] 5..)(?![\w.:]| \d+\.\d+ \[)|(?<=[:=\"]5..)(?:\.0)?(?![\w.:])|"
    rb"(?<= 5..)(?= (?:in )?[\d.]+ ?ms\b)|(?<=/\d 5..)|(?<=/\d\d 5..)|(?<=/\d\d\d 5..)|(?<=/\d\.\d 5..)|"
    rb"(?<=\d 5..)(?= (?:\d\d\d|-) \d+ \d+ \"))"
)
"""A status 5xx, and no length of a request, where ingress-nginx says it. It begins with a literal, which is found
quickly."""
_LEVEL = re.compile(
    rb"\"(?:(?:level|severity|lvl|s|LEVEL|Level)\\?\" ?: ?\\?\"?(?:[56]0|[5-8][05]0|[EFC])\b"
    rb"|level\\?\" ?: ?\\?\"?[0-3]\b"
    rb"|(?:PRIORITY\\?\" ?: ?\\?\"?[0-3]|[Ss]everity_?[Nn]umber\\?\" ?: ?\\?\"?(?:1[7-9]|2[0-4]))\b)"
)
"""Levels of errors that are numbers or letters: pino's, bunyan's, Google's, MongoDB's, journald's, OpenTelemetry's."""
_STARTS = (b"[E ", *failures.STARTS)
_INDENTED = (b" ", b"\t")
_WORDED = re.compile(rb"\"level\":\"[a-z]")
_TOOK = re.compile(rb"duration: (\d+\.?\d*) ms|\"query_execution_time\": ?(\d+\.?\d*)")
_LINES, _LONGEST, _WORDS = 20_000, 400, 50_000
"""How many quiet lines, and how many words, are remembered, and how long such a line is: together less than 15 MB."""


def _grave(line: bytes) -> bool:
    """Whether a JSON object has such a level; of most the level is a word in lower case, which is seen at once."""
    return _WORDED.search(line) is None and _LEVEL.search(line) is not None


class Screen:
    """Remembers what is quiet."""

    def __init__(
        self, words: Sequence[bytes] = (), patterns: Sequence[Callable[[str], bool]] = (), slow: float | None = None
    ) -> None:
        """`words`: further ones that let a line through, in lower case; `patterns` are tried on each line; statements
        that took `slow` seconds are let through."""
        plain = [word for word in words if _WORD.fullmatch(word)]
        needles = [_WHOLE, *sorted(set(map(re.escape, (*GRAVE, *PRIVATE, *plain))))]
        self._needles = re.compile(b"|".join(needles))
        self._texts = [word for word in words if word not in plain]
        self._patterns, self._slow = patterns, slow
        self._quiet: set[bytes] = set()
        self._quiet_words: set[bytes] = set()

    def lets_through(self, line: bytes) -> bool:
        """Whether the line, without the platform's time and without colours, may be judged."""
        if (b" 5" in line or b":5" in line or b"=5" in line or b'"5' in line) and _STATUS.search(line):
            return True
        if (b"{" in line or line[:1] in _INDENTED) and _grave(line):
            return True
        if line[:1] == b"<" and line[1:2].isdigit():
            return True
        if self._slow is not None and (b"duration: " in line or b"query_execution_time" in line) and self._took(line):
            return True
        if self._patterns and any(found(line.decode("utf-8", "replace")) for found in self._patterns):
            return True
        bare = line.translate(None, _DIGITS)
        if bare in self._quiet:
            return False
        if (
            b"@" in bare
            or (bare[:2] in (b"E ", b"F ") and line[1:2].isdigit())
            or bare.startswith(_STARTS)
            or b"sh: " in bare[:16]
            or self._speaks(line)
        ):
            return True
        if len(self._quiet) < _LINES and len(bare) < _LONGEST:
            self._quiet.add(bare)
        return False

    def _speaks(self, line: bytes) -> bool:
        words = line.translate(
            _PARTED
        ).split()  # with its digits: without them ids would run together to ever new words
        if not self._quiet_words.issuperset(words):
            new = [word for word in words if word not in self._quiet_words]
            if any(self._needles.search(word) for word in new):
                return True
            if len(self._quiet_words) < _WORDS and len(line) < _LONGEST * 4:
                self._quiet_words.update(new)
        if not line.isascii() and any(word in line.lower() for word in FOREIGN):
            return True
        return bool(self._texts) and any(text in line.lower() for text in self._texts)

    def _took(self, line: bytes) -> bool:
        found = _TOOK.search(line)
        if found is None or self._slow is None:
            return False
        return (float(found[1]) / 1000 if found[1] else float(found[2])) >= self._slow
