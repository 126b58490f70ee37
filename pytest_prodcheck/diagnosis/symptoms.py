"""What a sign looks like from outside: the tags by which causes recognise their symptoms."""

from __future__ import annotations

import re

from pytest_prodcheck.diagnosis.signs import Sign

_LOGIN = re.compile(r"log-?in|sign-?in|callback|oauth|session|authorize", re.IGNORECASE)
_TRANSPORT = ("http.dns.", "http.tcp.", "http.tls.", "auth.idp.", "database.tcp.", "database.dns.")
_SERVER_ERROR = frozenset({
    "http.application.unhandled_exception", "http.upstream.crashed", "http.upstream.none", "http.upstream.timeout",
    "http.upstream.wrong_port",
})  # fmt: skip
_DATABASE_ERROR = frozenset({"graphql.database.unreachable", "graphql.engine.start_failed"})
_GRAPHQL_ERROR = frozenset({"graphql.errors.in_answer", "graphql.data.partial"})
_VALIDATION = frozenset({
    "graphql.permission.missing", "graphql.table.not_tracked", "graphql.document.outdated", "graphql.schema.breaking",
})  # fmt: skip
_CONTENT = frozenset({
    "http.answer.unexpected_body", "http.answer.schema", "graphql.data.unexpected", "database.query.unexpected",
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
    {"http.latency.over_limit", "http.application.hangs", "http.upstream.timeout", "database.query.too_slow"}
)


def tags(sign: Sign) -> frozenset[str]:
    """The tags of one sign; its code is always one of them."""
    found = {sign.code}
    found |= {tag for tag, codes in _BY_CODE.items() if sign.code in codes}
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
    return frozenset(found)


_BY_CODE = {
    "database_error": _DATABASE_ERROR | _GRAPHQL_ERROR,
    "graphql_error": _GRAPHQL_ERROR,
    "validation": _VALIDATION,
    "content": _CONTENT,
    "signature": _SIGNATURE,
    "timed": _TIMED,
    "rate": frozenset({"http.error_rate.over_limit"}),
    "undecided": frozenset({"sampling.insufficient"}),
    "inconsistent": frozenset({"graphql.metadata.inconsistent"}),
}


def names_its_own_reason(sign: Sign) -> bool:
    """Whether a 5xx says by itself that the program is wrong: an exception that no dependency raises."""
    return sign.code == "http.application.unhandled_exception" and bool(sign.data.get("exception"))


def _plain_server_error(sign: Sign) -> bool:
    return sign.code in _SERVER_ERROR or (
        sign.status >= 500 and sign.code in ("unknown", "http.answer.unexpected_status")
    )


def _rejected(sign: Sign) -> bool:
    if sign.kind not in ("http", "graphql"):
        return False
    return sign.code.startswith("auth.") or sign.code == "runner.token.expired" or sign.status in (401, 403)
