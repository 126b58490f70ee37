"""What has changed since an earlier run: findings new, known and fixed, and the checks that turned.

Nothing is judged here. A known finding stays what it is, and a check as red as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Literal, NamedTuple

from pytest_prodcheck.history import identity
from pytest_prodcheck.history.earlier import Earlier, Known, Standing, clean
from pytest_prodcheck.observe.finding import Cause
from pytest_prodcheck.observe.result import CheckVerdict

Since = Literal["new", "known"]
_GREEN = ("pass",)
_LOOKED = ("pass", "degraded", "fail")
"""Verdicts of a check whose findings are all that there were to find: one that is blocked or unproven is no sign that
anything was fixed."""
_RANK: Mapping[str, int] = {"pass": 0, "degraded": 1, "insufficient": 2, "blocked": 3, "fail": 4}
_MOST = 1000


class Changes(NamedTuple):
    """The run's checks and causes with what is new of them, and what else has changed."""

    checks: tuple[CheckVerdict, ...]
    causes: tuple[Cause, ...]
    new: int
    known: int
    fixed: tuple[Known, ...]
    unseen: int
    """Findings of the earlier run whose check did not look this time, so that nobody knows."""
    turned: tuple[Mapping[str, str], ...]


def since(
    earlier: Earlier,
    checks: Sequence[CheckVerdict],
    causes: Sequence[Cause],
    accepted: Sequence[Mapping[str, Any]],
    compared: Iterable[tuple[str, str]],
) -> Changes:
    """What has changed. `accepted` are this run's accepted findings, which are neither fixed nor new; `compared` are
    target and subject of each series that was held against the earlier run and is no slower."""
    left = _Left(earlier)
    marked = tuple(_marked(check, earlier.checks.get(check.id), left) for check in checks)
    for row in accepted:
        left.forget(str(row["target"]), str(row["code"]))
    looked = {check.id: check.verdict for check in checks}
    no_slower = set(compared)
    fixed = [one for one in left.rest() if _was_looked_at(one, looked, no_slower)]
    rows = [row for check in marked for row in check.findings]
    bare = [check for check in marked if not check.findings and check.verdict != "blocked" and check.since]
    return Changes(
        marked,
        tuple(_marked_cause(cause, earlier, marked) for cause in causes),
        sum(row["since"] == "new" for row in rows) + sum(check.since == "new" for check in bare),
        sum(row["since"] == "known" for row in rows) + sum(check.since == "known" for check in bare),
        tuple(fixed),
        len(left.rest()) - len(fixed),
        tuple(_turned(earlier, checks)),
    )


def as_json(changes: Changes, earlier: Earlier, latency: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`baseline` of `verdict.json`."""
    return {
        "file": earlier.file,
        "started_at": earlier.started_at,
        "verdict": earlier.verdict,
        "complete": earlier.complete,
        "new": changes.new,
        "known": changes.known,
        "fixed": [{**asdict(one), "message": clean(one.message), "subject": clean(one.subject),
                   "promised": clean(one.promised)} for one in changes.fixed[:_MOST]],
        "unseen": changes.unseen,
        "turned": list(changes.turned[:_MOST]),
        "latency": list(latency),
        "runs": list(earlier.runs),
    }  # fmt: skip


class _Left:
    """The earlier run's findings that nothing of this run was yet recognised as."""

    def __init__(self, earlier: Earlier) -> None:
        self._by_key: dict[tuple[str, str, str], list[Known]] = {}
        for one in earlier.findings:
            self._by_key.setdefault(identity.key(asdict(one), one.check), []).append(one)

    def take(self, row: Mapping[str, Any], check: str) -> Known | None:
        """The earlier finding that this one is; it is taken, so that two of now are not one of then."""
        waiting = self._by_key.get(identity.key(row, check), [])
        message, promised = str(row["message"]), str(row.get("promised", ""))
        fitting = [one for one in waiting if identity.alike(promised, message, one.promised, one.message)]
        if not fitting:
            return None
        same = [one for one in fitting if one.check == check] or fitting
        found = next((one for one in same if one.message == message), same[0])
        waiting.remove(found)
        return found

    def forget(self, target: str, code: str) -> None:
        """Leaves out what an accepted finding may be."""
        for found in [found for found in self._by_key if found[:2] == (target, code)]:
            del self._by_key[found]

    def rest(self) -> list[Known]:
        return [one for waiting in self._by_key.values() for one in waiting if one.check]


def _marked(check: CheckVerdict, then: Standing | None, left: _Left) -> CheckVerdict:
    rows = tuple(_row(row, check.id, left) for row in check.findings)
    if check.verdict in _GREEN:
        return replace(check, findings=rows)
    if rows:
        return replace(check, findings=rows, since="new" if any(row["since"] == "new" for row in rows) else "known")
    known = then is not None and _as_bad(check, then)
    return replace(check, since="known" if known else "new")


def _row(row: Mapping[str, Any], check: str, left: _Left) -> Mapping[str, Any]:
    found = left.take(row, check)
    if found is None or identity.worse(str(row["severity"]), found.severity):
        return {**row, "since": "new"}
    return {**row, "since": "known", "first_seen": found.first_seen}


def _as_bad(check: CheckVerdict, then: Standing) -> bool:
    """Whether a check without findings was as bad for the same reason."""
    if _RANK[check.verdict] > _RANK.get(then.verdict, 0):
        return False
    if check.verdict == "blocked":
        return then.verdict == "blocked" and then.blocked_by == (check.blocked_by or "")
    return bool(check.message) and identity.skeleton(check.message) == identity.skeleton(then.message)


def _marked_cause(cause: Cause, earlier: Earlier, checks: Sequence[CheckVerdict]) -> Cause:
    """A cause is known by its words, by its own findings, or, where it has none, by a check that it explained then."""
    alike = [root for root in earlier.causes if (root.code, root.target) == (cause.code, cause.target)]
    words = identity.skeleton(cause.message)
    known = [root for root in alike if identity.skeleton(root.message) == words]
    own = [row for check in checks if check.id in cause.explains for row in check.findings if row["code"] == cause.code]
    own = [row for row in own if identity.skeleton(str(row["message"])) == words] or own
    if not known and own:
        known = alike if any(row["since"] == "known" for row in own) else []
    elif not known:
        known = [root for root in alike if root.explains & set(cause.explains)]
    if not known:
        return replace(cause, since="new")
    return replace(cause, since="known", first_seen=min(root.first_seen for root in known))


def _was_looked_at(one: Known, looked: Mapping[str, str], no_slower: set[tuple[str, str]]) -> bool:
    if one.code == "baseline.latency.slower":
        return (one.target, one.subject) in no_slower
    return looked.get(one.check, "") in _LOOKED


def _turned(earlier: Earlier, checks: Sequence[CheckVerdict]) -> Iterable[Mapping[str, str]]:
    """Checks whose verdict is another one, what became worse first."""
    rows = [(check.id, then.verdict, check.verdict) for check in checks if (then := earlier.checks.get(check.id))]
    changed = [row for row in rows if row[1] != row[2]]
    for name, was, word in sorted(changed, key=lambda row: _RANK.get(row[1], 0) - _RANK[row[2]]):
        yield {"id": name, "was": was, "is": word}
