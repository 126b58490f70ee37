"""Whether a load run can be trusted: did it come to its end, did it send anything, was the generator the bottleneck?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.criteria.wording import percentage
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.load import LoadRun, Second

CRITERION = "load"
CPU, LAG, DESCRIPTORS = 0.90, 0.100, 0.95
"""From which on a second of a process is saturated: share of its core, seconds that its event loop was late, share of
the descriptors that it may open."""
_SHARE, _FEWEST = 0.10, 2
"""Of the judged seconds of one process; a single one may be a pause of its garbage collector."""
_CODES = {"aborted": "load.run.aborted", "breaker": "load.run.breaker", "interrupted": "load.run.interrupted",
          "failed": "load.generator.failed"}  # fmt: skip


class Saturation(NamedTuple):
    """How the generator was the bottleneck."""

    text: str
    process: str


def model(run: LoadRun) -> str:
    """How requests were sent, for people: a latency means little without it."""
    if run.model == "open":
        return f"open model, up to {run.rate:g} arrivals/s, latency from the intended start"
    paced = f", one iteration in {show_duration(run.pacing)}, latency from its intended start" if run.pacing else ""
    return f"closed model, up to {run.users} users{paced or ', each waits for its answer'}"


def ending(run: LoadRun, target: str) -> Iterator[Finding]:
    """Why the run, or a part of it, proves nothing."""
    if run.ending != "finished":
        severity: Severity = "blocked" if run.ending == "interrupted" else "error"
        code = run.code or _CODES[run.ending]
        yield finding(run, target, run.message or f"the run was {run.ending}", code, severity, run.ending, "finished")
    elif run.workers_lost:
        lost = ", ".join(run.workers_lost)
        text = f"{len(run.workers_lost)} of {run.workers} workers ended before the run did ({lost}): less was sent"
        yield finding(run, target, text, "load.worker.lost", "insufficient", lost, f"{run.workers} workers")
    for what in run.refused[:10]:
        yield finding(run, target, f"not sent: {what}", "load.request.refused", "error", what, "only what is declared")


def missing(run: LoadRun, target: str) -> Iterator[Finding]:
    """Users that ended before the run did: fewer asked than was promised, and so the system was asked less."""
    begin = run.began_at + run.warm_up
    judged = [second for second in run.seconds if begin < second.at]
    without = [second for second in judged if second.missing]
    if without and len(without) >= max(_FEWEST, len(judged) * _SHARE):
        most: dict[str, int] = {}
        for second in without:
            most[second.process] = max(most.get(second.process, 0), second.missing)
        gone = sum(most.values())
        text = f"{gone} of {run.users} users ended before the run did: less was asked than {run.users} users ask"
        yield finding(run, target, text, "load.users.lost", "insufficient", f"{gone} ended", f"{run.users} users")


def unjudged(run: LoadRun, target: str, *, told: bool) -> Iterator[Finding]:
    """Arrivals and requests of which nobody knows what became of them; `told` is whether a limit counts them."""
    many = unknown(run)
    if many and not told and run.ending == "finished":
        text = f"of {many} requests nobody knows what became of them (not started, or not ended)"
        yield finding(run, target, text, "sampling.insufficient", "insufficient", f"{many} unknown", "all ended")


def unknown(run: LoadRun) -> int:
    """Requests of which nobody knows what became of them: not started, not ended, or not written."""
    return max(0, run.planned - run.sent, run.unstarted) + run.unfinished + lost(run)


def raised(run: LoadRun, target: str) -> Iterator[Finding]:
    """Iterations that the scenario itself ended: they tested nothing, whatever their requests say."""
    if run.raised:
        where = next((note for note in run.notes if note.startswith("the scenario raised")), "the scenario raised")
        text = f"{run.raised} iterations ended by an exception of their own; {where}"
        yield finding(run, target, text, "load.scenario.raised", "error", f"{run.raised} iterations", "none raised")


def empty(run: LoadRun, target: str, judged: int, recorded: int) -> Iterator[Finding]:
    """A run that sent nothing, or nothing after its warm-up: no limit can be broken by it, and none is kept."""
    if judged:
        return
    if recorded:
        text = f"0 requests after the warm-up of {show_duration(run.warm_up)}, {recorded} in it: nothing to judge"
    else:
        text = "empty load run: 0 requests"
    yield finding(run, target, text, "load.run.empty", "error", "0 requests", "requests to judge")


def lost(run: LoadRun) -> int:
    """Requests that the generator saw end and that are in no column, as where a disk was full."""
    return max(0, sum(second.requests for second in run.seconds) - run.samples)


def seconds(run: LoadRun) -> float:
    """How long requests were judged: what the last ones were waited for beyond the plan is not load."""
    whole = run.ended_at - run.began_at
    return max(0.0, (min(whole, run.duration) if run.duration else whole) - run.warm_up)


def saturation(run: LoadRun) -> Saturation | None:
    """How the generator was the bottleneck while requests were judged; None where it was not."""
    begin = run.began_at + run.warm_up
    by_process: dict[str, list[Second]] = {}
    for second in run.seconds:
        if begin < second.at:
            by_process.setdefault(second.process, []).append(second)
    found = (_of_process(name, seconds) for name, seconds in by_process.items())
    return next((one for one in found if one is not None), None)


def unwatched(run: LoadRun, target: str) -> Iterator[Finding]:
    """Nobody saw how the generator fared: a warning, because its figures may be its own."""
    if run.samples and not run.seconds and run.ending == "finished":
        text = "the generator's own load was not seen: whether it was the bottleneck is not known"
        yield finding(run, target, text, "load.generator.unwatched", "warning", "", "CPU and lag of the generator")


def _of_process(name: str, seconds: Sequence[Second]) -> Saturation | None:
    few = max(_FEWEST, round(len(seconds) * _SHARE))
    busy = [one for one in seconds if one.cpu >= CPU]
    late = [one for one in seconds if one.lag >= LAG]
    full = [one for one in seconds if one.most_descriptors and one.descriptors >= DESCRIPTORS * one.most_descriptors]
    if full:
        most = max(one.descriptors for one in full)
        return Saturation(f"{most} of {full[0].most_descriptors} file descriptors were open", name)
    if len(busy) >= few:
        most_cpu = percentage(max(one.cpu for one in busy))
        return Saturation(f"CPU up to {most_cpu} of one core in {len(busy)} of {len(seconds)} s", name)
    if sum(max(1.0, one.lag) for one in late) >= few:  # who was late by five seconds was so for five seconds
        worst = show_duration(max(one.lag for one in late))
        return Saturation(f"the event loop was up to {worst} late in {len(late)} of {len(seconds)} s", name)
    return None


def bottleneck(run: LoadRun, target: str, seen: Saturation) -> Finding:
    """The finding: we were the bottleneck."""
    where = "" if seen.process == "local" else f" ({seen.process})"
    text = f"we were the bottleneck: {seen.text}{where}; times and throughput are the generator's own"
    return finding(run, target, text, "load.generator.saturated", "insufficient", seen.text,
                   f"CPU < {percentage(CPU)}, lag < {show_duration(LAG)}")  # fmt: skip


def finding(
    run: LoadRun, target: str, text: str, code: str, severity: Severity, seen: str = "", promised: str = ""
) -> Finding:
    """A finding about the run itself."""
    message = f"{run.scenario}: {text}" if run.scenario and not text.startswith(f"{run.scenario}:") else text
    data = {"text": message, "file": run.file, "scenario": run.scenario, "ending": run.ending, "model": model(run)}
    return Finding(CRITERION, target, message, code, severity, seen, promised, run.scenario, data=data)
