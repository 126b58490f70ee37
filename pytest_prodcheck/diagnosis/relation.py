"""What a relation between causes and symptoms is."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_prodcheck.diagnosis.conditions import Condition, always


@dataclass(frozen=True, slots=True)
class Relation:
    """`causes` (codes; a trailing `*` stands for anything) may explain signs that have one of the tags `symptoms`."""

    causes: tuple[str, ...]
    symptoms: tuple[str, ...]
    when: Condition = always
    source: str = ""

    def covers(self, code: str) -> bool:
        """Whether `code` is one of its causes."""
        return any(code.startswith(cause[:-1]) if cause.endswith("*") else code == cause for cause in self.causes)
