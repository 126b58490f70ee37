"""What is found about one item: by the judge of its shipped check, and by its markers, which any test may carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.criteria import error_rate, latency, readiness, server_errors
from pytest_prodcheck.gate import places
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.gate.plan import Check
from pytest_prodcheck.gate.recorder import Record
from pytest_prodcheck.gate.state import ItemState
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding, Verdict
from pytest_prodcheck.observe.observation import Observation


class Asker(Protocol):
    """The owner, for facts that a user's own markers need."""

    def call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """The owner's answer."""
        ...


def judge(facts: ItemState, record: Record, environment: Environment, asker: Asker, now: float) -> list[Finding]:
    """All findings about one attempt of one item."""
    findings: list[Finding] = []
    if facts.check is not None and record.evidence is not None:
        findings += _of_check(facts.check, record.evidence, environment, now)
    findings += _markers(facts, record, environment, asker, now)
    return [places.located(finding, environment, record.observations) for finding in _once(findings)]


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """The word for some findings: an error fails, what we may not look at is blocked, too little seen is insufficient,
    a warning degrades."""
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return "fail"
    if "blocked" in severities:
        return "blocked"
    return "insufficient" if "insufficient" in severities else "degraded" if severities else "pass"


def criteria_of(facts: ItemState) -> tuple[str, ...]:
    """Names of the criteria that judged an item."""
    own = (_CRITERION.get(facts.check.function, "expected_answer"),) if facts.check else ()
    return tuple(dict.fromkeys((*own, "no_server_errors", *(name for name in facts.criteria if name != "needs"))))


_CRITERION: Mapping[str, str] = {
    "test_ready": "ready",
    "test_pods": "pods",
    "test_rollout": "rollout",
    "test_job": "job",
    "test_cronjob": "cronjob",
    "test_image": "image",
    "test_restarts": "restarts",
    "test_secrets": "secrets",
    "test_configmaps": "configmaps",
    "test_tables": "schema_tables",
    "test_contract": "database_contract",
    "test_rls": "rls",
    "test_rls_proof": "rls_proof",
    "test_migrations": "migrations",
    "test_health": "health",
    "test_pooler": "pooler",
    "test_rows": "rows",
    "test_relations": "relations",
    "test_plan": "plan",
    "test_lint": "lint",
    "test_claims": "jwt_claims",
    "test_latency": "latency",
    "test_error_rate": "error_rate",
    "test_certificate": "certificate",
    "test_security_headers": "security_headers",
    "test_revision": "revision",
    "test_jwks": "jwks",
    "test_jwt_config": "jwt_config",
    "test_refuses": "refuses",
    "test_discovery": "discovery",
    "test_signature": "signature",
    "test_token": "token",
    "test_compose_service": "containers",
    "test_compose_file": "containers",
    "test_compose_usage": "containers",
    "test_role": "role",
    "test_replication": "replication",
    "test_memory": "memory",
    "test_clients": "clients",
    "test_persistence": "persistence",
    "test_version": "version",
    "test_cluster": "cluster",
    "test_sentinel": "sentinel",
    "test_slow_log": "slow_log",
    "test_keys": "keys",
    "test_expires": "expires",
    "test_evicted": "evicted",
    "test_hit_ratio": "hit_ratio",
    "test_round_trip": "round_trip",
    "test_serves": "serves",
    "test_coverage": "log_coverage",
    "test_server_errors": "log_requests",
    "test_errors": "log_errors",
    "test_forbidden": "log_forbidden",
    "test_private": "log_privacy",
    "test_slow": "log_slow",
    "test_retries": "log_retries",
    "test_refused_logins": "log_logins",
    "test_structured": "log_structure",
    "test_startup": "log_startup",
    "test_traces": "log_traces",
    "test_load": "load",
    "test_soak": "load",
    "test_limits": "load",
    "test_step": "messages",
    "test_close": "close",
    "test_stable": "stable",
    "test_reconnects": "reconnects",
    "test_foreign_origin": "origin",
}


_JUDGED_ELSEWHERE = ("test_broken_token_refused", "test_refuses", "test_denied", "test_discovery", "test_certificate",
                     "test_reconnects", "test_foreign_origin")  # fmt: skip
"""Checks whose exchanges have their 5xx judged by what they ask, or by the readiness that they share."""


