"""What a sign looks like from outside: the tags by which causes recognise their symptoms."""

from __future__ import annotations

import re

from pytest_prodcheck.diagnosis.signs import Sign

_ASIDE = ("::test_ready", "::test_certificate", "::test_schema", "::test_revision", "::test_health",
          "::test_introspection", "::test_broken_token", "::test_refuses", "::test_discovery",
          "::test_jwt_config")  # fmt: skip
_STANDS_FOR_ALL = ("http.revision.unreadable", "graphql.schema.unreadable", "auth.signature.not_judged")
_PAGE = re.compile(r"^\s*<(!doctype html|html)", re.IGNORECASE | re.MULTILINE)
_TAKES_TOO_MUCH = ("auth.anonymous.", "auth.signature.not_checked", "auth.key.", "auth.algorithm.", "auth.expiry.",
                   "auth.audience.", "auth.role.", "auth.refusal.", "auth.specimen.")  # fmt: skip
_LOGIN = re.compile(r"log-?in|sign-?in|callback|oauth|session|authorize", re.IGNORECASE)
_TRANSPORT = ("http.dns.", "http.tcp.", "http.tls.", "auth.idp.", "database.tcp.", "database.dns.")
_SERVER_ERROR = frozenset({
    "http.application.unhandled_exception", "http.upstream.crashed", "http.upstream.none", "http.upstream.timeout",
    "http.upstream.wrong_port", "logs.requests.server_errors",
})  # fmt: skip
_DATABASE_ERROR = frozenset({"graphql.database.unreachable", "graphql.engine.start_failed"})
_GRAPHQL_ERROR = frozenset({"graphql.errors.in_answer", "graphql.data.partial"})
_WEBSOCKET_ERROR = frozenset({
    "websocket.server.internal_error", "websocket.answer.missing", "websocket.answer.unexpected",
    "websocket.handler.fallback", "websocket.connection.dropped", "websocket.connection.closed",
    "websocket.reconnect.refused", "websocket.close.unexpected",
})  # fmt: skip
_VALIDATION = frozenset({
    "graphql.permission.missing", "graphql.table.not_tracked", "graphql.document.outdated", "graphql.schema.breaking",
})  # fmt: skip
_CONTENT = frozenset({
    "http.answer.unexpected_body", "http.answer.schema", "graphql.data.unexpected", "graphql.data.null",
    "database.query.unexpected",
    "graphql.permission.row_filter_missing",
})  # fmt: skip
_SIGNATURE = frozenset({
    "auth.jwks.stale_in_consumer", "auth.jwks.key_missing", "auth.token.signature_invalid",
})  # fmt: skip
_TIMED = frozenset({
    "auth.token.not_yet_valid", "auth.clock.skewed", "runner.token.expired", "http.tls.not_yet_valid",
    "auth.token.lifetime_too_short",
})  # fmt: skip
_SLOW = frozenset(
    {
        "http.latency.over_limit",
        "http.application.hangs",
        "http.upstream.timeout",
        "database.query.too_slow",
        "baseline.latency.slower",
        "load.latency.over_limit",
    }
)


def tags(sign: Sign) -> frozenset[str]:
    """The tags of one sign; its code is always one of them."""
    found = {sign.code}
    found |= {tag for tag, codes in _BY_CODE.items() if sign.code in codes}
    if sign.unwell:
        found = (found | {"unhealthy"}) - {"content"}
    if _plain_server_error(sign):
        found.add("server_error")
    if _rejected(sign):
        found.add("rejected")
    if sign.kind in ("http", "graphql") and sign.data.get("acts_as"):
        found.add("authenticated")
    if sign.kind == "http" and _LOGIN.search(f"{sign.data.get('operation', '')} {sign.data.get('subject', '')}"):
        found.add("login")
    if sign.criterion == "latency" or sign.code in _SLOW:
        found.add("slow")
    if sign.criterion == "error_rate":
        found.add("rate")
    if sign.code.startswith(_TRANSPORT):
        found.add("transport")
    if sign.revealed:
        found.add("revealed")
    if 200 <= sign.status < 300 and _PAGE.search(str(sign.data.get("text", ""))):
        found.add("page")
    return frozenset(found)


_UNDECIDED = frozenset({"sampling.insufficient", "sampling.requests.used_up"})
_BY_CODE = {
    "database_error": _DATABASE_ERROR | _GRAPHQL_ERROR,
    "graphql_error": _GRAPHQL_ERROR,
    "validation": _VALIDATION,
    "websocket_error": _WEBSOCKET_ERROR,
    "content": _CONTENT,
    "signature": _SIGNATURE,
    "timed": _TIMED,
    "rate": frozenset({"http.error_rate.over_limit", "load.errors.over_limit", "load.errors.seen"}),
    "undecided": _UNDECIDED,
    "inconsistent": frozenset({"graphql.metadata.inconsistent"}),
}


def counts_errors(sign: Sign) -> bool:
    """Whether the sign is of many requests or of one that stands for all, so that the failures of its target's checks
    are its failures: a limit that errors break or leave undecided, a revision or a schema that cannot be read."""
    if sign.code in _STANDS_FOR_ALL:
        return True
    if sign.criterion not in ("latency", "error_rate") or sign.code == "http.latency.over_limit":
        return False
    return bool(sign.data.get("errors")) or sign.code in {"http.error_rate.over_limit", *_UNDECIDED}


def is_request(sign: Sign) -> bool:
    """Whether the sign is of an exchange that a target's limits count: no readiness, certificate or document check."""
    return not any(name in sign.check for name in _ASIDE)


def names_its_own_reason(sign: Sign) -> bool:
    """Whether a 5xx says by itself that the program is wrong: an exception that no dependency raises. One about a value
    that is not there (`'NoneType' object …`, `fetch failed`) may well come of a dependency that gave none."""
    told = sign.code == "http.application.unhandled_exception" and bool(sign.data.get("exception"))
    return told and not sign.data.get("absent")


_REFUSED = ("runner.token.expired", "graphql.subscription.refused", "websocket.token.rejected")


def _plain_server_error(sign: Sign) -> bool:
    return sign.code in _SERVER_ERROR or (
        sign.status >= 500 and sign.code in ("unknown", "http.answer.unexpected_status")
    )


def _rejected(sign: Sign) -> bool:
    if sign.kind not in ("http", "graphql", "websocket"):
        return False
    if sign.code.startswith(_TAKES_TOO_MUCH):
        return False  # it accepts what it must refuse: no cause of a refusal explains that
    told = sign.code.startswith("auth.") or sign.code in _REFUSED
    return told or sign.status in (401, 403)
