"""The criterion `memory`: containers do not grow while load runs (C24, C48, D49).

A leak is a line that rises: what is promised is by which share of its beginning a container's memory may rise from the
end of the warm-up to the end of the load. Judged by the line's slope and its standard error, so that scatter (a garbage
collector's saw teeth) is neither a leak nor a proof that there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_prodcheck.config import grammar
from pytest_prodcheck.criteria.wording import percentage
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.growth import Growth, growth
from pytest_prodcheck.observe.load import LoadRun
from pytest_prodcheck.observe.watch import Glance, memory

CRITERION = "memory"
_FEWEST = 10
"""Points of a container from which on its line is judged: fewer lie on any line."""
_ERRORS = 2.3
"""Standard errors on each side: Student's t of 8 degrees of freedom, one-sided at 97.5 %."""


def judge(runs: Sequence[LoadRun], glances: Sequence[Glance], promised: str, target: str) -> list[Finding]:
    """One finding for each container that grew by more than `promised` (`< 10%`), or of which nobody knows it."""
    sent = [run for run in runs if run.samples]
    seen = [one for one in glances if one.kind == "cluster" and any(_judged(run, one.at) for run in sent)]
    containers = sorted(
        {(pod, name) for one in seen for pod, used in one.facts.get("pods", {}).items() for name in used}
    )
    if not containers:
        why = next((one.problem for one in reversed(glances) if one.kind == "cluster" and one.problem), "")
        text = f"no container's memory was seen while load ran{f' ({why})' if why else ''}: is metrics-server there?"
        return [_finding(target, text, "load.memory.unwatched", "insufficient", "nothing", promised)]
    return [finding for pod, name in containers for finding in _of_container(seen, pod, name, promised, target)]


def _judged(run: LoadRun, at: float) -> bool:
    return run.began_at + run.warm_up <= at <= run.ended_at


def _of_container(
    seen: Sequence[Glance], pod: str, container: str, promised: str, target: str
) -> Iterator[Finding]:  # fmt: skip
    limit = grammar.comparison(promised)
    points = memory(seen, pod, container)
    line = growth(points)
    data = {"pod": pod, "container": container, "watched": seen[0].target, "workload": pod.rsplit("-", 2)[0]}
    if line is None or len(points) < _FEWEST or limit is None:
        text = f"{container} of {pod} was seen {len(points)} times: too few to tell whether its memory rises"
        yield _finding(target, text, "sampling.insufficient", "insufficient", f"{len(points)} times", promised, **data)
        return
    shown = _shown(line)
    if limit.holds(line.share(_ERRORS)):
        return
    if not limit.holds(line.share(-_ERRORS)):
        text = f"memory of {container} of {pod} rose by {shown}"
        yield _finding(target, text, "cluster.memory.growing", "error", percentage(line.share()), promised, **data)
        return
    text = f"memory of {container} of {pod} rose by {shown}, with scatter: too little to tell, promised {promised}"
    yield _finding(target, text, "sampling.insufficient", "insufficient", percentage(line.share()), promised, **data)


def _shown(line: Growth) -> str:
    least, most = (line.per_minute + sign * _ERRORS * line.error for sign in (-1, 1))
    return (
        f"{percentage(line.share())} in {line.seconds / 60:.3g} min "
        f"({line.per_minute / 2**20:+.3g} MiB/min; {least / 2**20:+.3g} to {most / 2**20:+.3g})"
    )


def _finding(
    target: str, text: str, code: str, severity: Severity, seen: str, promised: str, **data: str
) -> Finding:  # fmt: skip
    return Finding(
        CRITERION, target, text, code, severity, seen, promised, subject=data.get("container", ""),
        data={"text": text, **data},
    )  # fmt: skip
