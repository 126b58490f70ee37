"""What was read from a target whose contract can be pinned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pytest_prodcheck.config.models import GraphqlTarget, Target
from pytest_prodcheck.observe import contract_file
from pytest_prodcheck.observe.contract import Contract


@dataclass(frozen=True)
class Pin:
    """What one target is, read from it; or `problem`, why that could not be read."""

    name: str
    table: Target
    environment: str = ""
    contract: Contract | None = None
    sdl: str = ""
    problem: str = ""

    @cached_property
    def text(self) -> str:
        """What is written into the file."""
        if self.contract is not None:
            return contract_file.written(self.contract.pinned, self.environment)
        user = f" as {self.table.as_[0]}" if isinstance(self.table, GraphqlTarget) and self.table.as_ else ""
        return (
            f"# The schema that {self.name} serves{user}: pinned by `prodcheck pin {self.environment}`, "
            f"committed by people.\n\n{self.sdl.rstrip()}\n"
        )
