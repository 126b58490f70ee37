"""When two findings of two runs are the same one, whatever figures and moments their messages hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_RANK: Mapping[str, int] = {"warning": 1, "insufficient": 2, "blocked": 3, "error": 4}
_POD = re.compile(r"(?:-[bcdfghjklmnpqrstvwxz2456789]{6,10}|-\d{8,})?-[bcdfghjklmnpqrstvwxz2456789]{5}$")
"""What Kubernetes appends to a workload's name; its alphabet has neither vowels nor 0, 1, 3."""
_VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b(?=[0-9a-f]*\d)[0-9a-f]{7,64}\b"
    r"|\d+(?:[.,]\d+)*\s?(?:ms|s|m|h|d|%|kB|MB|GB|KiB|MiB|GiB)?(?!\w)|\d+"
)


def key(row: Mapping[str, Any], check: str) -> tuple[str, str, str]:
    """Target, code, and the thing: where a finding names none, or its code says nothing, its check stands for it."""
    subject, code = str(row["subject"]), str(row["code"])
    if code.startswith("cluster."):
        subject = _POD.sub("", subject)
    nameless = not subject or code == "unknown"
    return str(row["target"]), code, f"{check} {subject}".strip() if nameless else subject


def skeleton(text: str) -> str:
    """The text with every figure, moment and hexadecimal id taken out."""
    return _VOLATILE.sub("#", text[:2000])


def alike(promised: str, message: str, promised_then: str, message_then: str) -> bool:
    """Whether they say the same: the same promise, or the same words. Two promises of one thing are two findings."""
    same_promise = bool(promised) and skeleton(promised) == skeleton(promised_then)
    return same_promise or skeleton(message) == skeleton(message_then)


def worse(now: str, then: str) -> bool:
    """Whether a severity is graver than it was: what was a warning and is an error now is not known."""
    return _RANK.get(now, 4) > _RANK.get(then, 0)