def _markers(facts: ItemState, record: Record, environment: Environment, asker: Asker, now: float) -> list[Finding]:
    observations = record.observations
    target = facts.check.target if facts.check else _target_of(observations)
    subject = facts.check.subject if facts.check else ""
    settings = environment.confidence, environment.requests.at_most
    findings: list[Finding] = []
    if not (facts.check and (facts.check.last or facts.check.function in _JUDGED_ELSEWHERE)):
        allowed = facts.criteria.get("allows_server_errors")
        answers = _answered_here(facts.check, observations, environment)
        findings += server_errors.no_server_errors(answers, allowed[0]["reason"] if allowed else None)
    if facts.latency and (observations or not facts.check or facts.check.last):
        findings += latency.judge(observations, facts.latency, target, subject, *settings)
    if facts.error_rate:
        findings += error_rate.judge(observations, facts.error_rate, target, subject, *settings)
    for mark in facts.criteria.get("jwt_claims", ()):
        findings += _claims_mark(mark, environment, asker, now)
    return findings + _database_marks(facts, environment, asker)


def _answered_here(
    check: Check | None, observations: Sequence[Observation], environment: Environment
) -> Sequence[Observation]:
    """Without the answers of declared endpoints that readiness asked: each is judged by a check of its own, which knows
    its expected status and severity. Of an endpoint's retries the last answer: that one came late is said elsewhere."""
    if check is None or check.function != "test_ready":
        sent = [seen for seen in observations if seen.kind == "declared"]
        retried = check is not None and check.function == "test_endpoint" and sent and sent[-1].expected
        return sent[-1:] if retried else observations
    endpoints = getattr(environment.targets[check.target], "endpoints", {})
    declared = {f"GET {endpoint.path}" for endpoint in endpoints.values()}
    return [observation for observation in observations if observation.operation not in declared]


def _claims_mark(mark: Mapping[str, Any], environment: Environment, asker: Asker, now: float) -> list[Finding]:
    from pytest_prodcheck.gate.judges import auth

    evidence: Evidence = asker.call("standing", (f"user:{mark['user']}",)).evidence
    keys: Evidence = asker.call("standing", (f"jwks:{auth.provider(environment)[0]}",)).evidence
    declared = environment.users[mark["user"]].model_copy(update={"claims": mark["claims"]})
    both = Evidence((), {**evidence.facts, **keys.facts})
    signed = auth.signed(both, environment, declared, mark["user"])
    return signed + auth.claimed(both, environment, declared, mark["user"], now)


def _database_marks(facts: ItemState, environment: Environment, asker: Asker) -> list[Finding]:
    if not {"schema_tables", "rls"} & facts.criteria.keys():
        return []
    from pytest_prodcheck.config.models import Rls
    from pytest_prodcheck.criteria import rls, schema_tables
    from pytest_prodcheck.gate.judges.database import login_roles

    target, table = next(iter(environment.of_kind("database").items()))
    catalog = asker.call("standing", (target,)).evidence.facts["catalog"]
    findings: list[Finding] = []
    for mark in facts.criteria.get("schema_tables", ()):
        findings += schema_tables.schema_tables(catalog, mark["tables"], target)
    for mark in facts.criteria.get("rls", ()):
        promise = table.rls or Rls(tables=())
        promise = promise.model_copy(update={"tables": mark["tables"]}) if mark["tables"] else promise
        findings += rls.rls(catalog, promise, login_roles(table), target)
    return findings


def _of_check(check: Check, evidence: Evidence, environment: Environment, now: float) -> list[Finding]:
    """What the judge of the check's suite finds; its module is loaded when the first check of the suite is judged."""
    if check.function == "test_ready":
        return readiness.target(check.target, environment.targets[check.target], evidence)
    judges: Mapping[str, Judge] = import_module(f"pytest_prodcheck.gate.judges.{check.suite}").JUDGES
    judge_of = judges.get(check.function)
    return judge_of(Case(check, evidence, environment, now)) if judge_of else []


def _target_of(observations: Sequence[Observation]) -> str:
    return observations[0].target if observations else ""


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, those that say the same about the same once."""
    seen: dict[tuple[str, str, str, str], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.target, finding.code, finding.subject, finding.message), finding)
    return list(seen.values())
