"""What happens to the run itself, beside what its checks find."""

from __future__ import annotations

from dataclasses import dataclass, field

CTRL_C, DEADLINE = "interrupted by Ctrl-C", "run deadline reached"
EXIT_FIRST, MAX_FAIL = "stopped by -x", "stopped by --maxfail"


@dataclass(slots=True)
class Course:
    """What happened to the run itself."""

    started_at: float
    asked: str = ""
    """The environment as it was asked for, a demo's fault included: `demo:table-dropped`."""
    stopped_by: str = ""
    """One of the constants above, `interrupted by SIGTERM`, or `run ended early by pytest.exit (…)`; empty where the
    run came to its end."""
    notes: list[str] = field(default_factory=list)
    died: dict[str, str] = field(default_factory=dict)
    """Check id → the worker that died while running it."""

    setup_only: str = ""
    """`--setup-plan` or `--setup-only`, which execute no test."""

    def stop(self, reason: str) -> None:
        """The run ends before its time; the first reason stays."""
        self.stopped_by = self.stopped_by or reason

    def cut_short(self, executed: int, collected: int) -> str:
        """The line about a run that was stopped: `stopped by -x: 2 of 7 checks executed, 5 checks not executed`."""
        left = collected - executed
        checks = "check" if left == 1 else "checks"
        return f"{self.stopped_by}: {executed} of {collected} checks executed, {left} {checks} not executed"
