"""`prodcheck doctor ENV`: tries the readiness of each target and each user's token, without pytest."""

from __future__ import annotations

import secrets as randomness
import time
from collections.abc import Iterable
from pathlib import Path

from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.gate.probers import Probers
from pytest_prodcheck.observe.evidence import Standing


def try_targets(environment: Environment, *, secrets: Iterable[tuple[str, str]]) -> int:
    """Says of each target and user whether it is ready, and why not. Exit status 0 where all are, else 1.

    `environment` has its references resolved; nothing of `secrets` is printed.
    """
    redactor = Redactor()
    for name, value in secrets:
        redactor.add(value, name)
    probers = Probers(environment, frozenset(), redactor, randomness.token_hex(8), Path(environment.base), redactor.add)
    try:
        late = [name for name in probers.targets if name.partition(".")[0] == "websocket"]  # they show users' tokens
        targets = [probers.standing(name, time.time()) for name in probers.targets if name not in late]
        usable = {standing.name for standing in targets if standing.ready}
        users = [] if "auth" in environment.targets and "auth" not in usable else list(environment.users)
        known = [probers.standing(f"user:{name}", time.time()) for name in users]
        standings = [*targets, *known, *(probers.standing(name, time.time()) for name in late)]
    finally:
        probers.close()
    unseen = {standing.name: _unseen(standing) for standing in standings}
    for standing in standings:
        for line in unseen[standing.name] or [_line(standing)]:
            print(redactor.harmless(line))  # noqa: T201 - this is the command's output
    return 0 if all(standing.ready and not unseen[standing.name] for standing in standings) else 1


def _line(standing: Standing) -> str:
    if standing.ready:
        return f"  ready      {standing.name}"
    said = f"{standing.cause}: {standing.message}"
    remedy = next((one.remedy for one in standing.findings if one.code.endswith(".forbidden")), "")
    return _not_ready(standing.name, f"{said}; {remedy}" if remedy else said)


def _not_ready(name: str, said: str) -> str:
    return f"  NOT READY  {name}: {' '.join(said.split())}"  # libpq asks back on a line of its own


def _unseen(standing: Standing) -> list[str]:
    """Of a cluster that answers: the rights that its checks would be blocked without, a line each (R22)."""
    cluster = standing.evidence.facts.get("cluster")
    if not standing.ready or cluster is None:
        return []
    from pytest_prodcheck.criteria.cluster import permission

    return [
        _not_ready(standing.name, f"{finding.code}: {finding.message}; {finding.remedy}")
        for finding in permission.needed(cluster, standing.name)
    ]
