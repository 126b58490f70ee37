"""Which cause explains which symptom, under which condition: data, from the specific to the general (criteria §4.6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_prodcheck.diagnosis.components import layers_named
from pytest_prodcheck.diagnosis.signs import Sign
from pytest_prodcheck.diagnosis.symptoms import names_its_own_reason

Condition = Callable[[Sign, Sign], bool]
"""(sign of the cause, symptom) → whether the one can explain the other."""


def always(_cause: Sign, _symptom: Sign) -> bool:
    """No condition."""
    return True


def same_host(cause: Sign, symptom: Sign) -> bool:
    """Both were seen at one host and port (or one target, where no host is known)."""
    return cause.host == symptom.host or cause.target == symptom.target


def same_target(cause: Sign, symptom: Sign) -> bool:
    """Both were seen at one target."""
    return cause.target == symptom.target


def same_table(cause: Sign, symptom: Sign) -> bool:
    """Both name one table, whatever the schema; or one of them names none."""
    mine, theirs = _tables(cause), _tables(symptom)
    return not mine or not theirs or bool(mine & theirs)


def same_user(cause: Sign, symptom: Sign) -> bool:
    """Both concern one declared user; or one of them names none."""
    mine, theirs = _acting(cause), _acting(symptom)
    return not mine or not theirs or mine == theirs


def seen_directly(cause: Sign, symptom: Sign) -> bool:
    """The cause was seen at its own target, the symptom only in an application's words."""
    return not cause.revealed and symptom.revealed


def at_its_provider(cause: Sign, symptom: Sign) -> bool:
    """The cause was seen at the provider, the symptom at a consumer; or both at the provider, in different checks."""
    return cause.kind == "auth" and (symptom.kind != "auth" or cause.check != symptom.check)


def at_a_consumer(cause: Sign, symptom: Sign) -> bool:
    """The cause was seen at the provider, the symptom at a service that verifies tokens."""
    return cause.kind == "auth" and symptom.kind != "auth"


def consumers_own(cause: Sign, _symptom: Sign) -> bool:
    """The cause was seen at a service, so it lies in how services verify, whoever asks."""
    return cause.kind != "auth"


def breaks_services(cause: Sign, symptom: Sign) -> bool:
    """The cause is not only our reader's: where another credential logs in, the services are not kept out by it."""
    if cause.code.startswith(_CAUGHT) and symptom.code == "http.upstream.crashed":
        return False  # a failed query is caught: what it answers is the application's, no gateway's
    ours = cause.code.startswith(_OF_ONE_LOGIN) and "::test_ready" in cause.check
    return not (ours and cause.data.get("asked_as")) or symptom.target == cause.target


def of_its_layer(cause: Sign, symptom: Sign) -> bool:
    """The component that a health document complains of is of the cause's layer; or it names none."""
    named = layers_named(symptom.message)
    layer = cause.code.partition(".")[0]
    return (not named or layer in named or layer == "cluster") and breaks_services(cause, symptom)


def lacked_by_our_reader(cause: Sign, symptom: Sign) -> bool:
    """The migrations' table cannot be read because our reader lacks what the cause names, or does not name."""
    lacks, schema = symptom.data.get("lacks"), str(symptom.data.get("record", "")).partition(".")[0]
    if lacks == "row_security":
        return cause.code == "database.rls.setting_off"
    mine = (cause.data.get("role") or symptom.data.get("role"), cause.data.get("schema") or schema)
    return lacks in ("USAGE", "SELECT") and mine == (symptom.data.get("role"), schema)


def same_session(cause: Sign, symptom: Sign) -> bool:
    """The symptom's session is one of those that hold the cause's lock or wait for it."""
    return symptom.data.get("pid") in cause.data.get("pids", ())


def pinned(_cause: Sign, symptom: Sign) -> bool:
    """The symptom is a difference to the pinned contract, which sees the same loss from the catalog."""
    return "::test_contract" in symptom.check


