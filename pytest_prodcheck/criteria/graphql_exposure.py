"""A GraphQL API shows and takes no more than it promises: names it proposes, batches, depth.

Advice of the GraphQL Foundation ("Security"): in production introspection, suggestions and batches are switched off,
and depth is limited.
"""

from __future__ import annotations

import re
from typing import Final, Literal

from pytest_prodcheck.criteria import graphql_codes, graphql_refusal
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import Json, Observation

Policy = Literal["open", "refused"]

_OF_DEPTH: Final = re.compile(
    r"depth|\bdeep(?:ly|er)?\b|\bnest(?:ed|ing)\b|complex|\bcosts?\b|\b(?:query|operation|document|selections?|nodes?|tokens?)"
    r" (?:\w+ )?limit|too (?:large|big|many (?:levels|nodes|tokens|fields|selections))",
    re.IGNORECASE,
)
"""What servers say of a document that asks for too much. A `limit` alone is an argument, or one of requests."""


def suggestions(probe: Observation, policy: Policy) -> list[Finding]:
    """Whether errors propose names (`Did you mean "tasks"?`), by which a schema can be guessed without
    introspection. An answer without an error about the misspelt field proves nothing."""
    if unclear := _unclear(probe, "suggestions", policy):
        return unclear
    if not probe.data.get("errors"):
        return [_finding(probe, "suggestions", "an unknown field is no error", promised=policy,
                         severity="insufficient", code="graphql.answer.unclear")]  # fmt: skip
    return _compared(probe, "suggestions", bool(probe.data.get("suggests")), policy, "field suggestions are")


def batching(probe: Observation, policy: Policy) -> list[Finding]:
    """Whether several operations may come in one request: how limits of requests are passed by."""
    if not probe.data.get("batched") and (unclear := _unlistened(probe, "batching", policy)):
        return unclear
    return _compared(probe, "batching", bool(probe.data.get("batched")), policy, "batching is")


def depth(probe: Observation | None, at_most: int, target: str, problem: str = "") -> list[Finding]:
    """Whether a query that is deeper than `max_depth` is refused. Where the schema has no deeper query, none can be
    sent; where no schema could be read, nothing was proven."""
    if probe is None:
        what = f"no schema to write a query of {at_most + 1} levels from: {problem}"
        return [Finding("max_depth", target, what, "graphql.schema.unreadable", "insufficient")] if problem else []
    if unclear := _unclear(probe, "max_depth", f"<= {at_most}"):
        return unclear
    deep = probe.data.get("depth")
    if not probe.data.get("errors"):
        skipped = bool(probe.data.get("skipped"))
        how = "skipped by @include(if: false): a server that measures only what it executes is right" if skipped else ""
        what = f"a query of {deep} levels is answered, max_depth is {at_most}{'; ' if how else ''}{how}"
        severity: Severity = "warning" if skipped else "error"
        return [_finding(probe, "max_depth", what, "graphql.depth.not_limited", str(deep), f"<= {at_most}", severity)]
    if any(_OF_DEPTH.search(graphql_refusal.words(str(error.get("message")))) for error in probe.data["errors"]):
        return []
    what = f"a query of {deep} levels is refused for another reason: {probe.message or probe.code}"
    return [
        _finding(probe, "max_depth", what, "graphql.answer.unclear", probe.message, f"<= {at_most}", "insufficient")
    ]


def _compared(probe: Observation, criterion: str, shown: bool, policy: Policy, words: str) -> list[Finding]:
    seen: Policy = "open" if shown else "refused"
    if seen == policy:
        return []
    text = f"{words} {seen}, promised {policy}"
    return [_finding(probe, criterion, text, f"graphql.{criterion}.{seen}", seen, policy)]


def _unclear(probe: Observation, criterion: str, promised: str) -> list[Finding]:
    """What answers nothing about the promise: no answer, a 5xx, a page, a refusal of the caller."""
    if probe.data.get("shape") in (None, "graphql"):
        return _unlistened(probe, criterion, promised)
    return [_unjudged(probe, criterion, promised)]


def _unlistened(probe: Observation, criterion: str, promised: str) -> list[Finding]:
    """What never came to where the promise is kept: no answer, a 5xx, a refusal of the caller."""
    told = graphql_codes.explain(probe.code, probe.message, probe)
    rejected = told.code.startswith(("auth.", "runner.")) or probe.status in (401, 404, 429)
    redirected = probe.status is not None and 300 <= probe.status < 400
    if probe.error or probe.server_error or rejected or redirected:
        return [_unjudged(probe, criterion, promised)]
    if not graphql_refusal.permission(probe.code, probe.message):
        return []
    what = f"{criterion} cannot be judged: the caller is refused: {probe.code}: {probe.message}"
    return [_finding(probe, criterion, what, "graphql.answer.unclear", probe.message, promised, "insufficient")]


def _unjudged(probe: Observation, criterion: str, promised: str) -> Finding:
    told = graphql_codes.explain(probe.code, probe.message, probe)
    why = probe.error or (f"{probe.code}: {probe.message}" if probe.message else f"status {probe.status}")
    code = told.code if told.code.startswith(("auth.", "runner.")) else "unknown"
    return _finding(probe, criterion, f"{criterion} cannot be judged: {why}", code, promised=promised, data=told.data)


def _finding(
    probe: Observation,
    criterion: str,
    message: str,
    code: str,
    seen: str = "",
    promised: str = "",
    severity: Severity = "error",
    data: object = None,
) -> Finding:
    facts: dict[str, Json] = {"status": probe.status, "operation": probe.operation, "error": probe.error,
                              "user": probe.user}  # fmt: skip
    more = data if isinstance(data, dict) else {}
    return Finding(criterion, probe.target, message, code, severity, seen, promised, data={**facts, **more})
