"""What all promises over readings share: a finding in words, and what could not be read."""

from __future__ import annotations

from pytest_prodcheck.config import grammar
from pytest_prodcheck.observe.cache import Reading
from pytest_prodcheck.observe.finding import Finding, Severity

NOT_VISIBLE, UNREAD = "cache.stats.not_visible", "cache.stats.unread"


def found(
    criterion: str, target: str, message: str, code: str, *, seen: object = "", promised: object = "",
    subject: str = "", severity: Severity = "error", **data: object,
) -> Finding:  # fmt: skip
    """One finding."""
    return Finding(
        criterion, target, message, code, severity, str(seen), "" if promised is None else str(promised), subject,
        data=data,
    )  # fmt: skip


def broken(limit: object, number: float | None) -> bool:
    """Whether a limit that is judged does not hold for what was seen."""
    comparison = grammar.comparison(limit) if isinstance(limit, str) else None
    return comparison is not None and number is not None and not comparison.holds(number)


def unread(reading: Reading | None, criterion: str, target: str) -> list[Finding]:
    """What could not be read is not judged: blocked where our reader may not, insufficient where it did not come."""
    if reading is None or not (reading.nodes or reading.unread):
        return [_unread(criterion, target, "", "no reading was made")]
    return [_unread(criterion, target, address, said) for address, said in list(reading.unread.items())[:3]]


def refused(criterion: str, target: str, said: str, what: str, subject: str = "") -> Finding:
    """The finding of something that our reader may not ask."""
    message = f"{what} cannot be judged: our reader may not ask ({said})"
    return found(criterion, target, message, NOT_VISIBLE, seen=said, subject=subject, severity="blocked")


def silent(criterion: str, target: str, what: str, severity: Severity = "insufficient", subject: str = "") -> Finding:
    """The finding of something that the server does not say."""
    message = f"{what} cannot be judged: the server does not say it"
    return found(criterion, target, message, NOT_VISIBLE, seen="not said", subject=subject, severity=severity)


def lost(criterion: str, target: str, said: str, what: str, subject: str = "") -> Finding:
    """The finding of something that did not come."""
    message = f"{what} could not be read: {said}"
    return found(criterion, target, message, UNREAD, seen=said, subject=subject, severity="insufficient")


def _unread(criterion: str, target: str, address: str, said: str) -> Finding:
    if said.startswith("NOPERM") or "unknown command" in said:
        return refused(criterion, target, said, f"INFO of {address}")
    return lost(criterion, target, said, f"INFO of {address}".removesuffix(" of "))
