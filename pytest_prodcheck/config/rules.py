"""What must hold between the keys of one environment: promises that promise something, names that name something."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from pytest_prodcheck.config import address, forgeries, grammar, identity, rls_rules
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import (
    METHODS_THAT_READ,
    AuthTarget,
    DatabaseTarget,
    Endpoint,
    Environment,
    GraphqlTarget,
    HttpTarget,
    Migrations,
    Model,
    Pooler,
    Target,
)
from pytest_prodcheck.config.problems import Problems, nearest
from pytest_prodcheck.config.secrecy import REFERENCE, only_refusals
from pytest_prodcheck.config.slugs import check_id, slug

_METHODS = (*METHODS_THAT_READ, "POST", "PUT", "PATCH", "DELETE")
_ALGORITHMS = (*(f"{family}{bits}" for family in ("RS", "PS", "ES", "HS") for bits in (256, 384, 512)), "EdDSA")
_CODE = compiled(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
_LONGEST_ACCEPTANCE = timedelta(days=90)
_EMPTY: Mapping[str, str] = {
    "tables": "schema contract names no table",
    "endpoints": "http contract names no endpoint",
    "logins": "logins contract names no login",
    "queries": "queries contract names no query",
    "rows": "rows names no table",
    "relations": "relations names no column",
    "operations": "operations contract names no document",
    "audience": "audience names nobody",
    "algorithms": "algorithms names no algorithm",
    "as_": "as names no user",
    "allowed": "allowed names no operation",
    "subscriptions": "subscriptions names no operation",
    "row_filters": "row_filters names no table",
    "security_headers": "security_headers contract names no header",
    "expect_headers": "expect_headers contract names no header",
    "status": "status names no status",
    "expect": "expect promises nothing",
    "claims": "claims contract names no claim",
    "refuses": "refuses names no token",
    "refused": "refused names no status",
    "hosts": "hosts names no host",
}
"""Fields that promise nothing when they are written, and empty: all of nothing holds."""


@dataclass(frozen=True, slots=True)
class _Checked:
    environment: Environment
    problems: Problems

    def ids(self, kind: type[Target]) -> list[str]:
        return [target_id for target_id, target in self.environment.targets.items() if isinstance(target, kind)]

    def known_user(self, path: KeyPath, name: str) -> None:
        if name and name not in self.environment.users:
            self.problems.add(path, f"as names an unknown user{nearest(name, self.environment.users)}")

    def http_target(self, path: KeyPath, name: str, subject: str) -> None:
        """`name` is an http target. (Without a name the loader filled in the first one.)"""
        known = self.ids(HttpTarget)
        if name and name not in known:
            self.problems.add((*path, "target"), f"no such http target{nearest(name, known)}")
        elif not known:
            self.problems.add(path, f"{subject} needs an http target", '[env.NAME.http] url = "https://app.example"')


def check(environment: Environment, problems: Problems, today: date) -> None:
    """Adds every problem that one key alone does not show. Files are `files.check`'s; users are `users.check`'s."""
    checked = _Checked(environment, problems)
    for target_id, target in environment.targets.items():
        path = tuple(target_id.split(".", 1))
        _empty_promises(path, target, problems)
        _addresses(path, target, problems)
        for kind, rule in _BY_KIND.items():
            if isinstance(target, kind):
                rule(checked, path, target)
    for name, user in environment.users.items():
        _judgeable(("users", name, "claims"), dict(user.claims), problems)
    if environment.revision:
        _said(("revision",), environment.revision, "expected", "expected names no revision", problems)
        checked.http_target(("revision",), environment.revision.target, "revision")
    _check_ids(checked)
    _writes(checked)
    _accepted(checked, today)


def _empty_promises(path: KeyPath, model: Model, problems: Problems) -> None:
    for name in model.model_fields_set & _EMPTY.keys():
        value = getattr(model, name)
        if isinstance(value, tuple | Mapping) and not value:
            key = type(model).model_fields[name].alias or name
            problems.add((*path, key), _EMPTY[name])


def _said(path: KeyPath, model: Model, name: str, problem: str, problems: Problems) -> None:
    """A text that is written, and blank, promises nothing."""
    if name in model.model_fields_set and not getattr(model, name).strip():
        problems.add((*path, name), problem)


def _addresses(path: KeyPath, target: Target, problems: Problems) -> None:
    for key in ("url", "issuer", "jwks_url", "proxy"):
        value = getattr(target, key, "")
        if value and not REFERENCE.fullmatch(value) and (problem := address.address_problem(value, key)):
            problems.add((*path, key), problem)


def _http(checked: _Checked, path: KeyPath, target: Target) -> None:
    if isinstance(target, HttpTarget):
        for name, endpoint in target.endpoints.items():
            _endpoint(checked, (*path, "endpoints", name), endpoint)


def _endpoint(checked: _Checked, path: KeyPath, endpoint: Endpoint) -> None:
    add = checked.problems.add
    _empty_promises(path, endpoint, checked.problems)
    checked.known_user((*path, "as"), endpoint.as_)
    if not _is_path(endpoint.path):
        add((*path, "path"), "a path begins with one / and is relative to the target's url", 'path = "/api/tasks"')
    if endpoint.method not in _METHODS:
        add((*path, "method"), f"unknown method{nearest(endpoint.method, _METHODS)}")
    elif endpoint.method not in METHODS_THAT_READ and endpoint.effect is None and not _is_refused_post(endpoint):
        text = f"{endpoint.method} needs its effect: read, or write (a POST that only expects 4xx is a read by itself)"
        add((*path, "effect"), text, 'effect = "read"')
    for name in ("expect", "schema_") if endpoint.method == "HEAD" else ():
        if getattr(endpoint, name) not in (None, ""):
            key = name.removesuffix("_")
            add((*path, key), f"the answer to HEAD has no body that could keep {key}", 'method = "GET"')
    if len({"json_", "form", "text"} & endpoint.model_fields_set) > 1:
        add(path, "one request has one body: json, form or text")
    _judgeable((*path, "expect"), endpoint.expect, checked.problems)
    _judgeable((*path, "expect_headers"), endpoint.expect_headers, checked.problems)
    forgeries.endpoint(checked.environment, path, endpoint, add)
    if endpoint.writes:
        _write(checked, path, endpoint)


def _judgeable(path: KeyPath, expected: object, problems: Problems) -> None:
    """An expectation that no answer could be judged by (a bad regular expression, `age < 60`) is said now."""
    try:
        grammar.check_expectation(expected)
    except ValueError as problem:
        problems.add(path, str(problem))


def _write(checked: _Checked, path: KeyPath, endpoint: Endpoint) -> None:
    if endpoint.cleanup is None:
        text = 'a write says its cleanup: a request, or "none: reason"'
        checked.problems.add((*path, "cleanup"), text, 'cleanup = { path = "/api/orders/{id}" }')
    elif not isinstance(endpoint.cleanup, str) and not _is_path(endpoint.cleanup.path):
        checked.problems.add((*path, "cleanup", "path"), "a path begins with one / and is relative to the target's url")
    if endpoint.retries:
        checked.problems.add((*path, "retries"), "only reads are retried; a write is sent once", "retries = 0")


def _is_path(path: str) -> bool:
    return bool(REFERENCE.match(path)) or (path.startswith("/") and not path.startswith(("//", "/\\")))


def _is_refused_post(endpoint: Endpoint) -> bool:
    return endpoint.method == "POST" and only_refusals(endpoint.status)


def _auth(checked: _Checked, path: KeyPath, target: Target) -> None:
    if not isinstance(target, AuthTarget):
        return
    add = checked.problems.add
    for name in target.algorithms:
        if name not in _ALGORITHMS:
            add((*path, "algorithms"), f"unknown or insecure algorithm{nearest(name, _ALGORITHMS)}")
    families = {name[:2] for name in target.algorithms}
    if "HS" in families and target.secret is None:
        add((*path, "algorithms"), "HS algorithms need the shared secret", 'secret = "env:JWT_SECRET"')
    if "HS" in families and len(families) > 1:
        text = "HS algorithms beside others let a public key pass as a shared secret (RFC 8725 §3.1)"
        add((*path, "algorithms"), text)
    if "HS" not in families and target.secret is not None:
        add((*path, "secret"), "a shared secret needs an HS algorithm", 'algorithms = ["HS256"]')
    if families - {"HS"} and not (target.issuer or target.jwks_url):
        add((*path, "algorithms"), "public keys come from an issuer", 'issuer = "https://auth.example/"')
    identity.check(path, target, add)


def _graphql(checked: _Checked, path: KeyPath, target: Target) -> None:
    if not isinstance(target, GraphqlTarget):
        return
    for name in target.as_:
        checked.known_user((*path, "as"), name)
    for operation, expectation in target.expect.items():
        checked.known_user((*path, "expect", operation, "as"), expectation.as_)
        _judgeable((*path, "expect", operation, "data"), expectation.data, checked.problems)
        _judgeable((*path, "expect", operation, "errors"), expectation.errors, checked.problems)
    forgeries.graphql(checked.environment, path, target, checked.problems.add)
    for operation, users in target.allowed.items():
        for name in users:
            checked.known_user((*path, "allowed", operation), name)
    for operation, subscription in target.subscriptions.items():
        checked.known_user((*path, "subscriptions", operation, "as"), subscription.as_)
        _judgeable((*path, "subscriptions", operation, "data"), subscription.data, checked.problems)
    named = {"expect": target.expect, "variables": target.variables, "allowed": target.allowed,
             "subscriptions": target.subscriptions}  # fmt: skip
    for key in [key for key, value in named.items() if value and not target.operations]:
        checked.problems.add((*path, key), f"{key} needs operations", 'operations = "graphql/*.graphql"')
    _sockets(path, target, checked.problems)
    _of_hasura(path, target, checked.problems)


def _sockets(path: KeyPath, target: GraphqlTarget, problems: Problems) -> None:
    url = target.subscriptions_url
    if url and not REFERENCE.fullmatch(url) and (problem := address.url_problem(url, ("ws", "wss"))):
        problems.add((*path, "subscriptions_url"), problem, 'subscriptions_url = "wss://api.example/graphql"')


def _of_hasura(path: KeyPath, target: GraphqlTarget, problems: Problems) -> None:
    for key in ("metadata", "row_filters"):
        if getattr(target, key) and not (target.engine == "hasura" and target.admin_secret is not None):
            text = f"{key} is judged by Hasura's own metadata: it needs the engine and its admin secret"
            problems.add((*path, key), text, 'engine = "hasura", admin_secret = "env:HASURA_ADMIN_SECRET"')


def _database(checked: _Checked, path: KeyPath, target: Target) -> None:
    if not isinstance(target, DatabaseTarget):
        return
    for key, value in [(("dsn",), target.dsn), *((("logins", name), dsn) for name, dsn in target.logins.items())]:
        if not REFERENCE.fullmatch(value) and (problem := address.dsn_problem(value)):
            checked.problems.add((*path, *key), problem, f'{key[-1]} = "env:DATABASE_URL"')
    for name, query in target.queries.items():
        _empty_promises((*path, "queries", name), query, checked.problems)
        _judgeable((*path, "queries", name, "expect"), query.expect, checked.problems)
        if query.explain is not None and not (query.explain.index or query.explain.cost):
            checked.problems.add(
                (*path, "queries", name, "explain"), "explain promises nothing", 'explain.cost = "< 1000"'
            )
    _said(path, target, "identity", "identity names no database", checked.problems)
    if target.rls:
        rls_rules.check(path, target.rls, checked.environment, checked.problems)
    if target.lint:
        rls_rules.check_lint(path, target.lint, checked.problems)
    if target.migrations:
        _migrations(checked, (*path, "migrations"), target.migrations)
    if target.pooler:
        _pooler(checked, (*path, "pooler"), target.pooler)
    _contents(checked, path, target)


def _migrations(checked: _Checked, path: KeyPath, promised: Migrations) -> None:
    """A folder, a pinned head, or a query with its answer: one of the three."""
    add = checked.problems.add
    written = [key for key in ("directory", "head", "sql") if key in promised.model_fields_set]
    if len(written) != 1:
        said = " and ".join(written) or "none of them"
        add(path, f"migrations name one of directory, head and sql, not {said}", 'directory = "alembic/versions"')
    elif written == ["sql"]:
        if "expect" not in promised.model_fields_set:
            add((*path, "sql"), "migrations by a query need the answer that is promised", 'expect = "20260811"')
        for key in ("tool", "table"):
            if key in promised.model_fields_set:
                add((*path, key), f"{key} has no meaning beside sql")
        _judgeable((*path, "expect"), promised.expect, checked.problems)
    else:
        if promised.tool is None:
            add(path, "migrations name their tool, or a query for one that is unknown", 'tool = "alembic"')
        if "expect" in promised.model_fields_set:
            add((*path, "expect"), "expect belongs to sql", 'sql = "select version from my_migrations"')
    if "head" in promised.model_fields_set and not all(name.strip() for name in promised.head or ("",)):
        add((*path, "head"), "head names no revision", 'head = "env:ALEMBIC_HEAD"')


def _pooler(checked: _Checked, path: KeyPath, pooler: Pooler) -> None:
    if not REFERENCE.fullmatch(pooler.dsn) and (problem := address.dsn_problem(pooler.dsn)):
        checked.problems.add((*path, "dsn"), problem, 'dsn = "env:POOLER_STATS_DSN"')
    if pooler.mode is None and pooler.waiting is None:
        checked.problems.add(path, "pooler promises nothing", 'mode = "transaction"')


_COLUMN = compiled(r"[^.\s]+\.[^.\s]+(?:\.[^.\s]+)?")


def _contents(checked: _Checked, path: KeyPath, target: DatabaseTarget) -> None:
    """`rows` and `relations`: what can be counted, and columns that can be compared."""
    for name, promised in target.rows.items():
        limit = grammar.comparison(promised) if isinstance(promised, str) else None
        whole = isinstance(promised, int) and not isinstance(promised, bool) and promised >= 0
        if not whole and (limit is None or limit.unit or limit.subject):
            text = "rows are a number, or a comparison with one"
            checked.problems.add((*path, "rows", name), text, 'rows = { countries = 249, tasks = "> 0" }')
    for name, other in target.relations.items():
        if not (_COLUMN.fullmatch(name) and _COLUMN.fullmatch(other)):
            text = "a relation leads from one column to another"
            checked.problems.add((*path, "relations", name), text, 'relations = { "tasks.project_id" = "projects.id" }')


_BY_KIND: Mapping[type[Target], Callable[[_Checked, KeyPath, Target], None]] = {
    HttpTarget: _http,
    AuthTarget: _auth,
    GraphqlTarget: _graphql,
    DatabaseTarget: _database,
}


def _check_ids(checked: _Checked) -> None:
    """No two things of one kind have the same id in a report: one result would hide the other."""
    for things in _named(checked.environment):
        seen: dict[str, KeyPath] = {}
        for identifier, path in things:
            if not identifier:
                checked.problems.add(path, "a name needs a letter or a digit from a to z")
            elif first := seen.get(identifier):
                source = checked.problems.source
                lines = f"{source.where(first)} and {source.line(source.origin(path))}"
                checked.problems.add(path, f"duplicate check id {identifier} ({lines})")
            seen.setdefault(identifier, path)


def _named(environment: Environment) -> Iterator[Iterable[tuple[str, KeyPath]]]:
    targets = [(target_id, tuple(target_id.split(".", 1)), target) for target_id, target in environment.targets.items()]
    of_databases = ((DatabaseTarget, key) for key in ("logins", "queries", "rows", "relations"))
    for kind, key in ((HttpTarget, "endpoints"), *of_databases):
        yield [
            (check_id(target_id, name), (*path, key, name))
            for target_id, path, target in targets
            if isinstance(target, kind)
            for name in getattr(target, key)
        ]
    yield [(slug(name), ("users", name)) for name in environment.users]


def _writes(checked: _Checked) -> None:
    declared = [
        (name, f"{target_id}.{name}")
        for target_id, target in checked.environment.targets.items()
        if isinstance(target, HttpTarget)
        for name, endpoint in target.endpoints.items()
        if endpoint.writes
    ]
    logins = [("login", f"users.{name}.login") for name, user in checked.environment.users.items() if user.login]
    known = {name for pair in (*declared, *logins) for name in pair}
    for position, name in enumerate(checked.environment.writes):
        path = ("writes", position)
        meant = [qualified for short, qualified in declared if short == name]
        if name not in known:
            checked.problems.add(path, f"writes names no declared write{nearest(name, known)}")
        elif len(meant) > 1 or (meant and name == "login" and logins):
            checked.problems.add(path, f"writes is ambiguous: {name} could be {' or '.join(meant)}", f'"{meant[0]}"')


def _accepted(checked: _Checked, today: date) -> None:
    for position, accepted in enumerate(checked.environment.accepted):
        path = ("accepted", position)
        if accepted.until > today + _LONGEST_ACCEPTANCE:
            latest = today + _LONGEST_ACCEPTANCE
            checked.problems.add(
                (*path, "until"), f"at most 90 days ahead: {latest} at the latest", f"until = {latest}"
            )
        if not _CODE.fullmatch(accepted.code) or accepted.code.startswith("gate."):
            text = "an accepted finding has the code of one cause, as a verdict names it; what cannot be named is none"

            checked.problems.add((*path, "code"), text, 'code = "http.headers.csp_missing"')
        if accepted.on and accepted.on not in checked.environment.targets:
            checked.problems.add((*path, "on"), f"no such target{nearest(accepted.on, checked.environment.targets)}")
