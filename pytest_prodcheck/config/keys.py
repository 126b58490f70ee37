"""What each key of `prodcheck.toml` means, with an example: the words of messages, editors and documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

_OWNED = {
    "owner": ("Whom to ask; shown with every cause.", 'owner = "@web"'),
    "runbook": ("A URL that is shown with every cause.", 'runbook = "https://wiki.example/http"'),
    "severity": ("`error` (the default), or `warning`, which makes the run degraded.", 'severity = "warning"'),
}
_TARGET = _OWNED | {
    "required": ("`false`: may be absent without blocking the run.", "required = false"),
    "timeout": ("Deadline of one exchange, connection set-up included.", 'timeout = "10s"'),
    "latency": ("Limits over all requests of this target.", 'latency = ["< 2s", "p95 < 500ms"]'),
}
_HEADERS = ("Headers sent with every request; credentials only as references.", 'headers = { X-Key = "env:API_KEY" }')
_WEB = _TARGET | {
    "tls": ("How far the server's certificate is trusted.", 'tls = { valid_for = "14d" }'),
    "proxy": ("HTTP proxy, `http://`, with user and password where it wants them.", 'proxy = "env:HTTPS_PROXY"'),
    "headers": _HEADERS,
}
_JSON = ("JSON body that is sent.", 'json = { name = "prodcheck {run}" }')
_FORM = ("Form body that is sent.", 'form = { q = "x" }')
_RATE = ("Limit of the share of errors.", 'error_rate = "< 1%"')

KEYS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Environment": {
        "kind": ("What it is. Permits nothing by itself.", 'kind = "staging"'),
        "insufficient": ("What an unproven promise is: `fail` (exit 6), or `warn`.", 'insufficient = "warn"'),
        "degraded": ("What a warning is: `warn`, or `fail` (exit 1).", 'degraded = "fail"'),
        "confidence": ("How sure a statistical verdict must be, 50% to 99.99%.", 'confidence = "95%"'),
        "deadline": ("Deadline of the whole gate.", 'deadline = "120s"'),
        "requests": ("Caps per host; never exceeded.", "requests = { per_second = 100, in_flight = 20 }"),
        "revision": ("Where the system says its revision.", 'revision = { path = "/api/version", at = "commit" }'),
        "settle": ("How long a rollout may take before only one revision serves.", 'settle = "3m"'),
        "writes": ("Declared writes that may be done here, by name. Never inherited.", 'writes = ["login"]'),
        "users": ("Synthetic users by name.", 'users.member = { grant = "static", token = "env:API_TOKEN" }'),
        "accepted": (
            "Known findings with an end. Never inherited.",
            '[[env.staging.accepted]] code = "…", reason = "PLAN-1", until = 2026-12-31',
        ),
    },
    "Requests": {
        "per_second": ("Requests per second and host.", "per_second = 100"),
        "in_flight": ("Requests at the same time, per host.", "in_flight = 20"),
        "at_most": ("Requests to one host in a whole run, samples included.", "at_most = 1000"),
    },
    "Revision": {
        "path": ("Path that is asked.", 'path = "/api/version"'),
        "at": ("Key of the JSON answer, nested by dots; empty: the whole text.", 'at = "commit"'),
        "header": ("Answer header that says it instead.", 'header = "X-Revision"'),
        "expected": ("The revision that must serve.", 'expected = "env:GIT_SHA"'),
        "target": ("The http target that is asked, where there are several.", 'target = "http.app"'),
    },
    "User": {
        "grant": (
            "How the token is obtained: `client_credentials`, `password`, `refresh_token`, `static`, `login`.",
            'grant = "client_credentials"',
        ),
        "client_id": ("OAuth client.", 'client_id = "env:CLIENT_ID"'),
        "client_secret": ("Its secret; a reference.", 'client_secret = "env:CLIENT_SECRET"'),
        "username": ("For `password`.", 'username = "env:SMOKE_USER"'),
        "password": ("For `password`; a reference.", 'password = "env:SMOKE_PASSWORD"'),
        "refresh_token": ("For `refresh_token`; a reference.", 'refresh_token = "env:REFRESH_TOKEN"'),
        "token": ("For `static`; a reference.", 'token = "env:API_TOKEN"'),
        "scope": ("Requested scope.", 'scope = "openid"'),
        "client_auth": (
            "How the client authenticates: `basic`, `post` or `private_key_jwt` (RFC 7523).",
            'client_auth = "private_key_jwt"',
        ),
        "client_key": ("Its private key (PEM) for `private_key_jwt`; a reference.", 'client_key = "file:client.pem"'),
        "client_key_id": ("`kid` of that key, where the provider wants one.", 'client_key_id = "2026-08"'),
        "assertion_audience": (
            "To whom the client's assertion speaks: `token_endpoint` or `issuer`.",
            'assertion_audience = "issuer"',
        ),
        "lifetime": ("Limit of the token's lifetime.", 'lifetime = "<= 10m"'),
        "opaque": ("The token is no JWT.", "opaque = true"),
        "introspect": ("Ask the introspection endpoint (RFC 7662).", "introspect = true"),
        "claims": ("Expectations of the token's claims.", 'claims = { sub = "*" }'),
        "login": (
            "For `login`: the request that logs in.",
            'login = { path = "/login", json = { user = "env:USER" } }',
        ),
        "keep": ("What of the answer is kept: the token's key, or `cookies`.", 'keep = "access_token"'),
    },
    "Login": {
        "path": ("Path of the login.", 'path = "/api/v1/auth/login"'),
        "target": ("The http target, where there are several.", 'target = "http.app"'),
        "method": ("`POST` or `PUT`.", 'method = "POST"'),
        "json": ("JSON body.", 'json = { username = "env:SMOKE_USER", password = "env:SMOKE_PASSWORD" }'),
        "form": ("Form body.", 'form = { username = "env:SMOKE_USER", password = "env:SMOKE_PASSWORD" }'),
        "headers": _HEADERS,
    },
    "ClientCertificate": {
        "certificate": ("PEM file of the certificate.", 'certificate = "tls/client.pem"'),
        "key": ("PEM file of its key.", 'key = "tls/client.key"'),
    },
    "Tls": {
        "ca": ("PEM file of the CA, or `system`.", 'ca = "tls/ca.pem"'),
        "valid_for": ("How long the certificate must still hold.", 'valid_for = "14d"'),
        "client_certificate": ("Our certificate.", 'client_certificate = { certificate = "c.pem", key = "c.key" }'),
    },
    "Cleanup": {
        "path": (
            "Path; `{id}` comes from the write's JSON answer, or ends its `Location`.",
            'path = "/api/orders/{id}"',
        ),
        "method": ("`DELETE` (the default), `POST`, `PUT` or `PATCH`.", 'method = "DELETE"'),
        "headers": _HEADERS,
        "json": _JSON,
        "form": _FORM,
        "status": ("Expected statuses; empty: any 2xx.", "status = 204"),
    },
    "Endpoint": _OWNED
    | {
        "path": ('Path below the target\'s `url`. `home = "/"` is the short form.', 'path = "/api/tasks"'),
        "method": ("HTTP method.", 'method = "POST"'),
        "effect": ("`read` or `write`; mandatory beyond GET, HEAD, OPTIONS.", 'effect = "read"'),
        "cleanup": ("How a write is undone.", 'cleanup = { path = "/api/orders/{id}" }'),
        "as": ("The user as whom it is sent.", 'as = "member"'),
        "headers": _HEADERS,
        "query": ("Query parameters.", "query = { limit = 10 }"),
        "json": _JSON,
        "form": _FORM,
        "text": ("Text body that is sent.", 'text = "ping"'),
        "status": ("Expected statuses; without it any 2xx.", "status = [401, 403]"),
        "refuses": (
            "Tokens that must be refused here: see [identity](identity.md).",
            'refuses = ["none", "alg_none", "tampered"]',
        ),
        "refused": ("Statuses of such a refusal; without it 400, 401 or 403.", "refused = 401"),
        "follow": ("Follow redirects, to configured hosts only.", "follow = true"),
        "expect": (
            "Expectation of the answer's document; not for HEAD, whose answer has none.",
            'expect = { status = "healthy" }',
        ),
        "expect_headers": ("Expectations of headers.", 'expect_headers = { Location = "has https://" }'),
        "content_type": ("Expected media type.", 'content_type = "application/json"'),
        "schema": ("JSON Schema that the answer keeps; it asserts something.", 'schema = "contracts/tasks.json"'),
        "latency": ("Limits over this endpoint's requests.", 'latency = "< 300ms"'),
        "error_rate": _RATE,
        "timeout": ("Deadline of one exchange.", 'timeout = "10s"'),
        "retries": ("Further attempts of a read; every one counts.", "retries = 1"),
        "marks": ("Selection marks.", 'marks = ["smoke"]'),
    },
    "HttpTarget": _WEB
    | {
        "url": ("Base URL. Its presence makes the table a target.", 'url = "https://app.example"'),
        "endpoints": ("Declared requests by name.", 'endpoints.health = { path = "/health" }'),
        "error_rate": _RATE,
        "security_headers": ("A named rule set (`owasp`), or a table.", 'security_headers = "owasp"'),
    },
    "AuthTarget": _WEB
    | {
        "issuer": ("OIDC issuer, byte by byte.", 'issuer = "https://auth.example/application/o/plan/"'),
        "audience": ("`aud` of every user that is not opaque.", 'audience = "plan"'),
        "algorithms": ("Accepted signature algorithms.", 'algorithms = ["RS256"]'),
        "secret": ("Shared key for HS256; a reference.", 'secret = "env:JWT_SECRET"'),
        "jwks_url": ("The JWKS address a consumer uses.", 'jwks_url = "https://auth.example/jwks/"'),
        "hosts": ("Hosts beside the issuer's own that discovery may name.", 'hosts = ["oauth2.example"]'),
        "jwks_cache": ("Limit of the `max-age` with which keys are published.", 'jwks_cache = "<= 1h"'),
        "hasura": (
            "Tokens must carry Hasura's claims; a table says where Hasura finds them.",
            'hasura = { namespace = "https://app.example/claims" }',
        ),
        "specimens": ("Genuine tokens that no service may accept.", 'specimens = { expired = "env:EXPIRED_TOKEN" }'),
        "skew": ("Tolerated difference of clocks.", 'skew = "5s"'),
    },
    "HasuraClaims": {
        "namespace": ("`claims_namespace` of Hasura.", 'namespace = "https://app.example/claims"'),
        "path": ("`claims_namespace_path`, a JSON path.", 'path = "$.app.claims"'),
        "format": ("`claims_format`: `json` or `stringified_json`.", 'format = "stringified_json"'),
        "map": ("`claims_map`: each variable's JSON path, or a literal.", 'map = { x-hasura-user-id = "$.sub" }'),
    },
    "HasuraMapped": {
        "path": ("JSON path of the claim.", 'path = "$.app.role"'),
        "default": ("What holds where it is missing.", 'default = "user"'),
    },
    "Specimens": {
        "expired": ("A genuine token that is over; a reference.", 'expired = "env:EXPIRED_TOKEN"'),
        "audience": ("A genuine token for another audience; a reference.", 'audience = "env:OTHER_TOKEN"'),
    },
    "GraphqlExpectation": {
        "as": ("The user.", 'as = "member"'),
        "data": ("Expectation of `data`.", 'data = { tasks = "size > 0" }'),
        "errors": ("Expectation of `errors`.", 'errors = "absent"'),
        "latency": ("Limits of this operation.", 'latency = "< 300ms"'),
    },
    "GraphqlSubscription": _OWNED
    | {
        "as": ("The user; its token goes into connection_init.", 'as = "member"'),
        "within": ("Deadline of the first event or the completion.", 'within = "5s"'),
        "expect": ("`event` (or completion; the default), or `open`: acknowledged and no error.", 'expect = "event"'),
        "data": ("Expectation of the first event's `data`.", 'data = { tasks = "size > 0" }'),
    },
    "GraphqlTarget": _WEB
    | {
        "url": ("The endpoint.", 'url = "https://hasura.example/v1/graphql"'),
        "engine": ("`hasura` or `generic`.", 'engine = "hasura"'),
        "operations": ("Glob of the documents that the application sends.", 'operations = "graphql/*.graphql"'),
        "variables": ("JSON file, values by operation.", 'variables = "graphql/variables.json"'),
        "as": ("Users as whom the operations are executed.", 'as = ["member"]'),
        "schema": ("Pinned SDL.", 'schema = "contracts/schema.graphql"'),
        "admin_secret": ("Hasura's admin secret; a reference.", 'admin_secret = "env:HASURA_ADMIN_SECRET"'),
        "introspection": ("`open` or `refused`.", 'introspection = "refused"'),
        "suggestions": ('Whether errors may propose names (`"Did you mean …"`).', 'suggestions = "refused"'),
        "batching": ("Whether several operations may come in one request.", 'batching = "refused"'),
        "ide": ("Whether an IDE may be served.", "ide = false"),
        "max_depth": ("Deeper documents must be refused.", "max_depth = 8"),
        "refuses": (
            "Tokens that must be refused: see [identity](identity.md).",
            'refuses = ["none", "alg_none", "role"]',
        ),
        "refused": (
            "Statuses of such a refusal; without it 400, 401, 403, or errors without data.",
            "refused = 401",
        ),
        "allowed": (
            "Operation → users who may execute it; all others of `as`, and nobody's token, are refused.",
            'allowed.Tasks = ["member"]',
        ),
        "subscriptions": (
            "Subscriptions that are opened, by operation.",
            'subscriptions.TaskChanges = { as = "member", within = "3s" }',
        ),
        "subscriptions_url": (
            "Where subscriptions are served.",
            'subscriptions_url = "wss://api.example/subscriptions"',
        ),
        "metadata": ("The repository's Hasura metadata: folder, or exported JSON.", 'metadata = "hasura/metadata"'),
        "row_filters": ("Tables whose permissions filter by a session variable.", 'row_filters = ["tasks"]'),
        "trusted_roles": ("Hasura roles that may see all rows of them.", 'trusted_roles = ["service"]'),
        "error_rate": _RATE,
        "expect": (
            "Expectations by operation; of queries that are sent.",
            'expect.Tasks = { data = { tasks = "size > 0" } }',
        ),
    },
    "Query": _OWNED
    | {
        "sql": ("One statement that reads.", 'sql = "select count(*) from tasks"'),
        "expect": ("Expectation of its value or rows.", "expect = 0"),
        "latency": ("Limits.", 'latency = "< 100ms"'),
        "explain": (
            "What its plan must be; EXPLAIN without ANALYZE, a check of its own.",
            'explain = { index = "tasks_user_id", cost = "< 1000" }',
        ),
    },
    "Explain": {
        "index": ("An index that the plan uses.", 'index = "tasks_user_id"'),
        "cost": ("Limit of the planner's total cost.", 'cost = "< 1000"'),
    },
    "Migrations": _OWNED
    | {
        "tool": ("Whose migrations they are ([the list](migrations.md)).", 'tool = "alembic"'),
        "directory": ("Folder of the migrations.", 'directory = "alembic/versions"'),
        "head": ("In its place the revision that must be the newest.", 'head = "env:ALEMBIC_HEAD"'),
        "table": ("Where the tool keeps its record, if elsewhere.", 'table = "app.alembic_version"'),
        "sql": ("For a tool that is unknown: a query …", 'sql = "select max(version) from my_migrations"'),
        "expect": ("… and what it must give.", 'expect = "20260811"'),
    },
    "Health": _OWNED
    | {
        "transactions": ("Age of the oldest open transaction. Default `< 5m`.", 'transactions = "< 10m"'),
        "idle_in_transaction": (
            "How long a session does nothing in its transaction. Default `< 1m`.",
            'idle_in_transaction = "< 30s"',
        ),
        "lock_waits": ("How long a session waits for a lock. Default `< 5s`.", 'lock_waits = "< 1s"'),
        "role": ("What the server is: `primary` or `replica`.", 'role = "primary"'),
        "replication_lag": ("Lag of this replica, or of each of its own. Default `< 30s`.", 'replication_lag = "< 5s"'),
        "retained_wal": ("WAL kept for a slot that nobody reads. Default `< 10GB`.", 'retained_wal = "< 1GB"'),
        "wraparound": ("Share of all transaction ids in use. Default `< 50%`.", 'wraparound = "< 20%"'),
        "size": ("Size of the database.", 'size = "< 100GB"'),
        "dead_rows": ("Share of dead rows of a large table; a warning. Default `< 20%`.", 'dead_rows = "< 40%"'),
        "large": ("Live rows from which tables are judged by statistics. Default 10000.", "large = 50000"),
        "cache_hits": ("Share of reads from memory; a warning. Default `> 90%`.", 'cache_hits = "> 99%"'),
        "statements": (
            "Mean time by pg_stat_statements, where installed; a warning. Default `< 1s`.",
            'statements = "< 200ms"',
        ),
    },
    "Pooler": _OWNED
    | {
        "dsn": (
            "PgBouncer's console: its database `pgbouncer`, a user of `stats_users`.",
            'dsn = "env:POOLER_STATS_DSN"',
        ),
        "mode": ("Pool mode of this database: `transaction`, `session` or `statement`.", 'mode = "transaction"'),
        "waiting": ("How many clients may wait for a server connection.", "waiting = 0"),
    },
    "Rls": {
        "tables": ("Tables whose rows are protected.", 'tables = ["projects", "tasks"]'),
        "owner": ("Owner column: one name, or by table.", 'owner = { projects = "owner_id" }'),
        "trusted": ("Roles whose policies may be always true.", 'trusted = ["service"]'),
        "public": ("Tables without protection on purpose.", 'public = ["countries"]'),
        "context": ("`SET LOCAL` from claims; `*` is all claims as JSON.", 'context = { "app.user_id" = "sub" }'),
        "roles": ("`SET LOCAL ROLE` by user.", 'roles = { member = "authenticated" }'),
        "claim": ("The claim that owner columns hold; `sub` by default.", 'claim = "sub"'),
        "sees": (
            "What each user sees: `nothing`, `own`, `all`, an SQL condition; or one of them by table.",
            'sees = { anonymous = "nothing", member = "own" }',
        ),
    },
    "Lint": _OWNED
    | {
        "schemas": ("Schemas that the API exposes; `public` by default.", 'schemas = ["public", "api"]'),
        "roles": ("Roles of the API's users; by default those of `logins` and `rls.roles`.", 'roles = ["anon"]'),
        "ignore": ("Rules that are not judged, by number or name; or for one thing.", 'ignore = ["0004:public.log"]'),
        "info": ("INFO rules: `mention` (the default), or `warning`.", 'info = "warning"'),
    },
    "DatabaseTarget": _TARGET
    | {
        "dsn": ("Our reader.", 'dsn = "env:PRODCHECK_DSN"'),
        "logins": ("Further credentials that must work.", 'logins = { app = "env:DATABASE_URL" }'),
        "tables": ("Tables that must exist.", 'tables = ["projects", "tasks"]'),
        "contract": (
            "The pinned contract of the whole schema; `prodcheck pin ENV` writes it.",
            'contract = "contracts/database.toml"',
        ),
        "identity": ("Name of the database that is meant.", 'identity = "plan"'),
        "connections": ("Limit of used connections.", 'connections = "< 80%"'),
        "functions": (
            "Further functions that queries may call, by name, by a cast or through a view.",
            'functions = ["public.plan_age"]',
        ),
        "queries": ("Declared queries by name.", 'queries.orphans = { sql = "select 0", expect = 0 }'),
        "rls": ("Row-level security that must hold.", 'rls = { tables = ["projects"] }'),
        "migrations": (
            "Migrations that must be applied.",
            'migrations = { tool = "alembic", head = "env:ALEMBIC_HEAD" }',
        ),
        "health": (
            "Limits of the server's statistics; `{}` takes the defaults.",
            'health = { transactions = "< 10m" }',
        ),
        "pooler": ("PgBouncer before it.", 'pooler = { dsn = "env:POOLER_STATS_DSN", mode = "transaction" }'),
        "rows": ("Rows that a table must hold.", 'rows = { countries = 249, tasks = "> 0" }'),
        "relations": ("Columns that point to rows that exist.", 'relations = { "tasks.project_id" = "projects.id" }'),
        "lint": ("Rules for any schema (Splinter's); `{}` takes the defaults.", 'lint = { schemas = ["public"] }'),
    },
    "Accepted": {
        "code": ("Code of one cause; not `unknown`, not `gate.…`.", 'code = "http.headers.csp_missing"'),
        "on": ("Target.", 'on = "http.hasura"'),
        "reason": ("Why; a ticket.", 'reason = "PLAN-214"'),
        "owner": ("Who ends it.", 'owner = "@web"'),
        "until": ("Last day, at most 90 days ahead.", "until = 2026-12-31"),
    },
}


def example(model: type[BaseModel], key: str) -> str:
    """An example line of a key; empty where the model has no such key."""
    return KEYS.get(model.__name__, {}).get(key, ("", ""))[1]


_NAMED = frozenset({"endpoints", "users", "queries", "logins", "expect", "claims", "headers", "json", "form", "env",
                     "rows", "relations", "allowed", "subscriptions"})  # fmt: skip
"""Tables whose keys are names or documents, not keys of ours."""


_OUTER = {
    "http": "HttpTarget",
    "auth": "AuthTarget",
    "graphql": "GraphqlTarget",
    "database": "DatabaseTarget",
    "users": "User",
    "accepted": "Accepted",
    "requests": "Requests",
    "revision": "Revision",
}
_INNER = {
    "endpoints": "Endpoint",
    "cleanup": "Cleanup",
    "expect": "GraphqlExpectation",
    "subscriptions": "GraphqlSubscription",
    "login": "Login",
    "hasura": "HasuraClaims",
    "specimens": "Specimens",
    "queries": "Query",
    "rls": "Rls",
    "lint": "Lint",
    "tls": "Tls",
    "migrations": "Migrations",
    "health": "Health",
    "pooler": "Pooler",
    "explain": "Explain",
}


def example_at(path: Sequence[str | int]) -> str:
    """An example line of the key at the end of a path below the environment; empty where it is no key of ours."""
    names = [part for part in path if isinstance(part, str)]
    if not names or (len(names) > 1 and names[-2] in _NAMED):
        return ""
    models = (*_models_of(names), "Environment", "Tls", "ClientCertificate")
    return next((KEYS[model][names[-1]][1] for model in models if names[-1] in KEYS[model]), "")


def _models_of(names: Sequence[str]) -> tuple[str, ...]:
    """The models of the tables that a path goes through, the innermost first."""
    outer = [_OUTER[names[0]]] if names[0] in _OUTER and len(names) > 1 else []
    return (*(_INNER[name] for name in reversed(names[1:-1]) if name in _INNER), *outer)
