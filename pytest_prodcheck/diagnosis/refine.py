"""Rules that make one sign's code more exact by what the rest of the run shows (criteria.md §4.6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pytest_prodcheck.diagnosis import bodies, cluster, load, transport
from pytest_prodcheck.diagnosis.context import Context, expired
from pytest_prodcheck.diagnosis.signs import GENERIC, Sign

Rule = Callable[[Sign, Context], Sign]
"""Gives the sign back, unchanged where it does not apply."""

_TRANSPORT = ("http.dns.", "http.tcp.", "database.dns.", "database.tcp.", "auth.idp.unreachable")
_FROM_CLUSTER = ("database.tcp.refused", "database.tcp.timeout")
_TIMED = ("auth.token.not_yet_valid", "auth.clock.skewed", "runner.token.expired", "http.tls.not_yet_valid")
_NOTHING = ("0", "[]", "null", "size == 0", "size 0", "an empty list", "absent", "== 0")
_FROM = re.compile(r"\bfrom\s+([\w.\"]+)", re.IGNORECASE)
_IS_NULL = re.compile(r"([\w.\"]+)\s+is\s+null", re.IGNORECASE)
_POINTS_NOWHERE = re.compile(
    r"\w_?id\s+is\s+null|left\s+(outer\s+)?join|not\s+exists|not\s+in\s*\(\s*select", re.IGNORECASE
)
_PAGE = re.compile(r"<(!doctype html|html|title)\b", re.IGNORECASE)
_NO_JSON = ("http.answer.html", "http.answer.not_json", "http.answer.wrong_content_type", "http.protocol.garbage")


def told_by_its_log(sign: Sign, run: Context) -> Sign:
    """E45: an error that says nothing of its reason, and whose own log line, found by its request id, does."""
    said = next((run.logged[name] for name in sign.data.get("request_ids", ()) if name in run.logged), None)
    if said is None or sign.code not in GENERIC or not (said["code"] or said["exception"]):
        return sign
    text = str(next(iter(said["lines"]), ""))
    if said["code"] and not str(said["code"]).startswith("logs."):
        reason = bodies.reveal(text)
        return replace(sign.turned(said["code"], **(reason.data if reason else {}), text=text), revealed=True)
    named = {"exception": said["exception"]} if said["exception"] else {}
    return sign.turned("http.application.unhandled_exception", **named, text=text)


def provider_from_pod(sign: Sign, run: Context) -> Sign:
    """A64: the log of a pod says that it cannot fetch the keys, which answer us."""
    if sign.kind != "logs" or sign.code != "auth.idp.unreachable" or not run.passed("auth", "test_ready"):
        return sign
    message = f"{sign.data.get('origin')} cannot reach the JWKS URL from its pod; from here it answers"
    finding = replace(sign.finding, remedy="look at the egress policy of that pod") if sign.finding else None
    return replace(sign, message=message, finding=finding)


def runner_network(sign: Sign, run: Context) -> Sign:
    """R21: no host answers, so the runner's own network is the cause and nothing is said about the environment."""
    return sign.turned(run.network_code) if run.network_code and sign.code.startswith(_TRANSPORT) else sign


def in_place_of_it(sign: Sign, _run: Context) -> Sign:
    """A gateway that knows no route, or a page of maintenance, answers in place of an application."""
    text = str(sign.data.get("text", ""))
    if sign.status == 403 and sign.code == "graphql.endpoint.not_graphql" and _PAGE.search(text):
        return sign.turned("unknown")  # a firewall's page says nothing about the URL
    page = sign.code in (*_NO_JSON, "unknown", "http.answer.unexpected_status", "graphql.endpoint.not_graphql")
    if not page or sign.kind not in ("http", "graphql"):
        return sign
    if transport.no_route(sign.status, text):
        return sign.turned("http.upstream.no_route")
    return sign.turned("http.application.in_maintenance") if transport.maintenance_page(text) else sign


def captive_portal(sign: Sign, run: Context) -> Sign:
    """Unrelated hosts give the same page: something between them and us answers."""
    page = sign.code in (*_NO_JSON, "http.answer.redirected", "http.answer.unexpected_body",
                         "graphql.endpoint.not_graphql",
                         "auth.discovery.wrong_application", "auth.jwks.not_json", "unknown")  # fmt: skip
    return sign.turned("runner.proxy.in_path") if run.portal and page else sign


def clocks(sign: Sign, run: Context) -> Sign:
    """A difference of clocks: the runner's where all servers differ alike, else the provider's or the API's."""
    if sign.code not in _TIMED or not run.skew:
        return sign
    values = list(run.skew.values())
    alike = set(run.skew) == run.dated and max(values) - min(values) < 30
    return sign.turned("runner.clock.skewed" if alike else "auth.clock.skewed", seen=f"{max(values, key=abs):+.0f} s")


