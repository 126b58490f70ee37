"""What the owner hands to a check: its observations, the facts read for it, or why it could not look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

_UNREADY = ("error", "blocked")
READY = "ready"
"""The criterion of whoever judges a standing."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Observations and facts (catalog, keys, claims, schema) of one check; it travels from the owner to a worker."""

    observations: tuple[Observation, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Plain data by name; hidden from `repr` because a token may be among it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether something that checks need (a target, a user's token) is there, and what was seen of it."""

    name: str
    """Target id, or `user:NAME`."""
    evidence: Evidence = Evidence()
    findings: tuple[Finding, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether checks that need it can look."""
        return not any(finding.severity in _UNREADY for finding in self.findings)

    @property
    def cause(self) -> str:
        """The cause code of what is wrong; empty when ready."""
        return next((finding.code for finding in self.findings if finding.severity in _UNREADY), "")

    @property
    def message(self) -> str:
        """What is wrong, in a line; empty when ready."""
        return next((finding.message for finding in self.findings if finding.severity in _UNREADY), "")
