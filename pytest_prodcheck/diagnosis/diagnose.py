"""From findings to causes: which roots there are, and what each of them drags down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_prodcheck.diagnosis import cluster, say
from pytest_prodcheck.diagnosis.candidates import Candidate, group
from pytest_prodcheck.diagnosis.causes import depth
from pytest_prodcheck.diagnosis.context import Context
from pytest_prodcheck.diagnosis.refine import refine
from pytest_prodcheck.diagnosis.signs import Sign, collect
from pytest_prodcheck.diagnosis.symptoms import counts_errors, is_request
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.finding import Cause, CheckResult, Severity, Verdict
from pytest_prodcheck.observe.observation import Observation

_OUT = ("database.dns.", "database.tcp.", "database.port.", "database.auth.", "database.name.", "database.server.",
        "database.connection", "database.pool", "database.disk.", "database.network.", "cache.dns.",
        "cache.tcp.", "cache.connection.", "cache.port.", "cache.tls.", "cache.auth.", "cache.server.loading",
        "cache.server.hangs", "cache.server.busy", "cache.server.primary_down", "cache.memory.full",
        "cache.persistence.", "cache.clients.limit", "cache.cluster.down")  # fmt: skip
"""What a health endpoint that asks its dependencies would have seen."""
_SEVERITY: Mapping[Severity, int] = {"error": 0, "blocked": 0, "insufficient": 1, "warning": 2}
_VERDICT: Mapping[Verdict, int] = {"insufficient": 1, "degraded": 2}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The causes, the root that matters most first (what is red, the deepest layer, what drags most), and for each
    failing check the code of its cause."""

    causes: tuple[Cause, ...] = ()
    explained: Mapping[str, str] = field(default_factory=dict)
    """Check id → cause code, for each check that failed, the ones that show the root included; blocked checks are
    only in `Cause.explains`."""


def diagnose(
    results: Sequence[CheckResult],
    observations: Sequence[Observation],
    catalogs: Mapping[str, Catalog] | None = None,
    places: Mapping[str, Mapping[str, Any]] | None = None,
) -> Diagnosis:
    """The diagnosis of a run. `observations` are all of the run, readiness included; `catalogs` what each database that
    could be read holds, `places` where each target is (`host`, `port`, `login`, `issuer` …), both by target."""
    signs = collect(results, observations)
    run = Context(results, observations, signs, catalogs or {}, places or {})
    roots = _with_sums([refine(sign, run) for sign in signs])
    blocked = _blocked(results, roots)
    explained = {sign.check: root.code for root in sorted(roots, key=_late) for sign in roots[root]}
    verdicts = {result.id: result.verdict for result in results}
    causes = [
        (_grade(root, members, blocked.get(root, ()), verdicts), _cause(run, root, members, blocked.get(root, ())))
        for root, members in roots.items()
    ]
    causes.sort(key=lambda one: (one[0], depth(one[1].code), -len(one[1].explains)))
    return Diagnosis(
        tuple(cause for _, cause in causes),
        {result.id: explained[result.id] for result in results if result.id in explained},
    )


def _grade(root: Candidate, signs: Sequence[Sign], blocked: Sequence[str], verdicts: Mapping[str, Verdict]) -> int:
    """0 where it makes a check red or blocks one, 1 where it leaves one unproven or only keeps us from looking, 2 where
    it only warns: on a red run nobody looks first for what was merely not seen."""
    grades = {
        _SEVERITY[sign.finding.severity] if sign.finding else _VERDICT.get(verdicts[sign.check], 0) for sign in signs
    }
    if blocked or not min(grades):
        return 1 if cluster.blinds(root.code) else 0
    return min(grades)


def _with_sums(signs: Sequence[Sign]) -> dict[Candidate, list[Sign]]:
    """The roots; the errors in a target's rates and quantiles are those of its checks, and go to the root of most."""
    sums = [sign for sign in signs if counts_errors(sign)]
    single = [sign for sign in signs if not counts_errors(sign)]
    roots = _roots(group(single))
    if alone := [sign for sign in sums if _most_of(sign, roots) is None]:
        roots = _roots(group([*single, *alone]))
        sums = [sign for sign in sums if sign not in alone]
    for sign in sums:
        if root := _most_of(sign, roots):
            roots[root].append(sign)
    return roots