def expired_token(sign: Sign, run: Context) -> Sign:
    """R26 or skew: a consumer calls a token expired that is valid by our clock."""
    if sign.code != "runner.token.expired" or sign.kind == "auth":
        return sign
    valid_here = run.passed("auth", "test_claims", str(sign.data.get("acts_as", "")))
    return sign.turned("auth.clock.skewed") if valid_here else sign


def password_or_role(sign: Sign, run: Context) -> Sign:
    """28P01 has one text for a wrong password, a missing and an expired role: the catalog tells them apart."""
    user = str(sign.data.get("user", ""))
    if sign.code not in ("database.auth.password_rejected", "database.auth.role_missing") or not user:
        return sign
    if "role_exists" in sign.data:  # another credential was asked already
        return sign.turned(sign.code)
    if run.roles is None:
        return sign if sign.code.endswith("missing") else sign.turned(sign.code, undecided=True)
    if user not in run.roles:
        return sign.turned("database.auth.role_missing")
    return sign.turned(_role_code(run.roles[user], run.now), role_exists=True, **_until(run.roles[user]))


def _role_code(role: Mapping[str, Any], now: float) -> str:
    if role.get("login") is False:
        return "database.auth.role_nologin"
    return "database.auth." + ("role_expired" if expired(role.get("valid_until"), now) else "password_rejected")


def _until(role: Mapping[str, Any]) -> dict[str, Any]:
    return {"valid_until": role["valid_until"]} if role.get("valid_until") else {}


def blocked_from_cluster(sign: Sign, run: Context) -> Sign:
    """R2: the application cannot reach a database that answers us."""
    here = run.passed("database", "test_ready")
    return (
        sign.turned("database.network.blocked_from_cluster")
        if sign.revealed and here and sign.code in _FROM_CLUSTER
        else sign
    )


def search_path(sign: Sign, run: Context) -> Sign:
    """R13: the application misses a table that our reader finds, by the catalog or, without one, by `tables`."""
    if sign.code != "database.schema.table_missing" or not sign.revealed:
        return sign
    there = run.has_table(str(sign.data.get("table", "")))
    there = run.passed("database", "test_tables") if there is None else there
    return sign.turned("database.schema.search_path") if there else sign


def query_answer(sign: Sign, _run: Context) -> Sign:
    """A query's answer is not the promised one: no rows where some are promised, rows that point nowhere, NULLs."""
    sql = str(sign.data.get("sql", ""))
    if sign.kind != "database" or not sql or sign.finding is None:
        return sign
    named = {name: found for name, found in _named(sql).items() if name not in sign.data}
    answered = sign.code == "unknown" and "answer" in sign.data
    code = _answer_code(sql, sign.finding.seen, sign.finding.promised) if answered else sign.code
    return replace(sign, code=code, data={**sign.data, **named})


def _answer_code(sql: str, seen: str, promised: str) -> str:
    if re.match(r"(size )?(>|>=) ", promised) and seen in _NOTHING:
        return "database.data.seed_missing"
    if promised in _NOTHING and seen not in _NOTHING:
        if _POINTS_NOWHERE.search(sql):
            return "database.data.orphans"
        if _IS_NULL.search(sql):
            return "database.data.null_values"
    return "database.query.unexpected"


def _named(sql: str) -> dict[str, str]:
    table, column = _FROM.search(sql), _IS_NULL.search(sql)
    return ({"table": table[1]} if table else {}) | ({"column": column[1]} if column else {})


def pool_or_server(sign: Sign, _run: Context) -> Sign:
    """R14: a pool's time-out while the server itself is full is the server's exhaustion."""
    room, limit = sign.data.get("server_connections"), sign.data.get("limit")
    full = isinstance(room, int) and isinstance(limit, int) and room >= limit - 3
    return sign.turned("database.connections.exhausted") if sign.code == "database.pool.exhausted" and full else sign


def header_dropped(sign: Sign, _run: Context) -> Sign:
    """A service misses the Authorization header: dropped on the way only if we sent one."""
    if sign.code != "auth.header.dropped" or sign.data.get("acts_as"):
        return sign
    return sign.turned("graphql.errors.in_answer" if sign.kind == "graphql" else "unknown")


def replicas(sign: Sign, run: Context) -> Sign:
    """R19: one request, one token, now accepted and now 401."""
    shown = sign.status == 401 or sign.criterion == "error_rate" or sign.code.startswith("auth.")
    return sign.turned("auth.secret.replicas_disagree") if shown and run.alternates(sign) else sign


def stale_keys(sign: Sign, run: Context) -> Sign:
    """R6: only a token that verifies here shows that the consumer's keys are old; else its key is simply unknown."""
    refused = ("auth.jwks.stale_in_consumer", "auth.token.signature_invalid", "auth.jwks.key_missing")
    if sign.code not in refused or sign.kind == "auth":
        return sign
    if run.passed("auth", "test_signature", str(sign.data.get("acts_as", ""))):
        return sign.turned("auth.jwks.stale_in_consumer")
    checked = any("::auth::test_signature" in result.id for result in run.results)
    return sign if checked else sign.turned("auth.token.signature_invalid")


