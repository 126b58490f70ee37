"""Health checks: the command exists in the image, and it succeeds (B28, B45)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_prodcheck.criteria.containers.case import Case, inspect_command
from pytest_prodcheck.observe.containers import Container, HealthRun
from pytest_prodcheck.observe.finding import Finding

_NOT_FOUND = re.compile(
    r"executable file not found|: not found|no such file or directory|command not found", re.IGNORECASE
)
_SHELL = re.compile(r"(?:^|[\s:])([\w./-]+): (?:command )?not found")
_SHOWN = 200


def health(case: Case) -> list[Finding]:
    """The findings about the health checks of a service's running containers."""
    return [finding for one in case.containers if one.status == "running" for finding in _of(case, one)]


def _of(case: Case, one: Container) -> Iterator[Finding]:
    last = one.health_runs[-1] if one.health_runs else None
    if last is not None and one.health != "healthy" and (program := _lacks(one, last)):
        message = f"the health check of {one.name} uses {program}, and the image has none ({_exit(last)})"
        yield case.found(
            "cluster.container.health_check_broken", message, last.output[:_SHOWN] or _exit(last), "a check that runs",
            container=one, next=inspect_command(one, "State.Health"), program=program, text=last.output[:_SHOWN],
        )  # fmt: skip
    elif one.health == "unhealthy":
        said = f": {last.output.splitlines()[-1][:_SHOWN]}" if last and last.output else ""
        ended = f" with {_exit(last)}" if last else ""
        message = f"{one.name} is unhealthy: its check failed {one.failing_streak} times in a row{ended}{said}"
        yield case.found(
            "cluster.container.unhealthy", message, "unhealthy", "healthy", container=one,
            next=inspect_command(one, "State.Health"), text=last.output[:_SHOWN] if last else "",
        )  # fmt: skip
    elif one.health == "starting":
        message = f"{one.name} is still starting: no health check has succeeded yet"
        yield case.found(
            "cluster.container.starting", message, "starting", "healthy", severity="insufficient", container=one,
            next=inspect_command(one, "State.Health"),
        )  # fmt: skip


def _lacks(one: Container, run: HealthRun) -> str:
    """The program that the check could not find; empty where it ran."""
    if run.exit_code not in (127, 126, -1) or not _NOT_FOUND.search(run.output):
        return "its command" if run.exit_code == 127 else ""
    if one.health_test[:1] == ("CMD",) and len(one.health_test) > 1:
        return one.health_test[1]
    found = _SHELL.search(run.output)
    return found[1] if found else "a program"


def _exit(run: HealthRun) -> str:
    return f"exit {run.exit_code if run.exit_code >= 0 else 127}"
