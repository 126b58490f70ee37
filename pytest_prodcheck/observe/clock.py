"""Whose clock says what: the `Date` of an answer against ours (RFC 9110 §6.6.1)."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from pytest_prodcheck.observe.observation import Observation


def offset(seen: Observation) -> float | None:
    """Seconds by which the server's clock is ahead of ours; None where its answer has no `Date` of its own: none that
    can be read, or a cache's (`Age`). A `Date` has whole seconds."""
    if "date" not in seen.headers or "age" in seen.headers or not seen.started_at:
        return None
    try:
        said = parsedate_to_datetime(seen.headers["date"])
    except ValueError:
        return None
    return said.replace(tzinfo=said.tzinfo or UTC).timestamp() - seen.started_at - seen.wall
