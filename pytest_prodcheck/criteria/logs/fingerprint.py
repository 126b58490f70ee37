"""What makes two records the same: the class of the exception, its words without what differs, the last own frame."""

from __future__ import annotations

import hashlib
import re

from pytest_prodcheck.config.redaction.patterns import scrub_patterns

_VARIES = re.compile(
    r"(?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)"
    r"|(?P<mail>[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,5})"
    r"|(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)"
    r"|(?P<address>\b(?:\d{1,3}\.){3}\d{1,3}\b(?::\d{2,5})?)"
    r"|(?P<hex>\b0x[0-9a-fA-F]+\b|\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b)"
    r"|(?P<number>(?<![\w.])(?<!SQLSTATE )(?<!SQLSTATE: )-?\d+(?:\.\d+)?"
    r"(?:(?=(?:ms|s|us|ns|kb|mb|gb|m|h|d)\b)|(?![\w.])))",
)
_STATUS = re.compile(r"[45]\d\d")
_SEGMENT = re.compile(r"(?<=/)(?:\d+|[0-9a-fA-F-]{16,}|[A-Za-z0-9_-]{24,})(?=/|$)")
_LONGEST = 300


def normalised(message: str) -> str:
    """The first line of a message with what differs from time to time replaced: ids, times, addresses, numbers; not
    statuses (500), SQLSTATEs (28P01) or codes (P2024). Credentials are masked, as long as they can be told by what
    stands around them. At most 300 characters."""
    first = scrub_patterns(message.strip().partition("\n")[0][:2000])
    return _VARIES.sub(_placed, first)[:_LONGEST]


def _placed(found: re.Match[str]) -> str:
    kind = found.lastgroup or ""
    if kind == "number" and _STATUS.fullmatch(found[0]):
        return found[0]
    return f"<{kind}>"


def route(method: str, path: str) -> str:
    """A route without the ids in its path: `GET /api/tasks/<id>`."""
    return f"{method} {_SEGMENT.sub('<id>', path)}".strip()[:200]


def of(*parts: str) -> str:
    """Twelve hexadecimal digits that stand for the parts; the same in every run."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:12]
