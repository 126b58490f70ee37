"""The plan: every check that an environment promises, known from the configuration alone.

Workers collect these checks, the owner sends their probes, the controller counts that none was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

ROOT = "prodcheck.toml"
"""The node id under which every shipped check hangs, whatever the file is called and wherever it lies."""


@dataclass(frozen=True, slots=True)
class Check:
    """One shipped check of one environment: a test function of `suites/` and, mostly, one declared thing."""

    suite: str
    function: str
    parameter: str
    """What stands in the brackets of the id; empty for none."""
    target: str
    subject: str = ""
    """Name of the declared thing: endpoint, login, query, user, operation."""
    user: str = ""
    needs: tuple[str, ...] = ()
    """Targets whose readiness it needs, its own first, and `user:NAME` for whom it acts as."""
    severity: str = "error"
    owner: str = ""
    runbook: str = ""
    latency: tuple[str, ...] = ()
    error_rate: str | None = None
    marks: tuple[str, ...] = ()
    """Selection marks that its declaration adds to those of its suite."""
    last: bool = False
    """A limit of a whole target: it runs when all other checks have been observed."""

    @property
    def afterwards(self) -> bool:
        """Whether it looks back on the run: it is asked when everything else was."""
        return self.suite == "logs" or (self.suite == "cache" and self.function in ("test_evicted", "test_hit_ratio"))

    @property
    def id(self) -> str:
        """The node id, as pytest shows and takes it."""
        return f"{ROOT}::{self.suite}::{self.function}" + (f"[{self.parameter}]" if self.parameter else "")

    @property
    def limits(self) -> tuple[str, ...]:
        """Its limits as they are written, rate included."""
        return self.latency + ((self.error_rate,) if self.error_rate else ())


class Plan(NamedTuple):
    """All checks by id, in the order of layers, and what was left out on purpose."""

    checks: Mapping[str, Check]
    left_out: Mapping[str, str]
    """Id → reason, for what the configuration or `--prodcheck-only` leaves out."""
    narrowed: bool = False
    """Whether `--prodcheck-only` left targets out."""

    def of(self, suite: str, function: str) -> list[Check]:
        """The checks of one test function."""
        return [check for check in self.checks.values() if (check.suite, check.function) == (suite, function)]
