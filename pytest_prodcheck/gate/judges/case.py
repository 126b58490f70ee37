"""What a judge of one shipped check is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from pytest_prodcheck.config.models import Environment, Target
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

Table = TypeVar("Table", bound=Target)


class Case(NamedTuple):
    """One check, what was observed for it, and the environment that promised it."""

    check: Check
    evidence: Evidence
    environment: Environment
    now: float
    """Wall clock, seconds since the epoch."""

    def table(self, kind: type[Table]) -> Table:
        """The target's own table. Raises TypeError where it is of another kind."""
        table = self.environment.targets[self.check.target]
        if not isinstance(table, kind):
            raise TypeError(f"{self.check.target} is no {kind.__name__}")
        return table

    @property
    def declared(self) -> list[Observation]:
        """The exchanges that the configuration declares, without samples and what else was asked."""
        return [observation for observation in self.evidence.observations if observation.kind == "declared"]


Judge = Callable[[Case], list[Finding]]
