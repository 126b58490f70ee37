"""Logs in the hands of tests: lines in, digest out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.criteria.logs.fold import Folder
from pytest_prodcheck.observe.log import Digest, Origin, Own, Window

NOW = datetime(2026, 11, 29, 10, 10, tzinfo=UTC).timestamp()
WINDOW = Window(NOW - 600, NOW, NOW - 1200, "the rollout", boundary=True)

NOBODY = Own()


def table(**keys: Any) -> LogsTarget:
    """A target with a file."""
    return LogsTarget(**{"file": ("app.log",), **keys})


def digest(
    text: str | bytes, *, window: Window = WINDOW, own: Own = NOBODY, block: int = 1 << 18,
    origin: Origin | None = None, **keys: Any,
) -> Digest:  # fmt: skip
    """What a fold makes of the text, given to it in blocks of so many bytes."""
    raw, folder = text.encode() if isinstance(text, str) else text, Folder(table(**keys), window, own)
    stream = origin or Origin("app.log", facts={"file": "/app.log"})
    for start in range(0, len(raw), block):
        folder.take(stream, raw[start : start + block])
    folder.ends(stream)
    return folder.result()


def codes(found: Digest) -> dict[str, str]:
    """Kind of each group → its code."""
    return {group.kind: group.code for group in found.groups}
