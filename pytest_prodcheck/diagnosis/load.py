"""Why a system suffers under load, by what its other parts showed meanwhile (R14, R15, R16).

Each rule wants the sign and what explains it: a full database alone explains nothing, and slow answers alone are not a
lock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.diagnosis import bodies, libpq
from pytest_prodcheck.diagnosis.signs import Sign
from pytest_prodcheck.observe.growth import growth
from pytest_prodcheck.observe.watch import Glance, memory

SUFFERS = ("load.latency.over_limit", "load.errors.over_limit", "load.errors.seen", "load.run.aborted",
           "load.run.breaker", "load.throughput.under_limit")  # fmt: skip
"""What may have a cause elsewhere."""
_FULL = 0.95
"""Share of the connections that clients may have, from which on there is no room."""
_APART = 5.0
"""How far p95 must be from p50 for a part of the requests to wait."""
_WAIT_SHARE = 0.25
"""Share of the p95 that somebody must be seen to wait for a lock: shorter waits do not make it."""


def explained(sign: Sign, glances: Sequence[Glance]) -> Sign:
    """The sign with the cause that the glances show; as it is, where they show none."""
    if sign.kind != "load" or sign.code not in SUFFERS or not glances:
        return sign
    for rule in (_killed, _exhausted, _locked):
        if (found := rule(sign, glances)) is not None:
            return found
    return sign


def _exhausted(sign: Sign, glances: Sequence[Glance]) -> Sign | None:
    """R14: no connection is left (53300), or the pool gives none (P2024); backends tell the server from the pool."""
    seen = [one for one in glances if one.kind == "database"]
    refused = [one for one in seen if one.problem == "53300" and _of_the_server(one)]
    named = next((code for text in _said(sign) if (code := _revealed(text)) in _EXHAUSTED), "")
    if not seen or not (refused or named):
        return None
    fullest = max((one for one in seen if one.values.get("limit")), key=_share, default=None)
    full = bool(refused) or (fullest is not None and _share(fullest) >= _FULL)
    code = "database.connections.exhausted" if full else named
    if code == "database.connections.exhausted" and not full:
        return None  # it was said once, and is not so: nothing is known
    said = str(sign.data.get("text", ""))[:200]
    data: dict[str, Any] = {"text": "; ".join(filter(None, (_of_connections(fullest, refused), said)))}
    top = fullest.facts.get("top", ()) if fullest else ()
    if top:
        data |= {"application": top[0][0], "application_connections": top[0][1]}
    return _turned(sign, code, (fullest or refused[0]).target, data)


def _of_the_server(one: Glance) -> bool:
    """Whether the server itself was full: the limit of our own reader's role says nothing about others."""
    return libpq.classify(str(one.facts.get("message", "")), "53300") == "database.connections.exhausted"


def _said(sign: Sign) -> Iterator[str]:
    """What the errors say of their reason: all their words, and those of each kind without its status."""
    yield str(sign.data.get("text", ""))
    for row in sign.data.get("kinds", ()):
        yield _STATUS.sub("", str(row.get("message", "")))


def _revealed(text: str) -> str:
    reason = bodies.reveal(text)
    return reason.code if reason else ""


_STATUS = re.compile(r"^\d{3} ")
_EXHAUSTED = ("database.connections.exhausted", "database.pool.exhausted")


def _share(one: Glance) -> float:
    return one.values.get("connections", 0.0) / (one.values.get("limit") or 1.0)


def _of_connections(fullest: Glance | None, refused: Sequence[Glance]) -> str:
    parts = []
    if fullest:
        values, top = fullest.values, fullest.facts.get("top", ())
        named = f", most of them of {top[0][0]} ({top[0][1]})" if top else ""
        parts.append(f"{values['connections']:.0f} of {values['limit']:.0f} connections were in use{named}")
    if refused:
        parts.append(f"the server refused {len(refused)} of our own (53300)")
    return "; ".join(parts)


def _locked(sign: Sign, glances: Sequence[Glance]) -> Sign | None:
    """R15: a part of the requests is slow, the others are not, and sessions wait for a lock about as long."""
    p50, p95 = sign.data.get("p50"), sign.data.get("p95")
    if not isinstance(p50, int | float) or not isinstance(p95, int | float) or p95 < _APART * p50:
        return None
    waits = [(one, wait) for one in glances for wait in one.facts.get("waits", ()) if wait.get("blockers")]
    long = [(one, wait) for one, wait in waits if (wait.get("seconds") or 0.0) >= _WAIT_SHARE * p95]
    if not long:
        return None
    at, wait = max(long, key=lambda pair: pair[1]["seconds"] or 0.0)
    age = (
        f" (its transaction is {show_duration(float(round(wait['blocker_seconds'], 1)))} old)"
        if wait.get("blocker_seconds")
        else ""
    )
    lock = str(wait.get("lock", ""))
    most = max(int(one.values.get("waiting", 0)) for one, _ in long)
    text = (
        f"{most} sessions waited for {lock or 'a lock'}, up to {show_duration(wait['seconds'])}, "
        f"held by {wait.get('blocker') or wait['blockers'][0]}{age}"
    )
    data = {"text": text, "pid": wait["blockers"][0], "table": lock.partition(" on ")[2], "kind": "table"}
    return _turned(sign, "database.lock.contention", at.target, data)


def _killed(sign: Sign, glances: Sequence[Glance]) -> Sign | None:
    """R16: a container was ended for its memory while load ran, and its memory had risen."""
    seen = [one for one in glances if one.kind == "cluster"]
    for one in reversed(seen):
        restarted = one.facts.get("restarted", {})
        for killed in one.facts.get("killed", ()):
            pod, container = str(killed.get("pod")), str(killed.get("container"))
            if killed.get("reason") != "OOMKilled" or not restarted.get(pod):
                continue
            slope = growth(memory(seen, pod, container))
            if slope is None or not slope.certain:
                continue
            rose = f"it rose by {slope.per_minute / 2**20:.3g} MiB/min"
            text = f"{container} of {pod} was ended for its memory ({restarted[pod]} restarts under load; {rose})"
            data = {"text": text, "pod": pod, "container": container, "namespace": killed.get("namespace", ""),
                    "workload": pod.rsplit("-", 2)[0], "restarts": restarted[pod]}  # fmt: skip
            return _turned(sign, "cluster.container.oom_killed", one.target, data)
    return None


def _turned(sign: Sign, code: str, target: str, data: Mapping[str, Any]) -> Sign:
    """The sign with the cause's code: it was seen at another target than the one that suffers."""
    return replace(sign.turned(code, **{"watched": target, **data}), message=str(data["text"]), revealed=True)
