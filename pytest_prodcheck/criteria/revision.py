"""Which revision serves, and whether it is the one that was deployed (R18): the old version may be green too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from pytest_prodcheck.config.models import Revision
from pytest_prodcheck.criteria import exchange
from pytest_prodcheck.criteria.rendering import show
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

CRITERION = "revision"
_LONGEST = 200
_ABBREVIATED = re.compile(r"[0-9a-f]{7,64}", re.IGNORECASE)


def serving(observations: Sequence[Observation], revision: Revision) -> list[str]:
    """The revisions that answered, each once, in the order in which they were seen; the expected one in its own
    spelling where the other is a longer or shorter form of the same commit."""
    said = (read(observation, revision) for observation in observations)
    return list(dict.fromkeys(_spelled(one, revision.expected) for one in said if one))


def read(observation: Observation, revision: Revision) -> str:
    """The revision that one answer names; empty where it cannot be read."""
    if observation.error or observation.status is None or not 200 <= observation.status < 300:
        return ""
    if revision.header:
        return observation.headers.get(revision.header.lower(), "").strip()[:_LONGEST]
    if not revision.at:
        text = observation.body[:_LONGEST].decode("utf-8", "replace").strip()
        return "" if strict_json.looks_like_html(observation.body) else text
    return _at(observation.body, revision.at)


def judge(observations: Sequence[Observation], revision: Revision, target: str) -> list[Finding]:
    """A finding where another revision than `revision.expected` serves, where two do (expected or not), and where one
    answer or all do not say which."""
    if not observations:
        return []
    seen = serving(observations, revision)
    silent = [o for o in observations if not read(o, revision) and not exchange.rate_limited(o)]
    found = []
    if revision.expected and any(one != revision.expected for one in seen):
        found.append(_old(seen, revision.expected, target))
    elif len(seen) > 1:
        message = f"{len(seen)} revisions serve: {', '.join(seen)}"
        found.append(_finding(target, message, "http.revision.mixed", ", ".join(seen), "one revision"))
    if silent or not seen:
        found.append(_unreadable(silent[0] if silent else observations[0], revision, target))
    return found


def _old(seen: Sequence[str], expected: str, target: str) -> Finding:
    others = ", ".join(one for one in seen if one != expected)
    beside = f" beside {expected}" if expected in seen else f", expected {expected}"
    message = f"old version serving: {others}{beside}"
    return _finding(target, message, "http.revision.old_version_serving", ", ".join(seen), expected)


def _unreadable(observation: Observation, revision: Revision, target: str) -> Finding:
    where = f"header {revision.header}" if revision.header else f"key {revision.at}" if revision.at else "body"
    said = (
        exchange.failure(observation) if observation.error else f"{observation.operation} answers {observation.status}"
    )
    message = f"{said}: no revision in its {where}"
    put_off = observation.error == "stopped" or exchange.rate_limited(observation)
    seen = show(observation.excerpt[:60]) if observation.excerpt else observation.error or str(observation.status)
    finding = _finding(target, message, "http.revision.unreadable", seen, revision.expected or "a revision")
    return replace(finding, severity="insufficient" if put_off else "error", data=exchange.facts(observation))


def _finding(target: str, message: str, code: str, seen: str, promised: str) -> Finding:
    return Finding(CRITERION, target, message, code, seen=seen, promised=promised)


def _at(body: bytes, path: str) -> str:
    try:
        value = strict_json.parse(body)
    except ValueError:
        return ""
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return str(value)[:_LONGEST] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _spelled(seen: str, expected: str) -> str:
    """`expected` where both are forms of one commit: an abbreviated hash has at least seven digits (git-rev-parse).
    Build numbers and dates look like one, too: of two that hold no letter the longer must be a whole hash."""
    both = _ABBREVIATED.fullmatch(seen) and _ABBREVIATED.fullmatch(expected)
    short, long = sorted((seen.lower(), expected.lower()), key=len)
    hashes = both and (not long.isdigit() or len(long) in (40, 64))
    return expected if hashes and long.startswith(short) else seen
