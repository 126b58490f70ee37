"""Which cause explains which symptom, under which condition: data, from the specific to the general (criteria §4.6)."""

from __future__ import annotations

from pytest_prodcheck.diagnosis import cluster, wiring
from pytest_prodcheck.diagnosis.conditions import (
    about_its_table,
    always,
    asks_for_what_is_gone,
    at_a_consumer,
    at_its_provider,
    breaks_services,
    called_by_its_policies,
    consumers_own,
    counts_the_same_errors,
    kept_by_it,
    lacked_by_our_reader,
    logged_with_its_path,
    needs_identity,
    of_a_host,
    of_its_layer,
    of_its_operation,
    of_its_way,
    pinned,
    same_container,
    same_host,
    same_line,
    same_scenario,
    same_session,
    same_stream_and_time,
    same_table,
    same_target,
    same_user,
    seen_directly,
    served_by_what_is_down,
    without_a_token,
)
from pytest_prodcheck.diagnosis.relation import Relation
from pytest_prodcheck.diagnosis.signs import Sign
from pytest_prodcheck.diagnosis.symptoms import names_its_own_reason

EXHAUSTED = ("database.connections.exhausted", "database.connections.role_limit", "database.pool.exhausted")
LOCKS = ("database.lock.*", "database.query.timeout")
OUTAGE = (
    "database.dns.*", "database.tcp.*", "database.port.*", "database.tls.*", "database.auth.*", "database.name.*",
    "database.server.*", "database.connection.*", "database.pooler.*", "database.network.*", *EXHAUSTED,
)  # fmt: skip
CACHE_OUTAGE = (
    "cache.dns.*", "cache.tcp.*", "cache.connection.*", "cache.port.*", "cache.protocol.*", "cache.tls.*",
    "cache.auth.*", "cache.server.loading", "cache.server.hangs", "cache.server.busy",
    "cache.server.read_only_replica", "cache.server.primary_down", "cache.server.restarted", "cache.memory.full",
    "cache.persistence.failed", "cache.clients.limit_reached", "cache.cluster.down",
)  # fmt: skip
"""What makes an application's request to its cache fail; a cache that is of no use makes it slow."""
CACHE_LOSES = ("cache.memory.evicting", "cache.hits.*", "cache.keys.expire_at_once", "cache.database_index.wrong",
               "cache.command.slow", "cache.latency.*")  # fmt: skip
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
    Relation(("load.generator.not_installed", "load.generator.failed", "load.scenario.*", "load.request.refused",
              "load.port.taken", "load.worker.lost", "load.run.aborted", "load.run.breaker"), ("load.run.empty",),
             same_scenario, "what never began, or was ended, sends nothing"),
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
    Relation((*OUTAGE, *LOCKS, "database.disk.full", "auth.idp.*", *CACHE_OUTAGE), ("unhealthy",),
             of_its_layer, "R1"),
    Relation(("auth.idp.*", "auth.session_secret.*", "auth.cookie.*"), ("login",), always, "R17"),
    Relation(("auth.idp.*", "auth.session_secret.*", "auth.secret.*"), ("server_error", "graphql_error"),
             needs_identity, "R17"),
    Relation(("auth.idp.*", "auth.session_secret.*", "auth.cookie.*"), ("rejected",), needs_identity, "R17"),
    Relation(CACHE_OUTAGE, ("login",), breaks_services, "R17"),
    Relation(CACHE_OUTAGE, ("server_error", "graphql_error"), kept_by_it, "R17"),
    Relation(CACHE_OUTAGE, ("rejected",), kept_by_it, "R17"),
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
    Relation(("http.error_rate.over_limit",), ("slow",), counts_the_same_errors, "§1: an error is no fast answer"),
    Relation(("http.latency.over_limit", "http.upstream.timeout", "http.application.hangs"),
             ("baseline.latency.slower",), same_target, "one slow answer, held against two figures"),
    Relation(("http.rate_limited.*",), ("http.answer.unexpected_status",), same_host),
    Relation(("http.upstream.wrong_port", "http.upstream.none"), ("server_error", "graphql_error"), same_host, "R18"),
    Relation((*EXHAUSTED, *LOCKS), ("slow",), always, "R14, R15"),
    Relation(BREAKS_REQUESTS, ("server_error", "database_error", "rate", "undecided"), breaks_services,
             "R1, R12–R14, R20"),
    Relation(OUTAGE, ("login", "slow"), breaks_services, "R1"),
    Relation((*BREAKS_REQUESTS, "auth.session_secret.*"), ("websocket_error",), breaks_services, "R1: a close by 1011"),
    Relation(("cache.*",), ("websocket_error", "websocket.broadcast.lost_between_replicas"), always, "R1"),
    Relation(("logs.exception.*", "logs.coroutine.*", "logs.rejection.*"), ("websocket_error",), always,
             "E1: the logs say why"),
    Relation(("cluster.memory.growing",), ("cluster.container.oom_killed",), same_container,
             "R16, C24: it grew until it was ended"),
    Relation(("cluster.container.*", "cluster.pod.*", "cluster.rollout.*"),
             ("websocket.connection.dropped", "websocket.server.going_away"), always, "R16"),
    Relation(GATEWAY, ("websocket_error",), same_host, "R1"),
    Relation(("websocket.server.*", "websocket.connection.*", "websocket.token.rejected"), ("websocket_error",),
             same_target, "R24"),
    Relation(CACHE_OUTAGE, ("server_error", "slow", "rate", "undecided"), breaks_services, "R1"),
    Relation(("cache.server.read_only_replica", "cache.memory.full", "cache.persistence.failed", "cache.cluster.down",
              "cache.server.primary_down"), ("cache.write.failed", "cache.hits.none", "cache.hits.low",
              "cache.keys.missing"), same_target, "B24"),
    Relation(("cache.server.restarted", "cache.memory.evicting"), ("cache.hits.low", "cache.keys.missing"), same_target,
             "B24"),
    Relation(CACHE_OUTAGE, ("cache.keys.missing",), always, "B24: who cannot reach it fills it with nothing"),
    Relation((*OUTAGE, *CACHE_OUTAGE), ("logs.connection.refused", "logs.connection.timeout"), of_its_way,
             "R1: the logs say it, too"),
    Relation((*TRANSPORT, *GATEWAY), ("cache.keys.missing", "undecided", "logs.traffic.none", "logs.source.empty",
             "logs.source.silent"), served_by_what_is_down, "R18: nobody asks what does not answer"),
    Relation(("cache.memory.full",), ("cache.memory.over_limit", "cache.memory.policy"), always, "B24"),
    Relation(("cache.keys.no_expiry",), ("cache.memory.full", "cache.memory.over_limit", "cache.memory.evicting"),
             same_target, "B24: what never ends fills it"),
    Relation(("cache.keys.expire_at_once", "cache.database_index.wrong", "cache.hits.none"),
             ("cache.hits.low", "cache.hits.none", "cache.keys.missing"), same_target, "B24"),
    Relation(("cache.cluster.down",), ("cache.cluster.node_failed",), same_target),
    Relation(CACHE_LOSES, ("slow",), of_a_host, "B24"),
    *wiring.RELATIONS,
    *cluster.RELATIONS,
    Relation(("logs.memory.exhausted", "logs.disk.full", "logs.module.missing", "logs.client.bad_url"),
             ("server_error", "websocket_error", "transport", "rate", "undecided"), always,
             "B36, B43: the logs say why"),
    Relation(("logs.exception.unhandled", "logs.connection.*"), ("logs.requests.server_errors",), same_stream_and_time,
             "A60: the exception is why it was answered so"),
    Relation(("logs.exception.unhandled",), ("http.application.unhandled_exception",), logged_with_its_path,
             "A60: the log names the exception, the answer does not"),
    Relation(("logs.coroutine.*", "logs.exception.*", "logs.rejection.*", "logs.record.*", "logs.memory.*",
              "logs.disk.*", "logs.module.*", "logs.client.*", "logs.connection.*", "logs.validation.*",
              "logs.handler.*"), ("logs.pattern.forbidden",), same_line, "C38, E1"),
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
