"""Causes of load that judging its samples shows: a promise is broken, or nobody could have broken it."""

from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

_AGAIN = "pytest --prodcheck=ENV -m load"

KINDS = (
    CauseKind(
        "load.latency.over_limit",
        "answers take longer under load than promised",
        "answers take longer under load than promised",
        "look at what the slow requests wait for, at the time line of the report: connections, locks, CPU, memory",
        _AGAIN,
    ),
    CauseKind(
        "load.errors.over_limit",
        "more requests fail under load than promised",
        "more requests fail under load than promised",
        "look at the commonest error, and at what ran out while the load rose",
        _AGAIN,
    ),
    CauseKind(
        "load.errors.seen",
        "requests failed under load",
        "requests failed under load",
        "look at the commonest error; promise a share with `errors < 1%` where some may fail",
        _AGAIN,
    ),
    CauseKind(
        "load.throughput.under_limit",
        "fewer right answers a second than promised",
        "fewer right answers a second than promised",
        "see whether the system or the number of users was the limit: users that wait for answers ask no more often",
        _AGAIN,
    ),
    CauseKind(
        "load.bytes.over_limit",
        "answers are larger than promised",
        "answers are larger than promised",
        "compress answers, or page them",
        _AGAIN,
    ),
    CauseKind(
        "load.name.unseen",
        "a limit is of a name that no request had",
        "{text}",
        "correct the name, or the scenario: Locust shows its names",
        "pytest --prodcheck=ENV -m load --prodcheck-plan",
    ),
    CauseKind(
        "cluster.memory.growing",
        "a container's memory rises all along while load runs: a leak, or a cache without an end",
        "{text}",
        "compare two heap profiles, some minutes apart under the same load: what only the second holds is what grows",
        "kubectl top pod {pod} -n {namespace} --containers",
    ),
    CauseKind(
        "load.memory.unwatched",
        "nobody saw the memory of the containers",
        "{text}",
        "install metrics-server, and let the gate read pods of metrics.k8s.io (`prodcheck rbac`)",
        "kubectl top pod -n {namespace}",
    ),
    CauseKind(
        "load.users.lost",
        "users of the scenario ended before the run",
        "{text}",
        "see why they stop (StopUser, a failed on_start, self.stop()), or declare `rate`: an arrival may end",
        _AGAIN,
    ),
    CauseKind(
        "load.generator.unwatched",
        "nobody saw how busy the generator was",
        "{text}",
        "let its workers report CPU and lag, or measure them where they run",
        _AGAIN,
    ),
)
