"""Why something is not well: a cause code, its words, and the facts beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_prodcheck.observe.finding import Severity


@dataclass(frozen=True, slots=True)
class Why:
    """One reason."""

    code: str
    says: str
    """In words that follow the pod's name: `cannot pull its image …`."""
    next: str = ""
    """What follows `kubectl -n NAMESPACE`; empty means the cause table's own."""
    data: Mapping[str, Any] = field(default_factory=dict)
    severity: Severity = "error"

    def of_pod(self, name: str) -> str:
        """The words with the pod's name: behind those about a container, for a line may be cut before the reason."""
        return f"{self.says} (pod {name})" if self.data.get("container") else f"pod {name}: {self.says}"