def called_by_its_policies(cause: Sign, symptom: Sign) -> bool:
    """What differs from the contract is a function that the policies of the symptom's table call."""
    called = symptom.data.get("functions")
    return isinstance(called, list) and str(cause.data.get("object", "")).partition("(")[0] in called


def needs_identity(_cause: Sign, symptom: Sign) -> bool:
    """The symptom is a request with a user, or a log-in."""
    return bool(symptom.data.get("acts_as"))


def about_its_table(cause: Sign, symptom: Sign) -> bool:
    """What changed in the schema is named after the cause's table (`tasks`, `query_root.tasks_by_pk`), or is a root
    type that has lost its last field."""
    subject, tables = str(symptom.data.get("subject", "")), _tables(cause)
    return not tables or subject.endswith("_root") or any(table in subject for table in tables)


def without_a_token(_cause: Sign, symptom: Sign) -> bool:
    """The symptom is what a caller got who sent none."""
    return symptom.data.get("role") == "anonymous"


def of_its_operation(cause: Sign, symptom: Sign) -> bool:
    """The operation that does not fit is one that the changed part of the schema breaks; a field that is gone breaks
    those that still ask for it, see `asks_for_what_is_gone`."""
    return cause.data.get("change") != _GONE and _breaks(cause, symptom)


def asks_for_what_is_gone(cause: Sign, symptom: Sign) -> bool:
    """The pinned schema has a field that the served one has no longer, and the cause's operation asks for it."""
    return symptom.data.get("change") == _GONE and _breaks(symptom, cause)


def _breaks(change: Sign, asked: Sign) -> bool:
    return str(asked.data.get("operation", "")).rpartition(" ")[2] in (change.data.get("failing") or ())


_GONE = "FIELD_REMOVED"
"""graphql-core, `BreakingChangeType`."""


def _tables(sign: Sign) -> set[str]:
    names = sign.data.get("tables") or [sign.data.get("table") or ""]
    shown = {str(name).split(".")[-1].removesuffix("_by_pk").removesuffix("_aggregate") for name in names if name}
    column = str(sign.data.get("column", ""))
    return shown | ({column} if column and shown else set())


def _acting(sign: Sign) -> str:
    return str(sign.data.get("acts_as", ""))


_CAUGHT = ("database.schema.", "database.privilege.", "database.rls.")
_OF_ONE_LOGIN = ("database.auth.", "database.connections.role_limit", "database.tls.", "database.dns.",
                 "database.port.", "database.name.", "database.tcp.", "database.connection.")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Relation:
    """`causes` (codes; a trailing `*` stands for anything) may explain signs that have one of the tags `symptoms`."""

    causes: tuple[str, ...]
    symptoms: tuple[str, ...]
    when: Condition = always
    source: str = ""

    def covers(self, code: str) -> bool:
        """Whether `code` is one of its causes."""
        return any(code.startswith(cause[:-1]) if cause.endswith("*") else code == cause for cause in self.causes)


EXHAUSTED = ("database.connections.exhausted", "database.connections.role_limit", "database.pool.exhausted")
LOCKS = ("database.lock.*", "database.query.timeout")
OUTAGE = (
    "database.dns.*", "database.tcp.*", "database.port.*", "database.tls.*", "database.auth.*", "database.name.*",
    "database.server.*", "database.connection.*", "database.pooler.*", "database.network.*", *EXHAUSTED,
)  # fmt: skip
MIGRATION = (
    "database.migration.pending", "database.migration.failed", "database.migration.dirty", "database.migration.ahead",
    "database.migration.never_run", "database.migration.edited", "database.migration.branched",
    "database.migration.locked",
)  # fmt: skip
"""What explains a schema that does not fit; a record that our reader cannot read explains nothing."""
SCHEMA = ("database.schema.*", *MIGRATION, "database.privilege.*", "database.rls.policy_recursion")
BREAKS_REQUESTS = (*OUTAGE, *SCHEMA, *LOCKS, "database.disk.full", "database.identity.*", "database.data.corrupted",
                   "database.index.corrupted", "database.rls.write_rejected")  # fmt: skip
