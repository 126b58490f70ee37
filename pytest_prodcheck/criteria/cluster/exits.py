"""How a container ended: by its memory limit, by its liveness probe, by its command, or by itself."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.criteria.cluster import events
from pytest_prodcheck.criteria.cluster.why import Why
from pytest_prodcheck.observe.cluster import Object, at, labels, moment, name_of, number, text

_SIGNALS: Mapping[int, str] = {
    134: "aborted (SIGABRT)",
    137: "killed (SIGKILL), and neither its memory limit nor its liveness probe did it",
    139: "crashed (SIGSEGV)",
    143: "was asked to end (SIGTERM)",
}
_FOREIGN = "exec format error"
"""The kernel's words (ENOEXEC) for a program of another architecture."""
_CANNOT_RUN = ("ContainerCannotRun", "StartError")
_GRACE = 120.0
"""Seconds between the probe that stops a container and its end, at most: a grace period of 30 s is usual."""
_STOPPED = (0, 137, 143)
"""How a program ends that the kubelet stops: by itself, at once, or when its grace period is over."""
_TELLING = compiled(
    r"\S*(?:error|exception|panic)\b.*|.*\b(?:panic|fatal|error|exception)\b.*|.*cannot find module.*", re.IGNORECASE
)
_WIDTH = 200
_KEPT = 1500
"""Characters of a log's end that go on with a finding: where a program says why it ends."""


def why(pod: Object, container: Object, ended: Object, known: list[Object], tail: str) -> Why:
    """Why the instance that `ended` (a terminated state) ended; `tail` is the end of its log."""
    code, reason, name = number(ended, "exitCode"), text(ended, "reason"), text(container, "name")
    data = {"exit_code": code, "reason": reason, "image": text(container, "image")}
    limit = labels(container, "resources", "limits").get("memory", "")
    if reason == "OOMKilled":
        at_limit = f" of {limit}" if limit else ""
        says = f"{name} is killed by its memory limit{at_limit} (exit code {code}, OOMKilled)"
        return Why("cluster.container.oom_killed", says, f"describe pod {name_of(pod)}", data | {"limit": limit})
    mine = events.of_container(known, name)
    if code in _STOPPED and (late := _never_started(ended, mine)):
        says = f"{name} is restarted by its startup probe, before it had started (exit code {code})"
        return Why("cluster.container.liveness_killed", says, f"describe pod {name_of(pod)}", data | {"text": late})
    probe = events.last(mine, "Unhealthy", saying="Liveness probe failed")
    if probe and code in _STOPPED:
        timeout = number(container, "livenessProbe", "timeoutSeconds") or 1
        says = f"{name} is restarted by its liveness probe (time-out {timeout} s), not by memory (exit code {code})"
        return Why("cluster.container.liveness_killed", says, f"describe pod {name_of(pod)}", data | {"text": probe})
    foreign = code and _FOREIGN in telling(tail)
    if reason in _CANNOT_RUN or code in (126, 127) or foreign:
        told = text(ended, "message") or telling(tail)
        what = "is not executable" if code == 126 else "is not in the image" if code == 127 else "cannot be run"
        what = "is built for another processor than its node's" if foreign else what
        says = f"the command of {name} {what} (exit code {code})" + (f": {told}" if told else "")
        return Why("cluster.container.bad_command", says, data=data | {"text": told})
    return _by_itself(pod, name, ended, tail, data)


def _never_started(ended: Object, known: list[Object]) -> str:
    """The last words of a startup probe, where it failed just before the end; one that failed earlier was passed."""
    finished = moment(at(ended, "finishedAt"))
    near = [one for one in known if finished and abs(events.seen_at(one) - finished) < _GRACE]
    return events.last(near, "Unhealthy", saying="Startup probe failed")


def _by_itself(pod: Object, name: str, ended: Object, tail: str, data: Mapping[str, object]) -> Why:
    code = number(ended, "exitCode")
    started, finished = moment(at(ended, "startedAt")), moment(at(ended, "finishedAt"))
    after = f" after {finished - started:.0f} s" if started and finished > started else ""
    how = _SIGNALS.get(code, f"ends by itself with exit code {code}")
    told = telling(tail) or text(ended, "message").strip()[:_WIDTH]
    says = f"{name} {how}{after}" + (f": {told}" if told else "")
    order = f"logs {name_of(pod)} -c {shlex.quote(name)} --previous"
    return Why("cluster.container.crash_loop", says, order, {**data, "text": told, "log": tail[-_KEPT:]})


def telling(tail: str) -> str:
    """The line of a log's end that tells most: the last one that names an error, else the last one."""
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    named = [line for line in lines if _TELLING.match(line)]
    return (named or lines or [""])[-1][:_WIDTH]
