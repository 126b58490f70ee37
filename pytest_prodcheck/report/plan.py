"""`--prodcheck-plan`: what would be sent, to whom, how often; references by name, never resolved."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Protocol

from pytest_prodcheck.config import grammar, models
from pytest_prodcheck.config.models import Cleanup, DatabaseTarget, Environment, GraphqlTarget, HttpTarget, LoadTarget
from pytest_prodcheck.criteria import sampling


class PlannedCheck(Protocol):
    """What is rendered of a check."""

    id: str
    target: str
    function: str
    subject: str
    user: str
    limits: tuple[str, ...]


class Planned(Protocol):
    """What is rendered of the plan."""

    @property
    def checks(self) -> Mapping[str, Any]:
        """All checks by id."""
        ...

    @property
    def left_out(self) -> Mapping[str, str]:
        """Id → reason."""
        ...


def render(environment: Environment, plan: Planned, selected: Collection[str]) -> Iterator[str]:
    """The lines of the plan."""
    yield f"plan of {environment.name} ({environment.kind}): nothing is sent, no secret is resolved"
    chosen = [plan.checks[identifier] for identifier in selected if identifier in plan.checks]
    for target, table in environment.targets.items():
        mine = [check for check in chosen if check.target == target]
        if mine:
            yield f"{target}  {_address(table)}".rstrip()
            yield from (f"  {line}" for line in _reads(table, environment))
            for check in mine:
                yield f"  {check.id.partition('::')[2]:<44} {_asks(check, table)}{_samples(check, environment)}"
    yield from (f"left out: {name}: {reason}" for name, reason in plan.left_out.items())
    yield _time(environment, chosen)


def _address(table: object) -> str:
    """Where the target is, as it is written; of logs their source, of a cluster its namespace."""
    service = getattr(table, "loki", None) or getattr(table, "google", None)
    known = (getattr(one, key, "") for one in (table, service) for key in ("url", "dsn", "issuer"))
    return next(filter(None, known), "") or ", ".join(getattr(table, "file", ())) or _place(table)


def _place(table: object) -> str:
    if not hasattr(table, "in_cluster"):
        return ""
    from pytest_prodcheck.report import readings

    return readings.place(table)


def _reads(table: object, environment: Environment) -> Iterator[str]:
    """What is read of a target whose checks ask nothing of their own."""
    if hasattr(table, "in_cluster") or hasattr(table, "loki"):
        from pytest_prodcheck.report import readings

        yield from readings.of(table, environment)


def _asks(check: PlannedCheck, table: object) -> str:
    who = f" as {check.user}" if check.user else ""
    if check.function == "test_endpoint" and isinstance(table, HttpTarget):
        endpoint = table.endpoints[check.subject]
        undone = endpoint.cleanup if endpoint.writes and isinstance(endpoint.cleanup, Cleanup) else None
        then = f", then {undone.method} {undone.path}" if undone else ""
        return f"{endpoint.method} {endpoint.path}{then}{who}"
    if check.function == "test_query" and isinstance(table, DatabaseTarget):
        return " ".join(table.queries[check.subject].sql.split())
    if check.function == "test_rls_proof" and isinstance(table, DatabaseTarget) and table.rls:
        role = table.rls.roles.get(check.subject, "")
        whom = f"SET LOCAL ROLE {role}" if role else f"the settings of {check.subject}"
        return f"count rows of {len(table.rls.tables)} tables with {whom}, in one read-only transaction"
    if check.function == "test_operation" and isinstance(table, GraphqlTarget):
        return f"POST query {check.subject}{who}"
    if check.function == "test_migrations" and isinstance(table, DatabaseTarget) and table.migrations:
        return " ".join(table.migrations.sql.split()) or f"select of the table of {table.migrations.tool}"
    if check.function == "test_denied":
        return f"POST query {check.subject}{who or ' without a token'}, which must be refused"
    if check.function == "test_subscription" and isinstance(table, GraphqlTarget):
        return f"WebSocket, subscription {check.subject}{who}, at most {table.subscriptions[check.subject].within:g} s"
    if isinstance(table, models.WebsocketTarget):
        return _of_websocket(check, table, who)
    if check.function == "test_refuses" and isinstance(table, HttpTarget | GraphqlTarget):
        return _refused(check, table)
    if check.function in ("test_load", "test_soak") and isinstance(table, LoadTarget):
        return _scenario(check.subject, table)
    if check.function == "test_broken_token_refused":
        return f"the read {check.subject}{who}, with a broken signature, and where that passes without a token"
    return _FIXED.get((check.target.split(".")[0], check.function), "no request of its own")


def _scenario(name: str, table: LoadTarget) -> str:
    """How hard a scenario is, and how long it takes."""
    shape, file = table.of(name), table.scenarios[name].file
    hard = f"{shape.rate:g} arrivals/s" if shape.rate else f"{shape.users or 10} users"
    hard = f"{len(shape.stages)} stages" if shape.stages else hard
    return f"Locust {file}: {hard} for {grammar.show_duration(table.seconds(name))}, by {table.workers} process(es)"


def _of_websocket(check: PlannedCheck, table: models.WebsocketTarget, who: str) -> str:
    """What is sent on connections, by how many clients, and how long they stand."""
    clients = f"{table.clients} client{'s' if table.clients > 1 else ''}"
    if check.function == "test_stable":
        return f"hold {clients} idle and one that is pinged for {table.hold:g} s, beside everything else{who}"
    if check.function == "test_refuses":
        return f"handshake{who or ' as nobody'}, then with {', '.join(table.refuses)}"
    if check.function == "test_step":
        step = next(one for one in table.steps if one.name == check.subject)
        effect = f"send ({step.effect}) and expect" if step.expect is not None else f"send ({step.effect})"
        said = effect if step.send is not None else "wait"
        also = "".join(f", unheard by {name}" for name in step.unheard_by)
        heard = f", heard by {step.heard_by}" if step.heard_by != "sender" else ""
        return f"{said} on {clients}, at most {step.within:g} s each{heard}{also}{who}"
    return _FIXED.get(("websocket", check.function), "no request of its own")


def _refused(check: PlannedCheck, table: HttpTarget | GraphqlTarget) -> str:
    """The read that is sent with the good token and with each that must be refused."""
    if isinstance(table, GraphqlTarget):
        return (
            f"POST query {check.subject or 'Refused'} as {check.user or 'nobody'}, then with {', '.join(table.refuses)}"
        )
    endpoint = table.endpoints[check.subject]
    return f"{endpoint.method} {endpoint.path} as {check.user or 'nobody'}, then with {', '.join(endpoint.refuses)}"


_FIXED: Mapping[tuple[str, str], str] = {
    ("http", "test_ready"): "GET of up to three endpoints, a TCP connect to every address",
    ("cluster", "test_revision"): "one LIST of workloads and ReplicaSets, again until the rollout has settled",
    ("http", "test_revision"): "GET of the revision, 5 times, again until it has settled",
    ("auth", "test_ready"): "GET /.well-known/openid-configuration",
    ("auth", "test_discovery"): "GET of the endpoints that discovery names, as nobody",
    ("auth", "test_jwks"): "GET of the jwks_uri that discovery names",
    ("auth", "test_token"): "POST to the token endpoint, once",
    ("graphql", "test_ready"): "POST { __typename }",
    ("graphql", "test_health"): "GET /healthz, GET /v1/version",
    ("graphql", "test_jwt_config"): "GET /v1alpha1/config, as the admin",
    ("graphql", "test_introspection"): "POST of the introspection query",
    ("graphql", "test_suggestions"): "POST of a query with misspelt fields",
    ("graphql", "test_batching"): "POST of two { __typename } in one request",
    ("graphql", "test_depth"): "POST of the introspection query, and of a query that is one level too deep",
    ("graphql", "test_metadata"): "POST /v1/metadata, export_metadata",
    ("graphql", "test_ide"): "GET with Accept: text/html",
    ("cluster", "test_ready"): "GET /version, one LIST a kind of what is promised, a few pods and logs that look bad",
    ("database", "test_ready"): "connect, one catalog snapshot in a read-only transaction",
    ("database", "test_login"): "connect, select 1",
    ("database", "test_health"): "one reading of the server's statistics for all areas",
    ("database", "test_pooler"): "show pools, show databases, show config on PgBouncer's console",
    ("database", "test_rows"): "a bounded count",
    ("database", "test_relations"): "a bounded count of rows that point to nothing",
    ("database", "test_plan"): "explain of the query, without ANALYZE",
    ("load", "test_limits"): "no request of its own: what all scenarios sent",
    ("load", "test_memory"): "no request of its own: what was seen of the cluster while load ran",
    ("cache", "test_ready"): "log in, PING, INFO; of a cluster of all its nodes",
    ("cache", "test_login"): "log in, PING",
    ("cache", "test_keys"): "a bounded SCAN until one key is found",
    ("cache", "test_expires"): "a bounded SCAN, TTL of up to 100 keys",
    ("cache", "test_slow_log"): "TIME, SLOWLOG GET, CONFIG GET slowlog-log-slower-than",
    ("cache", "test_sentinel"): "SENTINEL MASTER, SENTINEL CKQUORUM",
    ("cache", "test_round_trip"): "SET NX EX, GET, TTL, DEL, EXISTS of one key: a write",
    ("cache", "test_serves"): "the endpoint twice, INFO before, between and after",
    ("cache", "test_evicted"): "INFO, when everything else was asked",
    ("cache", "test_hit_ratio"): "INFO, when everything else was asked",
    ("cache", "test_latency"): "PING",
    ("websocket", "test_ready"): "handshake, ping, close",
    ("websocket", "test_reconnects"): "handshake, ping, close, twice",
    ("websocket", "test_close"): "goodbye at the end of the steps",
    ("websocket", "test_foreign_origin"): "handshake with Origin: https://prodcheck.invalid, ping, close",
    ("websocket", "test_latency"): "the steps that only read, again, or pings",
    ("logs", "test_ready"): "a look at the source, and at one line of it",
    ("logs", "test_coverage"): "the lines of the window, once for all checks, when everything else was asked",
}


def _samples(check: PlannedCheck, environment: Environment) -> str:
    """The sample sizes that the check's limits need."""
    sizes = []
    for text in check.limits:
        limit = grammar.comparison(text)
        least = sampling.minimum(limit, environment.confidence) if limit else 1
        if least > 1:
            sizes.append(f"{text}: {least} to {environment.requests.at_most} requests")
    return f"   [{'; '.join(sizes)}]" if sizes else ""


def _time(environment: Environment, checks: list[Any]) -> str:
    """What the gate takes at least: its samples by the rate that is allowed."""
    samples = sum(
        sampling.minimum(limit, environment.confidence)
        for check in checks
        for text in check.limits
        if (limit := grammar.comparison(text))
    )
    rate = environment.requests.per_second
    return (
        f"{len(checks)} checks, at least {samples + len(checks)} requests; at {rate} per second and host "
        f"{(samples + len(checks)) / rate:.1f} s at least; deadline {environment.deadline:.0f} s"
    )
