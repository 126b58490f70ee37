"""What another run saw of the same environment, from inside its cluster: plain data, read from its `verdict.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Seen:
    """The readiness of one target, as that run saw it."""

    ready: bool
    code: str = ""
    """The cause code; empty where it was ready."""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Vantage:
    """That run."""

    started_at: str
    targets: Mapping[str, Seen] = field(default_factory=dict)
