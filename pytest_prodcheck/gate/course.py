"""What happens to the run itself, beside what its checks find."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Course:
    """What happened to the run itself."""

    started_at: float
    stopped_by: str = ""
    """`-x`, `Ctrl-C`, `SIGTERM`, `the deadline`, `pytest.exit`; empty where it ran to its end."""
    notes: list[str] = field(default_factory=list)
    died: dict[str, str] = field(default_factory=dict)
    """Check id → the worker that died while running it."""
