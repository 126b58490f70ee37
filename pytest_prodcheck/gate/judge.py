"""Which criteria judge which check: the one place that knows a suite's function and its criteria."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from pytest_prodcheck.config.models import (
    AuthTarget,
    DatabaseTarget,
    Endpoint,
    Environment,
    GraphqlTarget,
    HttpTarget,
    User,
)
from pytest_prodcheck.criteria import error_rate, latency, readiness, server_errors
from pytest_prodcheck.gate import places
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
    """The word for some findings: an error fails, too little seen is insufficient, a warning degrades."""
    severities = {finding.severity for finding in findings}
    if "error" in severities:
        return "fail"
    return "insufficient" if "insufficient" in severities else "degraded" if severities else "pass"


def criteria_of(facts: ItemState) -> tuple[str, ...]:
    """Names of the criteria that judged an item."""
    own = (_CRITERION.get(facts.check.function, "expected_answer"),) if facts.check else ()
    return tuple(dict.fromkeys((*own, "no_server_errors", *(name for name in facts.criteria if name != "needs"))))


_CRITERION: Mapping[str, str] = {
    "test_ready": "ready",
    "test_tables": "schema_tables",
    "test_rls": "rls",
    "test_claims": "jwt_claims",
    "test_latency": "latency",
    "test_error_rate": "error_rate",
    "test_certificate": "certificate",
    "test_security_headers": "security_headers",
    "test_revision": "revision",
    "test_jwks": "jwks",
    "test_signature": "signature",
    "test_token": "token",
}


# --- markers: the same on shipped checks and on users' own tests ---------------------------------------------------------


def _markers(facts: ItemState, record: Record, environment: Environment, asker: Asker, now: float) -> list[Finding]:
    observations = record.observations
    target = facts.check.target if facts.check else _target_of(observations)
    subject = facts.check.subject if facts.check else ""
    settings = environment.confidence, environment.requests.at_most
    findings: list[Finding] = []
    if not (facts.check and (facts.check.last or facts.check.function == "test_broken_token_refused")):
        allowed = facts.criteria.get("allows_server_errors")
        findings += server_errors.no_server_errors(observations, allowed[0]["reason"] if allowed else None)
    if facts.latency and (observations or not facts.check or facts.check.last):
        findings += latency.judge(observations, facts.latency, target, subject, *settings)
    if facts.error_rate:
        findings += error_rate.judge(observations, facts.error_rate, target, subject, *settings)
    for mark in facts.criteria.get("jwt_claims", ()):
        findings += _claims_mark(mark, environment, asker, now)
    return findings + _database_marks(facts, environment, asker)


def _claims_mark(mark: Mapping[str, Any], environment: Environment, asker: Asker, now: float) -> list[Finding]:
    evidence: Evidence = asker.call("standing", (f"user:{mark['user']}",)).evidence
    keys: Evidence = asker.call("standing", (f"jwks:{_auth(environment)[0]}",)).evidence
    declared = environment.users[mark["user"]].model_copy(update={"claims": mark["claims"]})
    both = Evidence((), {**evidence.facts, **keys.facts})
    return [
        *_signature(both, environment, declared, mark["user"]),
        *_claims(both, environment, declared, mark["user"], now),
    ]


def _database_marks(facts: ItemState, environment: Environment, asker: Asker) -> list[Finding]:
    if not {"schema_tables", "rls"} & facts.criteria.keys():
        return []
    from pytest_prodcheck.criteria import rls, schema_tables

    target, table = next((name, table) for name, table in environment.of_kind("database").items())
    catalog = asker.call("standing", (target,)).evidence.facts["catalog"]
    findings: list[Finding] = []
    for mark in facts.criteria.get("schema_tables", ()):
        findings += schema_tables.schema_tables(catalog, mark["tables"], target)
    for mark in facts.criteria.get("rls", ()):
        promise = table.rls or _no_rls()
        promise = promise.model_copy(update={"tables": mark["tables"]}) if mark["tables"] else promise
        findings += rls.rls(catalog, promise, _login_roles(table), target)
    return findings


def _no_rls() -> Any:
    from pytest_prodcheck.config.models import Rls

    return Rls(tables=())


# --- shipped checks -------------------------------------------------------------------------------------------------------


def _of_check(check: Check, evidence: Evidence, environment: Environment, now: float) -> list[Finding]:
    table = environment.targets[check.target]
    if check.function == "test_ready":
        return readiness.target(check.target, table, evidence)
    judges = {"http": _HTTP, "auth": _AUTH, "database": _DATABASE, "graphql": _GRAPHQL}[check.suite]
    judge_of = judges.get(check.function)
    return judge_of(check, evidence, environment, table, now) if judge_of else []


Judge = Callable[[Check, Evidence, Environment, Any, float], list[Finding]]


def _endpoint(
    check: Check, evidence: Evidence, environment: Environment, table: HttpTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import answers

    endpoint = table.endpoints[check.subject]
    declared = [observation for observation in evidence.observations if observation.kind == "declared"]
    if not declared:
        return []
    findings = answers.expected_answer(endpoint, declared[-1], now=now, schema=_schema(environment, endpoint))
    if len(declared) > 1 and not findings:
        first = declared[0]
        text = f"{first.operation}: passed only on retry {len(declared) - 1}: first {first.error or first.status}"
        findings = [
            Finding("expected_answer", check.target, text, "gate.passed_on_retry", "warning", subject=check.subject)
        ]
    return findings


def _schema(environment: Environment, endpoint: Endpoint) -> Mapping[str, Any] | None:
    return _json_file(Path(environment.base) / endpoint.schema_) if endpoint.schema_ else None


@lru_cache(maxsize=128)
def _json_file(path: Path) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _broken_token(
    check: Check, evidence: Evidence, environment: Environment, table: HttpTarget | GraphqlTarget, now: float
) -> list[Finding]:
    """A token with a broken signature is refused, unless the read needs no token at all (A20)."""
    from pytest_prodcheck.criteria import consumers

    good, broken, anonymous = (*evidence.observations, None, None)[:3]
    if broken is None:
        reason = f"{good.operation}: the good token is not accepted, so that a broken one proves nothing"
        return [Finding("signature", check.target, reason, "auth.signature.not_judged", "insufficient")]
    public = anonymous is not None and consumers.accepted(anonymous)
    return [] if public else consumers.checks_signature(good, broken)


def _certificate(
    check: Check, evidence: Evidence, environment: Environment, table: HttpTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import certificate

    return certificate.judge(evidence.observations, table.tls.valid_for, check.target, now=now)


def _headers(
    check: Check, evidence: Evidence, environment: Environment, table: HttpTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import security_headers

    return security_headers.judge(
        evidence.observations, table.security_headers, check.target, now=now, secure=table.url.startswith("https:")
    )


def _revision(
    check: Check, evidence: Evidence, environment: Environment, table: HttpTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import revision

    return revision.judge(evidence.observations, environment.revision, check.target) if environment.revision else []


def _jwks(check: Check, evidence: Evidence, environment: Environment, table: AuthTarget, now: float) -> list[Finding]:
    return readiness.jwks(evidence, check.target)


def _token(check: Check, evidence: Evidence, environment: Environment, table: AuthTarget, now: float) -> list[Finding]:
    return readiness.user(evidence, environment.users[check.subject], check.subject, now)


def _signature_check(
    check: Check, evidence: Evidence, environment: Environment, table: AuthTarget, now: float
) -> list[Finding]:
    return _signature(evidence, environment, environment.users[check.subject], check.subject)


def _claims_check(
    check: Check, evidence: Evidence, environment: Environment, table: AuthTarget, now: float
) -> list[Finding]:
    return _claims(evidence, environment, environment.users[check.subject], check.subject, now)


def _signature(evidence: Evidence, environment: Environment, user: User, name: str) -> list[Finding]:
    from pytest_prodcheck.criteria import tokens

    target, table = _auth(environment)
    token = evidence.facts.get("token")
    return tokens.signature(
        token.value if token else "", evidence.facts.get("jwks"), table, user=name, target=target, opaque=user.opaque
    )


def _claims(evidence: Evidence, environment: Environment, user: User, name: str, now: float) -> list[Finding]:
    from pytest_prodcheck.criteria import claims
    from pytest_prodcheck.observe import jose

    target, table = _auth(environment)
    token = evidence.facts.get("token")
    if token is None or not token.value:
        return []
    payload = token.introspection or {} if user.opaque else jose.read(token.value).payload
    hasura = table.hasura or any(
        isinstance(one, GraphqlTarget) and one.engine == "hasura" for one in environment.targets.values()
    )
    moment = now if user.grant == "static" else token.obtained_at or now
    return claims.claims(payload, user, table, hasura, moment, name=name, target=target)


def _auth(environment: Environment) -> tuple[str, AuthTarget]:
    return next(iter(environment.of_kind("auth").items()), ("auth", AuthTarget()))


def _login(
    check: Check, evidence: Evidence, environment: Environment, table: DatabaseTarget, now: float
) -> list[Finding]:
    failed = [observation for observation in evidence.observations if not observation.expected]
    facts = {name: value for name, value in evidence.facts.items() if name != "catalog"}
    return [readiness.login_failure(check.target, observation, facts) for observation in failed]


def _tables(
    check: Check, evidence: Evidence, environment: Environment, table: DatabaseTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import schema_tables

    return schema_tables.schema_tables(evidence.facts["catalog"], table.tables or (), check.target, _login_roles(table))


def _rls(
    check: Check, evidence: Evidence, environment: Environment, table: DatabaseTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import rls

    if table.rls is None:
        return []
    return rls.rls(evidence.facts["catalog"], table.rls, _login_roles(table), check.target)


def _query(
    check: Check, evidence: Evidence, environment: Environment, table: DatabaseTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import queries

    return queries.judge(table.queries[check.subject], evidence.facts["answer"], check.target, now, check.subject)


def _identity(
    check: Check, evidence: Evidence, environment: Environment, table: DatabaseTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import identity

    return identity.identity(evidence.facts["catalog"], table.identity, check.target)


def _connections(
    check: Check, evidence: Evidence, environment: Environment, table: DatabaseTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import connections

    return connections.connections(evidence.facts["catalog"], table.connections or "", check.target)


def _operation(
    check: Check, evidence: Evidence, environment: Environment, table: GraphqlTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import graphql

    declared = [observation for observation in evidence.observations if observation.kind == "declared"]
    return graphql.judge_operation(declared[-1], table.expect.get(check.subject), now=now) if declared else []


def _health(
    check: Check, evidence: Evidence, environment: Environment, table: GraphqlTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import graphql_engine

    return graphql_engine.healthy(evidence.observations[0], evidence.facts.get("metadata"))


def _introspection(
    check: Check, evidence: Evidence, environment: Environment, table: GraphqlTarget, now: float
) -> list[Finding]:
    from pytest_prodcheck.criteria import graphql_engine

    return graphql_engine.introspection(evidence.observations[0], table.introspection or "open")


def _ide(check: Check, evidence: Evidence, environment: Environment, table: GraphqlTarget, now: float) -> list[Finding]:
    from pytest_prodcheck.criteria import graphql_engine

    return graphql_engine.no_ide(evidence.observations, bool(table.ide))


def _graphql_schema(
    check: Check, evidence: Evidence, environment: Environment, table: GraphqlTarget, now: float
) -> list[Finding]:
    """Documents against the served schema, or the pinned one where introspection is refused; and the two compared."""
    from pytest_prodcheck.criteria import graphql_schema
    from pytest_prodcheck.gate import documents

    found = list(documents.of(environment, table).operations.values())
    served, pinned = str(evidence.facts.get("sdl", "")), _pinned(environment, table)
    findings: list[Finding] = []
    if not served and not pinned:
        return [graphql_schema.unreadable(evidence.observations, str(evidence.facts.get("problem", "")), check.target)]
    schemas = {name: graphql_schema.build(sdl, name) for name, sdl in (("served", served), ("pinned", pinned)) if sdl}
    findings += graphql_schema.validate(found, schemas.get("served") or schemas["pinned"], target=check.target)
    if table.max_depth:
        findings += graphql_schema.too_deep(found, table.max_depth, target=check.target)
    if len(schemas) == 2:
        findings += graphql_schema.breaking(schemas["pinned"], schemas["served"], target=check.target)
    return findings


def _pinned(environment: Environment, table: GraphqlTarget) -> str:
    return (Path(environment.base) / table.schema_).read_text(encoding="utf-8") if table.schema_ else ""


_HTTP: Mapping[str, Judge] = {
    "test_endpoint": _endpoint,
    "test_broken_token_refused": _broken_token,
    "test_certificate": _certificate,
    "test_security_headers": _headers,
    "test_revision": _revision,
}
_AUTH: Mapping[str, Judge] = {
    "test_jwks": _jwks,
    "test_token": _token,
    "test_signature": _signature_check,
    "test_claims": _claims_check,
}
_DATABASE: Mapping[str, Judge] = {
    "test_login": _login,
    "test_tables": _tables,
    "test_rls": _rls,
    "test_query": _query,
    "test_identity": _identity,
    "test_connections": _connections,
}
_GRAPHQL: Mapping[str, Judge] = {
    "test_operation": _operation,
    "test_broken_token_refused": _broken_token,
    "test_health": _health,
    "test_introspection": _introspection,
    "test_ide": _ide,
    "test_schema": _graphql_schema,
}


# --- small things -----------------------------------------------------------------------------------------------------------


def _login_roles(table: DatabaseTarget) -> list[str]:
    """Role names of the declared logins: who row-level security must hold for. Our reader's, where none is declared."""
    from urllib.parse import unquote, urlsplit

    found = []
    for dsn in table.logins.values():
        name = (
            urlsplit(dsn).username
            if "://" in dsn
            else next((part.partition("=")[2] for part in dsn.split() if part.startswith("user=")), None)
        )
        if name:
            found.append(unquote(name))
    return found


def _target_of(observations: Sequence[Observation]) -> str:
    return observations[0].target if observations else ""


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, those that say the same about the same once."""
    seen: dict[tuple[str, str, str, str], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.target, finding.code, finding.subject, finding.message), finding)
    return list(seen.values())
