"""What `prodcheck explain CODE` says, and the page of all causes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from pytest_prodcheck.diagnosis import bodies, hasura, jwt, libpq, oidc, sqlstate, transport
from pytest_prodcheck.diagnosis.causes import CAUSES, LAYERS
from pytest_prodcheck.diagnosis.kind import CauseKind, fill
from pytest_prodcheck.diagnosis.relations import RELATIONS
from pytest_prodcheck.errors import UsageProblem

LOOKALIKES: tuple[tuple[str, ...], ...] = (
    ("database.tcp.refused", "database.tcp.timeout", "database.dns.not_found", "database.port.wrong_service"),
    ("database.auth.password_rejected", "database.auth.role_missing", "database.auth.role_expired"),
    ("database.connections.role_limit", "database.connections.exhausted", "database.pool.exhausted"),
    ("database.schema.table_missing", "database.migration.pending", "database.privilege.missing",
     "database.schema.search_path"),
    ("database.rls.policy_missing", "database.data.seed_missing"),
    ("auth.jwks.not_found", "auth.jwks.empty", "auth.jwks.key_missing", "auth.token.algorithm_mismatch",
     "auth.jwks.stale_in_consumer", "auth.idp.unreachable"),
    ("auth.token.issuer_mismatch", "auth.token.audience_mismatch"),
    ("runner.token.expired", "auth.header.dropped", "auth.secret.replicas_disagree"),
    ("graphql.permission.missing", "graphql.table.not_tracked", "graphql.metadata.inconsistent"),
    ("auth.idp.certificate_expired", "http.tls.expired", "http.tls.untrusted", "http.tls.hostname_mismatch",
     "http.tls.chain_incomplete"),
    ("http.upstream.crashed", "http.upstream.wrong_port", "http.upstream.timeout", "http.upstream.none",
     "cluster.service.no_endpoints"),
    ("http.rate_limited.by_us", "http.rate_limited.by_others"),
    ("cache.auth.required", "cache.auth.rejected", "cluster.config.bad_value"),
    ("cluster.container.oom_killed", "cluster.container.liveness_killed", "cluster.container.crash_loop",
     "cluster.container.memory_leak"),
    ("websocket.connection.idle_timeout", "websocket.connection.platform_timeout", "websocket.connection.dropped",
     "websocket.server.going_away"),
    ("websocket.token.rejected", "websocket.handshake.refused", "websocket.upgrade.blocked",
     "websocket.endpoint.not_found"),
    ("websocket.answer.missing", "websocket.broadcast.lost_between_replicas"),
)  # fmt: skip
"""Causes that show alike and are told apart by a second look."""

TAGS: Mapping[str, str] = {
    "server_error": "5xx answers",
    "rejected": "401 and 403 answers",
    "login": "failing log-ins",
    "slow": "latency over its limit",
    "rate": "error rates over their limit",
    "undecided": "limits with too few samples",
    "unhealthy": "health documents that call a component unwell",
    "content": "answers with other content than promised",
    "validation": "GraphQL documents that do not validate",
    "inconsistent": "inconsistent GraphQL metadata",
    "database_error": "GraphQL errors of the engine's database",
    "graphql_error": "GraphQL answers with errors",
    "signature": "tokens whose signature is not accepted",
    "timed": "tokens and certificates that are not valid yet or any more",
    "websocket_error": "WebSockets that fail, fall silent or are closed",
    "transport": "failed connections to the same host",
}
"""Tags of `symptoms` in words."""

_SHOWS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("SQLSTATE", sqlstate.SQLSTATES),
    ("Prisma", bodies.PRISMA),
    ("Hasura", hasura.CODES),
    ("OAuth error", oidc.ERRORS),
    ("PyJWT", jwt.EXCEPTIONS),
    ("HTTP", {str(status): code for status, code in transport.STATUSES.items()}),
)
_WORDS = (*libpq.SPECIFIC, *libpq.TEXTS, *hasura.MESSAGES, *bodies.TEXTS, *transport.BODIES)


def explain(code: str) -> str:
    """All that is known of `code`, as lines of text. Raises UsageProblem for a code that the table does not have."""
    if code not in CAUSES:
        similar = nearest(code)
        hint = f"; similar: {', '.join(similar)}" if similar else "; causes are named layer.subject.what_is_wrong"
        raise UsageProblem(f"no cause has the code {code!r}{hint}")
    kind = CAUSES[code]
    lines = [kind.code, f"  layer         {kind.layer}", f"  means         {kind.means}"]
    lines += [f"  {name:<13} {text}" for name, text in _parts(kind)]
    return "\n".join(lines)


def nearest(code: str) -> tuple[str, ...]:
    """Up to three known codes that are spelt like `code`, the nearest first."""
    inside = [known for known in CAUSES if code and code in known]
    return tuple(dict.fromkeys([*get_close_matches(code, CAUSES, n=3, cutoff=0.5), *inside]))[:3]


def shows(code: str) -> tuple[str, ...]:
    """The codes and words of servers and libraries that stand for `code`."""
    named = [f"{source} {key}" for source, table in _SHOWS for key, value in table.items() if value == code]
    return (*named, *(f"/{pattern}/" for pattern, value in _WORDS if value == code))


def explains(code: str) -> tuple[str, ...]:
    """What `code` drags down, in words or codes."""
    found = [tag for relation in RELATIONS if relation.covers(code) for tag in relation.symptoms]
    return tuple(dict.fromkeys(TAGS.get(tag, tag) for tag in found if tag != code))


def confused_with(code: str) -> tuple[str, ...]:
    """The causes that show alike."""
    return tuple(dict.fromkeys(other for group in LOOKALIKES if code in group for other in group if other != code))


def _parts(kind: CauseKind) -> Iterator[tuple[str, str]]:
    listed: Sequence[tuple[str, tuple[str, ...]]] = (
        ("shows as", shows(kind.code)),
        ("explains", explains(kind.code)),
        ("looks like", confused_with(kind.code)),
    )
    yield from ((name, "; ".join(values)) for name, values in listed if values)
    yield "remedy", fill(kind.remedy, {})
    yield "next", fill(kind.next, {}, command=True)


def page() -> str:
    """`docs/causes.md`: every cause code, by layer."""
    lines = ["# Cause codes", "", "Generated from the cause table (`pytest_prodcheck/diagnosis/`); stable names.", ""]
    for layer in LAYERS:
        lines += [f"## {layer}", ""]
        for kind in CAUSES.values():
            if kind.layer == layer:
                lines += [*_section(kind), ""]
    return "\n".join(lines).rstrip() + "\n"


def _section(kind: CauseKind) -> list[str]:
    lines = [f"### {kind.code}", "", f"{kind.means[:1].upper()}{kind.means[1:]}.", ""]
    return lines + [f"- **{name}**: {_marked(name, text)}" for name, text in _parts(kind)]


def _marked(name: str, text: str) -> str:
    return f"``{text}``" if name in ("next", "shows as") else text