ROWS = ("database.rls.*", "database.privilege.rows_hidden", "database.data.*", "database.identity.*")
PUBLICATION = ("auth.jwks.not_found", "auth.jwks.not_json", "auth.jwks.empty", "auth.discovery.*",
               "auth.token.algorithm_mismatch", "auth.token.encrypted", "auth.token.not_signed")  # fmt: skip
KEYS = ("auth.jwks.*", "auth.token.algorithm_mismatch", "auth.token.encrypted", "auth.token.not_signed",
        "auth.token.signature_invalid", "auth.discovery.*")  # fmt: skip
TOKEN = ("auth.token.*", "auth.claims.*", "auth.client.*", "auth.grant.*", "auth.scope.*", "auth.user.*",
         "auth.clock.*", "auth.header.*", "runner.token.expired", "auth.secret.*", "auth.jwks.*")  # fmt: skip
GATEWAY = ("http.upstream.*", "http.application.*")
TRANSPORT = ("http.dns.*", "http.tcp.*", "http.tls.*", "http.protocol.*", "http.proxy.*")

DRIFT = (
    "database.schema.column_changed", "database.schema.key_missing", "database.schema.object_missing",
    "database.schema.object_changed", "database.index.missing", "database.rls.policy_changed",
    "database.privilege.excess",
)  # fmt: skip
"""What only a pinned contract shows: where a nearer cause is about the same table, it is that cause's sign."""

