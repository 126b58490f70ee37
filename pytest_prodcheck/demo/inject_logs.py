"""Faults that only the logs tell: lines that a pod of the recorded cluster has written a moment ago."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from pytest_prodcheck.demo.system import System

Injection = Callable[[System], None]
_APART = timedelta(seconds=2)


def _wrote(workload: str, *lines: str) -> Injection:
    """The first pod of the workload has written these lines, two seconds apart until now."""

    def inject(demo: System) -> None:
        logs = demo.cluster.recording.logs
        said = next(log for name, log in logs.items() if name.startswith(workload) and name.endswith(f"/{workload}"))
        moment = datetime.now(UTC) - _APART * len(lines)
        for line in lines:
            moment += _APART
            said["now"]["text"] += f"{moment:%Y-%m-%dT%H:%M:%SZ} {line}\n"

    return inject


def _forbidden(demo: System) -> None:
    demo.cluster.refuses.add("pods/log")


_FAILED = (
    '{"level":"error","msg":"POST /api/goals 500","status":500,"method":"POST","path":"/api/goals","duration_ms":31}'
)
INJECTIONS: Mapping[str, Injection] = {
    "log-server-errors": _wrote("plan-app", *[_FAILED] * 5),
    "log-unhandled-rejection": _wrote(
        "plan-app", "[nitro] [unhandledRejection] TypeError: Cannot read properties of undefined (reading 'goals')"
    ),
    "log-never-awaited": _wrote("plan-app", "/app/goals.py:41: RuntimeWarning: coroutine 'load' was never awaited"),
    "log-local-validation": _wrote(
        "plan-app", '{"level":"warn","msg":"provider unreachable, running on local JWT validation"}'
    ),
    "log-disk-full": _wrote("plan-app", "Error: ENOSPC: no space left on device, write '/tmp/upload-1'"),
    "log-deadlock": _wrote("postgres", "ERROR:  deadlock detected"),
    "log-credential": _wrote("plan-app", "connecting to postgres://app:Pq7-made-up-Zx41@postgres:5432/plan"),
    "logs-forbidden": _forbidden,
}
