"""What the criteria of one service share: the promise, what runs, and the commands that show more."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any

from pytest_prodcheck.config.compose.model import ComposeFile, Service
from pytest_prodcheck.observe.containers import Container, Containers
from pytest_prodcheck.observe.finding import Finding, Severity

CRITERION = "containers"
_TELLING = re.compile(r"fatal|error|panic|exception|cannot |denied|refused|incompatible", re.IGNORECASE)
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Case:
    """One service of a project, its containers, and the target that they are judged for."""

    seen: Containers
    file: ComposeFile
    service: Service
    target: str

    @property
    def containers(self) -> tuple[Container, ...]:
        """The service's containers."""
        return self.seen.of(self.service.name)

    def found(
        self,
        code: str,
        message: str,
        seen: str,
        promised: str,
        *,
        severity: Severity = "error",
        remedy: str = "",
        next: str = "",
        container: Container | None = None,
        **data: Any,
    ) -> Finding:
        """A finding about the service; without a command of its own it shows the service's log."""
        facts: dict[str, Any] = {"service": self.service.name, "project": self.file.project}
        if container is not None:
            facts |= {"container": container.name, "exit_code": container.exit_code, "text": telling(container.log)}
        return Finding(
            CRITERION, self.target, message, code, severity, seen, promised, self.service.name, remedy,
            next or self.log_command, facts | data,
        )  # fmt: skip

    @property
    def log_command(self) -> str:
        """Shows the service's last lines."""
        return f"docker compose -p {self.file.project} logs --tail 50 {shlex.quote(self.service.name)}"

    @property
    def list_command(self) -> str:
        """Shows the project's containers, those that ended included."""
        return f"docker compose -p {self.file.project} ps -a"


def inspect_command(container: Container, what: str) -> str:
    """Shows one part of a container's inspection."""
    return f"docker inspect -f '{{{{json .{what}}}}}' {shlex.quote(container.name)}"


def telling(log: tuple[str, ...]) -> str:
    """The last line that speaks of an error, or the last line; empty for an empty log."""
    lines = [line.strip() for line in log if line.strip()]
    found = next((line for line in reversed(lines) if _TELLING.search(line)), lines[-1] if lines else "")
    return found[:_SHOWN]
