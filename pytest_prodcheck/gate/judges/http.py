"""The checks of `suites/http.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_prodcheck.config.models import Endpoint, HttpTarget
from pytest_prodcheck.criteria import answers, cleanup
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.gate.judges.tls import certificate
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation


def endpoint(case: Case) -> list[Finding]:
    """The last answer to the declared request; one that was right on a retry only is a warning."""
    declared, promised = case.declared, case.table(HttpTarget).endpoints[case.check.subject]
    if not declared:
        return [Finding("expected_answer", case.check.target, "no request was made", "gate.not_executed")]
    schema = _json_file(Path(case.environment.base) / promised.schema_) if promised.schema_ else None
    findings = answers.expected_answer(promised, declared[-1], now=case.now, schema=schema)
    findings += cleanup.cleaned_up(promised, declared[-1], case.evidence.facts.get("cleanup"))
    first, target, before = declared[0], case.check.target, case.evidence.facts.get("broken_before", ())
    attempts = [*before, *(one.error or str(one.status) for one in declared)]
    if len(attempts) == 1 or findings or not declared[-1].expected:
        return findings
    text = f"{first.operation}: passed only on retry {len(attempts) - 1}: first {attempts[0]}"
    return [Finding("expected_answer", target, text, "gate.passed_on_retry", "warning", subject=case.check.subject)]


def broken_token_refused(case: Case) -> list[Finding]:
    """A token with a broken signature is refused, unless the read needs no token at all (A20)."""
    from pytest_prodcheck.criteria import consumers

    good, *others = case.evidence.observations
    if not others:
        reason = f"{good.operation}: the good token is not accepted, so that a broken one proves nothing"
        return [Finding("signature", case.check.target, reason, "auth.signature.not_judged", "insufficient")]
    public = len(others) > 1 and consumers.accepted(others[1], good)
    return [] if public else consumers.checks_signature(good, others[0])


def refuses(case: Case) -> list[Finding]:
    """The tokens that must be refused here are."""
    from pytest_prodcheck.criteria.refusals import Asked, refusals
    from pytest_prodcheck.gate.judges.auth import provider

    facts, table = case.evidence.facts, case.environment.targets[case.check.target]
    if not case.evidence.observations:
        return [Finding("refuses", case.check.target, "no token was shown", "gate.not_executed")]
    lists = (facts.get("refusals", ()), facts.get("unmade", {}), facts.get("specimens", {}))
    asked = Asked(facts.get("good"), *lists, facts.get("jwks"), bool(facts.get("public")))
    promised = table.endpoints[case.check.subject] if isinstance(table, HttpTarget) else table
    refused = getattr(promised, "refused", ())
    if isinstance(promised, Endpoint):
        if asked.good is not None and (pages := _pages(promised, asked.good, case.now)):
            return pages  # a route of pages answers in the API's place: whoever asks, no token is looked at
        told = [(name, _told_from_a_page(promised, seen, case.now)) for name, seen in asked.answers]
        asked = replace(asked, answers=told)
    return refusals(asked, refused, provider(case.environment)[1], case.now, case.check.target)


def _pages(promised: Endpoint, seen: Observation, now: float) -> list[Finding]:
    """What is found of a page in the place of the promised data."""
    return [found for found in answers.expected_answer(promised, seen, now=now) if found.code == "http.answer.html"]


def _told_from_a_page(promised: Endpoint, seen: Observation, now: float) -> Observation:
    """The answer, not taken for an acceptance where it is a page and data is promised."""
    return replace(seen, data={**seen.data, "accepted": False}) if _pages(promised, seen, now) else seen


def security_headers(case: Case) -> list[Finding]:
    """The headers of some answers, by the promised rule set."""
    from pytest_prodcheck.criteria import security_headers

    table = case.table(HttpTarget)
    if table.security_headers is None:
        return []
    return security_headers.judge(
        case.evidence.observations,
        table.security_headers,
        case.check.target,
        now=case.now,
        secure=table.url.startswith("https:"),
    )


def revision(case: Case) -> list[Finding]:
    """What serves, against what was expected."""
    from pytest_prodcheck.criteria import revision

    promised = case.environment.revision
    return revision.judge(case.evidence.observations, promised, case.check.target) if promised else []


@lru_cache(maxsize=128)
def _json_file(path: Path) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


JUDGES: Mapping[str, Judge] = {
    "test_endpoint": endpoint,
    "test_refuses": refuses,
    "test_broken_token_refused": broken_token_refused,
    "test_certificate": certificate,
    "test_security_headers": security_headers,
    "test_revision": revision,
}
