"""The declared services run: none absent, ended, killed or started again and again (B28, B29, B42, B43, B50, C2, C8).

What a container says last before it ends is the evidence (C9).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.criteria.containers.case import Case, inspect_command, telling
from pytest_prodcheck.observe.containers import Container
from pytest_prodcheck.observe.finding import Finding

_RECENT = 600.0
"""Seconds since its last start within which a container that was started again has not shown that it stays."""
_MODULE = re.compile(
    r"(?:ModuleNotFoundError: No module named|ImportError: No module named|Cannot find module) ['\"]?([\w@./-]+)"
)
_KILLED = 137
_SIGNALS = {134: "SIGABRT", _KILLED: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}
_NOT_THERE = "its program does not exist or cannot be executed"


def running(case: Case) -> list[Finding]:
    """The findings about what runs of one service."""
    containers, number = case.containers, len(case.containers) + len(case.seen.unseen_of(case.service.name))
    if not number:
        return list(_absent(case))
    if case.service.finishes:
        return [*(finding for one in containers for finding in _finished(case, one)), *unseen(case)]
    found = [finding for one in containers for finding in _of(case, one)]
    return [*found, *_missing(case, number), *unseen(case)]


def _absent(case: Case) -> Iterator[Finding]:
    name, project = case.service.name, case.file.project
    others = [
        one for one in case.seen.neighbours if one.service == name or one.name == (case.service.container_name or name)
    ]
    where = f"{case.service.where} declares it"
    if others:
        other = others[0]
        whose = f"project {other.project}" if other.project else "no project"
        message = f"{name}: project {project} has no container of it, but {other.name} of {whose} is there; {where}"
        yield case.found(
            "cluster.compose.other_project", message, f"{other.name} of {whose}", f"a container of project {project}",
            next="docker compose ls -a", other=other.name, other_project=other.project,
        )  # fmt: skip
        return
    message = f"{name}: project {project} has no container of it; {where}"
    yield case.found(
        "cluster.compose.service_absent", message, "no container", f"a container of {name}", next=case.list_command
    )


def unseen(case: Case) -> Iterator[Finding]:
    """Containers of the service that nobody looked at are not healthy for it."""
    if others := case.seen.unseen_of(case.service.name):
        looked = len(case.containers)
        text = f"{looked} of {looked + len(others)}"
        message = (
            f"{case.service.name}: {text} containers were looked at: of one project no more than "
            f"{len(case.seen.containers)} are; the first of the others is {others[0].name}"
        )
        yield case.found(
            "cluster.compose.too_many", message, text, "all of them", severity="insufficient", next=case.list_command,
            other=others[0].name,
        )  # fmt: skip


def _missing(case: Case, number: int) -> Iterator[Finding]:
    """Fewer containers than declared; what those that are there suffer from is said elsewhere."""
    if number < case.service.replicas:
        text = f"{number} of {case.service.replicas}"
        message = f"{case.service.name}: {text} containers exist ({case.service.where})"
        yield case.found(
            "cluster.compose.replicas_missing", message, text, str(case.service.replicas), next=case.list_command
        )


def _finished(case: Case, one: Container) -> Iterator[Finding]:
    """A service that others wait for until it has ended well."""
    if one.status == "exited" and one.exit_code == 0:
        return
    if one.status in ("running", "created"):
        message = f"{one.name} has not ended yet; others wait for it with service_completed_successfully"
        yield case.found(
            "cluster.compose.not_finished", message, one.status, "exit 0", severity="insufficient", container=one
        )
        return
    yield from _of(case, one)


def _of(case: Case, one: Container) -> Iterator[Finding]:
    if one.status == "restarting" or (one.restarts and _age(case, one) < _RECENT):
        yield _looping(case, one)
    elif one.status == "running":
        if one.restarts:
            yield _restarted(case, one)
    elif one.status == "paused":
        message = f"{one.name} is paused: it answers nothing until somebody resumes it"
        yield case.found(
            "cluster.container.paused", message, "paused", "running", next=case.list_command, container=one
        )
    elif one.status == "created" or one.error:
        yield _not_started(case, one)
    else:
        code, why = _reason(one)
        ago = f" {show_duration(case.seen.now - one.finished_at)} ago" if one.finished_at else ""
        message = f"{one.name} ended{ago} with exit {_exit(one)}{why}{_last_words(one)}"
        yield case.found(
            code or "cluster.container.exited", message, f"exit {one.exit_code}", "running", container=one,
            next=_next(case, one), oom_killed=one.oom_killed,
        )  # fmt: skip


def _age(case: Case, one: Container) -> float:
    return max(0.0, case.seen.now - one.started_at)


def _looping(case: Case, one: Container) -> Finding:
    code, why = _reason(one)
    ended = f", exit {_exit(one)}" if one.status == "restarting" or one.exit_code else ""
    message = f"{one.name} restarted {_times(one)} in {_lifetime(case, one)}{ended}{why}{_last_words(one)}"
    return case.found(
        code or "cluster.container.crash_loop", message, f"{one.restarts} restarts", "running", container=one,
        restarts=one.restarts, per_hour=_rate(case, one), oom_killed=one.oom_killed, next=_next(case, one),
    )  # fmt: skip


def _restarted(case: Case, one: Container) -> Finding:
    message = (
        f"{one.name} was restarted {_times(one)} in {_lifetime(case, one)}; the last start was "
        f"{show_duration(_age(case, one))} ago{_last_words(one)}"
    )
    return case.found(
        "cluster.container.restarted", message, f"{one.restarts} restarts", "no restart", severity="warning",
        container=one, restarts=one.restarts, per_hour=_rate(case, one),
    )  # fmt: skip


def _not_started(case: Case, one: Container) -> Finding:
    why = one.error or "nobody started it, or what it waits for never was ready"
    code = "cluster.container.bad_command" if one.exit_code in (126, 127) else "cluster.container.not_started"
    message = f"{one.name} was created and never ran: {why}"
    return case.found(
        code, message, one.status, "running", container=one, next=inspect_command(one, "State"), error=one.error
    )


def _reason(one: Container) -> tuple[str, str]:
    """The cause that a container's end names by itself, and what to say of it; empty for none."""
    if one.oom_killed:
        limit = f"its limit is {shown_size(one.memory)}" if one.memory else "the machine ran out of memory"
        return "cluster.container.oom_killed", f": killed for want of memory, {limit}"
    if one.exit_code in (126, 127):
        return "cluster.container.bad_command", f": {_NOT_THERE}"
    for line in reversed(one.log):
        if found := _MODULE.search(line):
            return "cluster.container.module_missing", f": the image lacks {found[1]}"
    if one.exit_code == _KILLED and one.memory:
        return (
            "",
            f": somebody killed it, or its limit of {shown_size(one.memory)} did, of which the daemon heard nothing",
        )
    return "", ""


def _exit(one: Container) -> str:
    return f"{one.exit_code} ({_SIGNALS[one.exit_code]})" if one.exit_code in _SIGNALS else str(one.exit_code)


def _last_words(one: Container) -> str:
    line = telling(one.log)
    return f"; its log says: {line}" if line else ""


def _times(one: Container) -> str:
    return "once" if one.restarts == 1 else f"{one.restarts} times"


def _lifetime(case: Case, one: Container) -> str:
    return show_duration(max(1.0, round(case.seen.now - one.created_at)))


def _rate(case: Case, one: Container) -> float:
    """Restarts an hour since it was created."""
    return round(one.restarts / max(1.0, case.seen.now - one.created_at) * 3600, 1)


def _next(case: Case, one: Container) -> str:
    return inspect_command(one, "State") if one.oom_killed or one.exit_code in (126, 127) else case.log_command


def shown_size(size: float) -> str:
    """Bytes as compose files write them: `64 MiB`."""
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