def _most_of(total: Sign, roots: Mapping[Candidate, Sequence[Sign]]) -> Candidate | None:
    """The root of most of the failed checks of the target whose requests `total` counts."""
    checks = {
        root: len({sign.check for sign in members if sign.target == total.target and is_request(sign)})
        for root, members in roots.items()
    }
    return max((root for root in roots if checks[root]), key=lambda root: checks[root], default=None)


def _roots(candidates: Sequence[Candidate]) -> dict[Candidate, list[Sign]]:
    """Root → all signs that it explains, its own first. A sign goes to the root at the end of its chain of parents."""
    parents = {own: [_parent(sign, own, candidates) for sign in own.signs] for own in candidates}
    roots: dict[Candidate, list[Sign]] = {}
    for own in sorted(candidates, key=lambda one: (all(parents[one]), one.order)):
        for sign, parent in zip(own.signs, parents[own], strict=True):
            roots.setdefault(_end(own, parent, parents), []).append(sign)
    return roots


def _end(
    own: Candidate, parent: Candidate | None, parents: Mapping[Candidate, Sequence[Candidate | None]]
) -> Candidate:
    seen = [own]
    while parent is not None and parent not in seen:
        seen.append(parent)
        onward = parents[parent]
        # a candidate with one unexplained sign is a root itself
        parent = onward[0] if all(onward) else None
    return min(seen, key=lambda one: (one.order, one.code)) if parent is not None else seen[-1]


def _parent(sign: Sign, own: Candidate, candidates: Sequence[Candidate]) -> Candidate | None:
    ranked = [
        (at, other.order, index)
        for index, other in enumerate(candidates)
        if other is not own and (at := other.explains(sign)) is not None
    ]
    return candidates[min(ranked)[2]] if ranked else None


def _late(root: Candidate) -> tuple[int, bool]:
    later, said = root.order
    return -later, not said


def _blocked(results: Sequence[CheckResult], roots: Mapping[Candidate, Sequence[Sign]]) -> dict[Candidate, list[str]]:
    """Root → ids of the checks that could not look because of it."""
    waiting: dict[Candidate, list[str]] = {}
    for result in results:
        if result.verdict == "blocked" and not result.findings and (root := _blocker(result, roots)):
            waiting.setdefault(root, []).append(result.id)
    return waiting


def _blocker(result: CheckResult, roots: Mapping[Candidate, Sequence[Sign]]) -> Candidate | None:
    def fits(root: Candidate) -> tuple[bool, bool, int]:
        needed = any(_needed(sign, result.needs or (result.target,)) for sign in roots[root])
        named = any(result.blocked_by in (sign.code, sign.finding and sign.finding.code) for sign in roots[root])
        return not needed, not named, depth(root.code)

    best = min(roots, key=fits, default=None)
    return best if best and fits(best)[:2] != (True, True) else None


def _needed(sign: Sign, needs: Sequence[str]) -> bool:
    ready = "::test_ready" in sign.check and sign.target in needs
    return ready or ("::test_token" in sign.check and f"user:{sign.data.get('acts_as', '')}" in needs)


def _cause(run: Context, root: Candidate, members: Sequence[Sign], waiting: Sequence[str]) -> Cause:
    checks = {sign.check for sign in members} | set(waiting)
    others = [sign for sign in members if sign not in root.signs]
    explains = [result.id for result in run.results if result.id in checks]
    return say.cause(root, others, explains, _notes(run, root, members), run.places)


def _notes(run: Context, root: Candidate, members: Sequence[Sign]) -> list[str]:
    """R1, R23: a health endpoint that answers well while a dependency is down does not test it."""
    asked = any("health" in sign.check.lower() for sign in members)
    layer = root.code.partition(".")[0]
    applications = any(sign.kind != layer or "::test_login" in sign.check for sign in members)
    if not root.code.startswith(_OUT) or asked or not applications:
        return []
    healthy = [
        result
        for result in run.results
        if result.verdict == "pass" and "health" in result.id and "::http::" in result.id
    ]
    return [f"{healthy[0].id.split('::', 1)[1]} passes: health does not test the {layer} (R1)"] if healthy else []
