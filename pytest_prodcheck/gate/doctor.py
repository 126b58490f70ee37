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
        targets = [probers.standing(name, time.time()) for name in probers.targets]
        usable = {standing.name for standing in targets if standing.ready}
        users = [] if "auth" in environment.targets and "auth" not in usable else list(environment.users)
        standings = [*targets, *(probers.standing(f"user:{name}", time.time()) for name in users)]
    finally:
        probers.close()
    for standing in standings:
        print(redactor.harmless(_line(standing)))  # noqa: T201 - this is the command's output
    return 0 if all(standing.ready for standing in standings) else 1


def _line(standing: Standing) -> str:
    if standing.ready:
        return f"  ready      {standing.name}"
    said = " ".join(standing.message.split())  # libpq asks back on a line of its own
    return f"  NOT READY  {standing.name}: {standing.cause}: {said}"
