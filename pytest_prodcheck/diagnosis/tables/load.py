"""Causes of load runs: what stopped one, and why one proves nothing."""

from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

_AGAIN = "pytest --prodcheck=ENV -m load"

# one row a line: a table
KINDS = (
    CauseKind(
        "load.generator.not_installed",
        "Locust is not installed",
        "{text}",
        "install the extra where the gate runs; in CI, in the step that installs the gate",
        "pip install 'pytest-prodcheck[load]'",
    ),
    CauseKind(
        "load.scenario.invalid",
        "a scenario cannot be loaded",
        "{text}",
        "correct the Locust file; `locust -f FILE --list` shows what Locust finds in it",
        "locust -f {file} --list",
    ),
    CauseKind(
        "load.scenario.empty",
        "a scenario has no user or no task",
        "{text}",
        "give it a user class with tasks",
        "locust -f {file} --list",
    ),
    CauseKind(
        "load.scenario.raised",
        "a scenario raised while it ran",
        "{text}",
        "correct the Locust file: an iteration that raises tests nothing",
        "locust -f {file} --headless -u 1 -t 5s",
    ),
    CauseKind(
        "load.request.refused",
        "a scenario wanted what may not be sent",
        "{text}",
        "declare the host or the write, or take the request out of the scenario",
        "prodcheck doctor ENV",
    ),
    CauseKind(
        "load.run.empty",
        "no request was sent",
        "{text}",
        "run the scenario with locust itself and see why it sends nothing",
        "locust -f {file} --headless -u 1 -t 5s",
    ),
    CauseKind(
        "load.generator.failed",
        "the load tool itself failed",
        "{text}",
        "read the load tool's own output",
        "locust -f {file} --headless -u 1 -t 5s",
    ),
    CauseKind(
        "load.generator.saturated",
        "the generator was the bottleneck",
        "{text}",
        "more `workers`, another machine (`master`), a quicker user class, or less load",
        _AGAIN,
    ),
    CauseKind(
        "load.port.taken",
        "the port of Locust's master is taken",
        "{text}",
        "leave `port` out, or name a free one",
        "ss -ltnp",
    ),
    CauseKind(
        "load.master.unreachable",
        "the Locust master does not answer",
        "{text}",
        "start it (deploy/locust/), and see that its address is reached from here",
        "curl -sv {url}",
    ),
    CauseKind(
        "load.worker.lost",
        "a worker ended before the run",
        "{text}",
        "look for what ended it: memory, a signal, the node",
        "dmesg | tail",
    ),
    CauseKind(
        "load.run.aborted",
        "the load was stopped: the target suffered",
        "{text}",
        "see what the errors and the slow requests have in common; raise `abort` only on purpose",
        _AGAIN,
    ),
    CauseKind(
        "load.run.breaker",
        "the load was stopped: another target turned red",
        "{text}",
        "the load takes that target down: start with its own cause",
        _AGAIN,
    ),
    CauseKind(
        "load.run.interrupted",
        "the load was stopped before its end",
        "{text}",
        "run it again; what was seen of it proves nothing",
        _AGAIN,
    ),
)