def permission_or_tracking(sign: Sign, _run: Context) -> Sign:
    """R9, R10: the same document as administrator tells a missing permission from an untracked table."""
    if sign.code not in ("graphql.permission.missing", "graphql.document.outdated", "graphql.table.not_tracked"):
        return sign
    admin = str(sign.data.get("admin_result", ""))
    if admin in ("data", "ok"):
        return sign if sign.code == "graphql.permission.missing" else sign.turned("graphql.permission.missing")
    if sign.data.get("tracked") is False and (admin or sign.data.get("table")):
        return sign.turned("graphql.table.not_tracked")
    return sign.turned("graphql.document.outdated") if admin and sign.data.get("tracked") is True else sign


def not_graphql(sign: Sign, _run: Context) -> Sign:
    """A web page, or JSON that is not GraphQL's, at the GraphQL URL (T2)."""
    page = sign.code in _NO_JSON or (
        sign.status in (404, 405) and sign.code in ("unknown", "http.answer.unexpected_status")
    )
    return sign.turned("graphql.endpoint.not_graphql") if sign.kind == "graphql" and page else sign


def provider_documents(sign: Sign, _run: Context) -> Sign:
    """A page, a 404 or a 5xx where the provider's documents should be (A8, A9)."""
    if sign.kind != "auth" or not (sign.code in _NO_JSON or sign.code.startswith("http.") or sign.code == "unknown"):
        return sign
    keys = "jwks" in f"{sign.check} {sign.data.get('operation', '')}".lower()
    if sign.status >= 500:
        return sign.turned("auth.idp.failing")
    if sign.status == 404:
        return sign.turned("auth.jwks.not_found" if keys else "auth.discovery.wrong_application")
    if sign.code in _NO_JSON:
        return sign.turned("auth.jwks.not_json" if keys else "auth.discovery.wrong_application")
    return sign


def gateway(sign: Sign, run: Context) -> Sign:
    """502 on every route: nothing listens where the gateway looks. On one route: the application dies there."""
    everywhere = run.every_route_fails(sign.target)
    return sign.turned("http.upstream.wrong_port") if sign.code == "http.upstream.crashed" and everywhere else sign


def used_up(sign: Sign, run: Context) -> Sign:
    """What was not sent, or not proven, because the run may not send more to this host. A limit whose own samples
    failed took them all itself, for the reason that they failed."""
    unproven = sign.code == "sampling.insufficient" and not sign.data.get("errors")
    unsent = sign.data.get("error") == "stopped" or sign.code == "gate.run.deadline" or unproven
    return sign.turned("sampling.requests.used_up") if unsent and run.used_up(sign.target) else sign


def held_back(sign: Sign, run: Context) -> Sign:
    """What was not sent because the server wanted a longer pause (Retry-After) than the run has."""
    stopped = sign.data.get("error") == "stopped" or sign.code == "gate.run.deadline"
    stopped = stopped and not sign.code.startswith("cluster.")  # an API server has a cause of its own for it
    return sign.turned("http.rate_limited.by_us") if stopped and run.was_limited(sign.target) else sign


def rate_limit(sign: Sign, run: Context) -> Sign:
    """429 to the very first request is not our rate."""
    if not sign.code.startswith("http.rate_limited."):
        return sign
    return sign.turned("http.rate_limited." + ("by_others" if run.first_status(sign.target) == 429 else "by_us"))


def last_words(sign: Sign, _run: Context) -> Sign:
    """R1: a crash loop whose log names the dependency that refuses it."""
    return cluster.dependency(sign)


def under_load(sign: Sign, run: Context) -> Sign:
    """R14–R16: what the other targets showed while load ran."""
    return load.explained(sign, run.glances)


def nothing_known(sign: Sign, _run: Context) -> Sign:
    """A status that nobody declared is what was seen, not why."""
    return sign.turned("unknown") if sign.code in ("http.answer.unexpected_status", "") else sign


RULES: tuple[Rule, ...] = (
    told_by_its_log, provider_from_pod, last_words, runner_network, in_place_of_it, captive_portal, expired_token,
    clocks, password_or_role, blocked_from_cluster, search_path, query_answer, pool_or_server, replicas,
    header_dropped, stale_keys, provider_documents, not_graphql, permission_or_tracking, gateway, used_up, held_back,
    rate_limit, under_load, nothing_known,
)  # fmt: skip


def refine(sign: Sign, run: Context) -> Sign:
    """The sign after every rule, in their order."""
    for rule in RULES:
        sign = rule(sign, run)
    return sign
