"""What every criterion about the wiring is given, and how it says what it found."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.observe import cluster_templates as templates
from pytest_prodcheck.observe.cluster import Cluster, Object, name_of
from pytest_prodcheck.observe.cluster_templates import Template
from pytest_prodcheck.observe.finding import Finding, Severity


@dataclass(frozen=True)
class Scene:
    """The snapshot, the promises, the target that made them, and the criterion that is judged."""

    cluster: Cluster
    promised: ClusterTarget
    target: str
    criterion: str = "wiring"

    def listed(self, resource: str) -> tuple[Object, ...]:
        """All objects of a resource; none where it could not be listed or the server does not know it."""
        return self.cluster.objects.get(resource, ())

    def named(self, resource: str) -> Mapping[str, Object]:
        """The same by name."""
        return {name_of(one): one for one in self.listed(resource)}

    def templates(self) -> list[Template]:
        """The pod templates of all workloads."""
        return self._templates

    @cached_property
    def _templates(self) -> list[Template]:
        return templates.of(self.cluster.objects)

    def kubectl(self, command: str, *names: str) -> str:
        """A kubectl command as it is typed, with the context and the namespace; it only reads."""
        return " ".join([self.cluster.kubectl, command, *map(shlex.quote, names)])

    def found(
        self,
        code: str,
        message: str,
        subject: str,
        *,
        seen: str,
        promised: str,
        remedy: str,
        next: str,
        severity: Severity = "error",
        data: Mapping[str, Any] | None = None,
    ) -> Finding:
        """A finding about `subject` (`secret/plan-secrets`, `deployment/plan-app`); a `workload` in its data is named
        so, too. Diagnosis joins findings by the bare names of `object` and `workload`."""
        known = {"namespace": self.cluster.namespace, "object": subject.rpartition("/")[2], **(data or {})}
        owner = str(known.get("workload") or "")
        known |= {"workload": owner.rpartition("/")[2], "owner": owner} if owner else {}
        return Finding(
            self.criterion, self.target, message, code, severity, seen, promised, subject, remedy, next, known
        )


def when(moment: float) -> str:
    """A moment as messages say it: UTC, to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def day(moment: float) -> str:
    """The day of a moment, UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def some(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    listed = ", ".join(names[:most])
    return f"{listed} and {len(names) - most} more" if len(names) > most else listed


ALIKE = 0.8
"""How near a key is to one that is meant: most of them end in the same word (`…_PASSWORD`)."""


def keys_of(names: Collection[str]) -> str:
    """What an object holds, in words that nobody reads as what it lacks."""
    return f"has the keys {some(sorted(names), 5)}" if names else "has no key"


def reason(condition: Object) -> str:
    """What a condition says: its reason, and its message where it has one."""
    said = [one for one in (condition.get("reason"), condition.get("message")) if isinstance(one, str) and one]
    return ": ".join(said)