RELATIONS: tuple[Relation, ...] = (
    Relation(("runner.clock.skewed", "auth.clock.skewed"), ("timed",), always, "T: clocks"),
    Relation(MIGRATION, ("database.schema.table_missing", "database.schema.column_missing",
             "database.schema.column_type", "validation", "inconsistent", *DRIFT), always, "R11, R12"),
    Relation(("database.schema.table_missing", "database.schema.column_missing", "database.schema.search_path"),
             ("validation", "inconsistent"), same_table, "R10, R13"),
    Relation(("database.privilege.missing",), ("inconsistent", "validation"), same_table, "R13"),
    Relation(("database.privilege.missing", "database.rls.setting_off"), ("database.migration.unreadable",),
             lacked_by_our_reader, "R13"),
    Relation(("database.schema.search_path",), ("database.schema.table_missing",), same_table, "R13"),
    Relation(("graphql.metadata.inconsistent",), ("validation",), always, "R10"),
    Relation(("graphql.permission.missing", "graphql.table.not_tracked"), ("graphql.schema.breaking",),
             about_its_table, "R9, R10"),
    Relation(("graphql.table.not_tracked",), ("graphql.permission.missing",), same_table, "R10"),
    Relation(("auth.anonymous.accepted",), ("graphql.permission.too_wide",), without_a_token, "A22"),
    Relation(("graphql.permission.row_filter_missing", "graphql.permission.too_wide", "graphql.permission.missing",
              "graphql.table.not_tracked"), ("graphql.metadata.differs",), same_table, "A23"),
    Relation(("graphql.schema.breaking",), ("graphql.document.outdated",), of_its_operation, "A41"),
    Relation(("graphql.document.outdated",), ("graphql.schema.breaking",), asks_for_what_is_gone, "A41"),
    Relation(("graphql.permission.missing", "graphql.table.not_tracked"), ("graphql.document.outdated",), same_table,
             "R9, R10"),
    Relation(("database.schema.*", "database.rls.policy_recursion"), ("database.query.failed",), always, "R13"),
    Relation(("database.connections.exhausted", "database.connections.role_limit"),
             ("database.pool.exhausted", "database.connections.over_limit"), always, "R14"),
    Relation(("database.lock.*",), ("database.query.timeout", "database.pool.exhausted", "database.query.too_slow"),
             always, "R15"),
    Relation(("database.lock.idle_in_transaction",), ("database.lock.contention",), always, "R15"),
    Relation(("database.lock.*",), ("database.transaction.long",), same_session, "R15"),
    Relation(("graphql.introspection.refused",), ("graphql.schema.unreadable",), same_target),
    Relation(("database.disk.full",), ("database.server.read_only",), always, "R20"),
    Relation(("database.rls.bypassed", "database.rls.policy_recursion", "database.rls.policy_too_wide",
              "database.rls.policy_missing", "database.schema.column_missing", "database.schema.table_missing"),
             ("database.rls.not_forced", *DRIFT), same_table, "R13"),
    Relation(("database.rls.disabled", "database.rls.always_true", "database.rls.policies_ored",
              "database.rls.rows_visible", "database.privilege.rows_hidden"), DRIFT, same_table, "A24, A25"),
    Relation(("database.schema.object_changed",), ("database.rls.rows_visible", "database.privilege.rows_hidden"),
             called_by_its_policies, "A25: what a policy asks"),
    Relation(("database.privilege.set_role",), ("database.privilege.missing",), pinned, "A25"),
    Relation(("database.data.orphans", "database.data.null_values"), ("database.schema.column_changed",), same_table,
             "T: empty lists"),
    Relation(("database.auth.role_missing", "database.health.not_visible"), ("database.privilege.missing",), always,
             "T12"),
    Relation(("database.rls.disabled", "database.rls.bypassed"), ("database.rls.policy_too_wide",), same_table),
    Relation(("database.rls.disabled", "database.rls.bypassed", "database.rls.policy_too_wide",
              "database.rls.always_true", "database.rls.policies_ored"), ("database.rls.rows_visible",), same_table,
             "A25: what lets rows through"),
    Relation(("database.rls.policy_too_wide", "database.rls.policy_recursion", "database.rls.bypassed"),
             ("database.rls.policies_ored",), same_table, "A24: one of them is wrong by itself"),
    Relation(("database.rls.policy_missing", "database.rls.policy_recursion", "database.privilege.missing",
              "database.schema.column_missing"), ("database.privilege.rows_hidden",), same_table, "A25"),
    Relation(("database.rls.policy_missing", "database.privilege.missing", "database.schema.*", *MIGRATION,
              "database.lock.*"), ("database.rls.unproven",), same_table, "A25"),
    Relation(("database.data.seed_missing",), ("database.rls.unproven",), same_table, "A25"),
    Relation(OUTAGE, ("database.dns.not_found", "database.tcp.refused", "database.tcp.timeout",
             "database.connection.dropped", "database.pool.exhausted", "database.server.starting",
             "database.server.restarted", "database.query.timeout"), seen_directly, "R1, R2"),
    Relation(("auth.idp.*",), ("auth.idp.unreachable", "auth.idp.failing", "auth.token.request_failed",
             "auth.jwks.not_found",
             "auth.jwks.not_json", "auth.jwks.empty", "auth.jwks.key_missing", "auth.discovery.wrong_application",
             "signature"), at_its_provider, "R17"),
    Relation(PUBLICATION, ("signature",), at_its_provider, "R5"),
    Relation(("auth.jwks.key_missing",), ("auth.token.signature_invalid", "auth.jwks.stale_in_consumer"),
             at_its_provider, "R5"),
    Relation(("auth.token.signature_invalid",), ("auth.jwks.stale_in_consumer",), at_its_provider, "R5"),
    Relation(TOKEN, ("auth.claims.namespace_missing", "auth.claims.roles_missing", "auth.token.issuer_mismatch",
             "auth.claims.role_not_allowed", "auth.token.audience_mismatch"), at_a_consumer, "R7, R8"),
    Relation(("database.rls.*", "database.privilege.rows_hidden"), ("database.data.seed_missing",
             "database.query.unexpected"), same_table, "T: empty lists"),
    Relation((*OUTAGE, *LOCKS, "database.disk.full", "auth.idp.*", "cache.*", "cluster.*"), ("unhealthy",),
             of_its_layer, "R1"),
    Relation(("auth.idp.*", "auth.session_secret.*", "auth.cookie.*", "cache.*"), ("login",), always, "R17"),
    Relation(("auth.idp.*", "auth.session_secret.*", "auth.secret.*", "cache.*"), ("server_error", "graphql_error"),
             needs_identity, "R17"),
    Relation(("auth.idp.*", "auth.session_secret.*", "auth.cookie.*", "cache.*"), ("rejected",), needs_identity, "R17"),
    Relation((*KEYS, "auth.clock.*", "auth.secret.*"), ("rejected",), at_its_provider, "R5, R6"),
    Relation(TOKEN, ("rejected",), same_user, "R5–R8, R26"),
    Relation(("auth.jwks.stale_in_consumer", "auth.token.issuer_mismatch", "auth.token.audience_mismatch",
              "auth.token.algorithm_mismatch", "auth.token.signature_invalid", "auth.secret.*", "auth.header.dropped"),
             ("rejected",), consumers_own, "R6, R8, R19"),
    Relation(("http.answer.html",), ("page",), same_target, "a catch-all route answers for the API"),
    Relation(ROWS, ("content",), always, "T: empty lists, isolation"),
    Relation((*MIGRATION, "database.schema.*"), ("content",), same_table, "R12"),
    Relation(("http.revision.*",), ("content", "http.assets.missing"), same_host, "R18"),
    Relation(("http.address.partly_down", *TRANSPORT), ("transport", "slow", "rate", "undecided"), same_host, "R25"),
    Relation((*GATEWAY, "http.rate_limited.*", "http.body.truncated", "http.redirect.loop"), ("rate", "undecided"),
             same_target, "§1: an error"),
    Relation(("http.upstream.timeout", "http.application.hangs"), ("slow",), same_target, "R15"),
    Relation(("http.rate_limited.*",), ("http.answer.unexpected_status",), same_host),
    Relation(("http.upstream.wrong_port", "http.upstream.none"), ("server_error", "graphql_error"), same_host, "R18"),
    Relation((*EXHAUSTED, *LOCKS), ("slow",), always, "R14, R15"),
    Relation(BREAKS_REQUESTS, ("server_error", "database_error", "rate", "undecided"), breaks_services,
             "R1, R12–R14, R20"),
    Relation(OUTAGE, ("login", "slow"), breaks_services, "R1"),
    Relation(("cache.*",), ("server_error", "slow", "rate", "undecided"), always, "R1"),
    Relation(("cluster.*",), ("server_error", "transport", "slow", "rate", "undecided", "database_error"),
             always, "R3"),
    Relation(("graphql.permission.missing", "graphql.table.not_tracked", "graphql.metadata.inconsistent",
              "graphql.remote.unreachable", "graphql.engine.*"), ("server_error", "rate"), always, "R9, R10"),
    Relation(("graphql.errors.in_answer", "graphql.data.partial", "graphql.permission.*", "graphql.table.*",
              "graphql.remote.*", "graphql.database.*", "graphql.metadata.*"), ("rate", "undecided"), same_target),
)  # fmt: skip


def may_explain(cause: Sign, symptom: Sign, shown: frozenset[str]) -> int | None:
    """Position of the first relation by which `cause` explains `symptom` (whose tags are `shown`); None for none."""
    if cause.code == symptom.code or names_its_own_reason(symptom):
        return 0 if _repeats(cause, symptom, shown) else None
    for position, relation in enumerate(RELATIONS):
        if relation.covers(cause.code) and shown.intersection(relation.symptoms) and relation.when(cause, symptom):
            return position
    return None


def _repeats(cause: Sign, symptom: Sign, shown: frozenset[str]) -> bool:
    # an endpoint's bug shows again in the limits of its whole target
    return cause.check != symptom.check and "rate" in shown and same_target(cause, symptom)
