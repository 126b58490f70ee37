"""The plan: every check that an environment promises, known from the configuration alone.

Workers collect these checks, the owner sends their probes, the controller counts that none was lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from pytest_prodcheck.config.forgeries import has_jwt
from pytest_prodcheck.config.loader import slug
from pytest_prodcheck.config.models import (
    AuthTarget,
    DatabaseTarget,
    Environment,
    GraphqlTarget,
    HttpTarget,
    Owned,
    Target,
)

ROOT = "prodcheck.toml"
"""The node id under which every shipped check hangs, whatever the file is called and wherever it lies."""


@dataclass(frozen=True, slots=True)
class Check:
    """One shipped check of one environment: a test function of `suites/` and, mostly, one declared thing."""

    suite: str
    function: str
    parameter: str
    """What stands in the brackets of the id; empty for none."""
    target: str
    subject: str = ""
    """Name of the declared thing: endpoint, login, query, user, operation."""
    user: str = ""
    needs: tuple[str, ...] = ()
    """Targets whose readiness it needs, its own first, and `user:NAME` for whom it acts as."""
    severity: str = "error"
    owner: str = ""
    runbook: str = ""
    latency: tuple[str, ...] = ()
    error_rate: str | None = None
    marks: tuple[str, ...] = ()
    """Selection marks that its declaration adds to those of its suite."""
    last: bool = False
    """A limit of a whole target: it runs when all other checks have been observed."""

    @property
    def id(self) -> str:
        """The node id, as pytest shows and takes it."""
        return f"{ROOT}::{self.suite}::{self.function}" + (f"[{self.parameter}]" if self.parameter else "")

    @property
    def limits(self) -> tuple[str, ...]:
        """Its limits as they are written, rate included."""
        return self.latency + ((self.error_rate,) if self.error_rate else ())


@dataclass(frozen=True, slots=True)
class Plan:
    """All checks by id, in the order of layers, and what was left out on purpose."""

    checks: Mapping[str, Check]
    left_out: Mapping[str, str]
    """Id → reason, for what the configuration or `--prodcheck-only` leaves out."""
    narrowed: bool = False
    """Whether `--prodcheck-only` left targets out."""

    def of(self, suite: str, function: str) -> list[Check]:
        """The checks of one test function."""
        return [check for check in self.checks.values() if (check.suite, check.function) == (suite, function)]


def make(environment: Environment, only: frozenset[str] = frozenset()) -> Plan:
    """The plan of an environment; `only` narrows it to these targets (`http`, `http.app`, `database`)."""
    checks: dict[str, Check] = {}
    left_out: dict[str, str] = {}
    for target, table in environment.targets.items():
        if only and not only & {target, target.split(".")[0]}:
            left_out[target] = "--prodcheck-only"
            continue
        for check in _of_target(environment, target, table):
            checks[check.id] = check
        left_out.update(_unsent(environment, target, table))
    return Plan(checks, left_out, bool(only))


def _of_target(environment: Environment, target: str, table: Target) -> Iterator[Check]:
    builder = {HttpTarget: _http, AuthTarget: _auth, GraphqlTarget: _graphql, DatabaseTarget: _database}[type(table)]
    yield from builder(environment, target, table)  # type: ignore[operator]


class _Builder:
    """Makes the checks of one target, ids and inherited settings filled in."""

    def __init__(self, environment: Environment, target: str, table: Target) -> None:
        self.suite, _, self.member = target.partition(".")
        self.target, self.table, self.environment = target, table, environment

    def check(
        self,
        function: str,
        subject: str = "",
        *,
        users: tuple[str, ...] = (),
        declared: Owned | None = None,
        latency: tuple[str, ...] = (),
        error_rate: str | None = None,
        last: bool = False,
        parameter: str = "",
    ) -> Check:
        named = parameter.removeprefix("-") if parameter else slug(subject)
        optional = not self.table.required
        thing = declared or self.table
        published = isinstance(self.table, AuthTarget) and self.table.issuer
        needs = (f"jwks:{self.target}",) if function == "test_signature" and published else ()
        return Check(
            self.suite,
            function,
            "-".join(part for part in (slug(self.member), named) if part),
            self.target,
            subject,
            users[0] if users else "",
            (self.target, *needs, *(f"user:{user}" for user in users if user)),
            "warning" if optional else thing.severity,
            thing.owner or self.table.owner,
            thing.runbook or self.table.runbook,
            latency,
            error_rate,
            getattr(thing, "marks", ()),
            last,
        )


def _http(environment: Environment, target: str, table: HttpTarget) -> Iterator[Check]:
    build = _Builder(environment, target, table)
    yield build.check("test_ready")
    if environment.revision and (environment.revision.target or target) == target:
        yield build.check("test_revision")
    if table.url.startswith("https:") or table.tls.valid_for:
        yield build.check("test_certificate")
    if table.security_headers:
        sampled = [table.endpoints[name].as_ or "" for name in table.header_samples]
        yield build.check("test_security_headers", users=tuple(dict.fromkeys(sampled)))
    for name, endpoint in table.endpoints.items():
        if environment.permits(target, name, endpoint):
            users = (endpoint.as_,) if endpoint.as_ else ()
            yield build.check(
                "test_endpoint",
                name,
                users=users,
                declared=endpoint,
                latency=endpoint.latency,
                error_rate=endpoint.error_rate,
            )
    for name, endpoint in table.endpoints.items():
        if endpoint.refuses:
            yield build.check("test_refuses", name, users=(endpoint.as_,) if endpoint.as_ else (), declared=endpoint)
    if protected := _protected(environment, table):
        yield build.check(
            "test_broken_token_refused", protected, users=(table.endpoints[protected].as_,), parameter="-"
        )
    yield from _limits(build)


def _protected(environment: Environment, table: HttpTarget) -> str:
    """The first declared GET that a user with a JWT may read: what must refuse a token with a broken signature."""
    for name, endpoint in table.endpoints.items():
        user = environment.users.get(endpoint.as_)
        answers = not endpoint.status or any(200 <= status < 300 for status in endpoint.status)
        if user and not user.opaque and user.keep != "cookies" and endpoint.method == "GET" and answers:
            return "" if endpoint.writes else name
    return ""


def _limits(build: _Builder) -> Iterator[Check]:
    """The limits of a whole target, judged over all its requests when everything else was observed."""
    if build.table.latency:
        yield build.check("test_latency", latency=build.table.latency, last=True)
    rate = getattr(build.table, "error_rate", None)
    if rate:
        yield build.check("test_error_rate", error_rate=rate, last=True)


def _auth(environment: Environment, target: str, table: AuthTarget) -> Iterator[Check]:
    build = _Builder(environment, target, table)
    yield build.check("test_ready")
    if table.issuer:
        yield build.check("test_discovery")
        yield build.check("test_jwks")
    for name, user in environment.users.items():
        yield build.check("test_token", name)
        if not user.opaque:
            yield build.check("test_signature", name, users=(name,))
            yield build.check("test_claims", name, users=(name,))
    yield from _limits(build)


def _database(environment: Environment, target: str, table: DatabaseTarget) -> Iterator[Check]:
    build = _Builder(environment, target, table)
    yield build.check("test_ready")
    for name in table.logins:
        yield build.check("test_login", name)
    if table.identity:
        yield build.check("test_identity")
    if table.connections:
        yield build.check("test_connections")
    if table.tables:
        yield build.check("test_tables")
    if table.contract:
        from pytest_prodcheck.gate import contracts

        contracts.of(environment, target, table)
        yield build.check("test_contract")
    if table.migrations:
        yield build.check("test_migrations", declared=table.migrations)
    if table.rls:
        yield build.check("test_rls")
        for name in table.rls.sees:
            yield build.check("test_rls_proof", name, users=(name,) if name in environment.users else ())
    if table.health:
        from pytest_prodcheck.criteria.database_health import areas

        for area in areas(table.health):
            yield build.check("test_health", area, declared=table.health)
    if table.pooler:
        yield build.check("test_pooler", declared=table.pooler)
    for name in table.rows:
        yield build.check("test_rows", name)
    for name in table.relations:
        yield build.check("test_relations", name)
    if table.lint:
        yield build.check("test_lint", declared=table.lint)
    for name, query in table.queries.items():
        yield build.check("test_query", name, declared=query, latency=query.latency)
        if query.explain:
            yield build.check("test_plan", name, declared=query)
    yield from _limits(build)


def _graphql(environment: Environment, target: str, table: GraphqlTarget) -> Iterator[Check]:
    build = _Builder(environment, target, table)
    yield build.check("test_ready")
    if table.engine == "hasura":
        yield build.check("test_health")
    if table.engine == "hasura" and table.admin_secret and _places(environment):
        yield build.check("test_jwt_config")
    reader = table.as_[:1]
    if table.schema_ or table.operations:
        yield build.check("test_schema", users=reader)
    if table.metadata or table.row_filters:
        from pytest_prodcheck.gate import hasura_files

        if table.metadata:
            hasura_files.read(table.metadata)  # metadata that is none is a usage error, before anything is sent
        yield build.check("test_metadata")
    yield from _exposure(build, table, reader)
    from pytest_prodcheck.gate import documents

    documents.pinned(environment, table)  # a schema that is none is a usage error, before anything is sent
    found = documents.of(environment, table)
    for name in found.operations:
        if not found.why_not(name):
            yield from _executed(build, table, name)
            yield from _denied(build, table, name)
    for name, promised in table.subscriptions.items():
        yield build.check("test_subscription", name, users=(promised.as_,) if promised.as_ else (), declared=promised,
                          parameter=_of_operation(name, promised.as_))  # fmt: skip
    sent = [name for name in found.operations if not found.why_not(name)]
    answered = [(name, user) for name in sent for user in _answered(environment, table, name)]
    if answered:
        yield build.check("test_broken_token_refused", answered[0][0], users=(answered[0][1],), parameter="-")
    if table.refuses:
        jwt = next((user for user in table.as_ if has_jwt(environment.users[user])), "")
        first, user = answered[0] if answered else ("" if jwt else (sent or [""])[0], jwt)
        yield build.check("test_refuses", first, users=(user,) if user else (), parameter="-")
    yield from _limits(build)


def _exposure(build: _Builder, table: GraphqlTarget, reader: tuple[str, ...]) -> Iterator[Check]:
    """What an API shows and takes. In production what is not declared is looked at too: open, it is a warning. Hasura
    has no way to refuse batches, so that they are judged there only where they are declared."""
    looked_at = {"introspection": table.introspection, "suggestions": table.suggestions, "batching": table.batching,
                 "ide": table.ide}  # fmt: skip
    for name, declared in looked_at.items():
        users = () if name == "ide" else reader
        if declared is not None:
            yield build.check(f"test_{name}", users=users)
        elif build.environment.kind == "production" and not (name == "batching" and table.engine == "hasura"):
            yield replace(build.check(f"test_{name}", users=users), severity="warning")
    if table.max_depth:
        yield build.check("test_depth", users=reader)


def _places(environment: Environment) -> bool:
    """Whether it is promised where Hasura finds its claims, in a way that it tells: it tells no claims_map."""
    tables = [table for table in environment.targets.values() if isinstance(table, AuthTarget)]
    return any(not isinstance(table.hasura, bool) and not table.hasura.map for table in tables)


def _executed(build: _Builder, table: GraphqlTarget, name: str) -> Iterator[Check]:
    promised = table.expect.get(name)
    allowed = table.allowed.get(name, table.as_ or ("",))
    for user in (promised.as_,) if promised and promised.as_ else allowed:
        yield build.check(
            "test_operation",
            name,
            users=(user,) if user else (),
            latency=promised.latency if promised else (),
            parameter=_of_operation(name, user),
        )


def _answered(environment: Environment, table: GraphqlTarget, name: str) -> list[str]:
    """The users with a JWT to whom the operation is promised to be answered without errors."""
    promised = table.expect.get(name)
    if promised and promised.errors not in (None, "absent", []):
        return []
    users = (promised.as_,) if promised and promised.as_ else table.allowed.get(name, table.as_)
    return [user for user in users if user and has_jwt(environment.users[user])]


def _denied(build: _Builder, table: GraphqlTarget, name: str) -> Iterator[Check]:
    """Whoever is declared and not allowed; and who sends no token, which no user's name stands for."""
    if name in table.allowed:
        for user in (*(user for user in table.as_ if user not in table.allowed[name]), ""):
            parameter = _of_operation(name, user or "anonymous")
            yield build.check("test_denied", name, users=(user,) if user else (), parameter=parameter)


def _of_operation(name: str, user: str) -> str:
    return "-".join(part for part in (slug(name, keep_case=True), slug(user)) if part)


def _unsent(environment: Environment, target: str, table: Target) -> Iterator[tuple[str, str]]:
    """What is declared and will not be sent, with the reason."""
    if isinstance(table, HttpTarget):
        for name, endpoint in table.endpoints.items():
            if not environment.permits(target, name, endpoint):
                yield f"{target}.{name}", "a write that `writes` does not permit here"
    if isinstance(table, GraphqlTarget):
        from pytest_prodcheck.gate import documents

        found = documents.of(environment, table)
        for name in found.operations:
            if name not in table.subscriptions and (reason := found.why_not(name)):
                yield f"{target}.{name}", reason
