"""The frozen models of `prodcheck.toml` (interface.md §2): what one environment promises.

Strings may be references (`env:NAME`, `file:path`, `cmd:…`) until `config.references` resolves them;
a `Secret` must be one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from pytest_prodcheck.config.migrations.names import ToolName
from pytest_prodcheck.config.scalars import (
    AgeLimit,
    Count,
    Flag,
    Forgeries,
    Hidden,
    HiddenSecret,
    LifetimeLimit,
    Limits,
    Name,
    Names,
    NoCleanup,
    NotJudged,
    NumberLimit,
    RateLimit,
    Seconds,
    Severity,
    Share,
    ShareLimit,
    SizeLimit,
    Statuses,
    UsageLimit,
)
from pytest_prodcheck.config.source import Source

METHODS_THAT_READ = ("GET", "HEAD", "OPTIONS")
_HEADER_SAMPLES = 3


class Model(BaseModel):
    """Base of all tables: unknown keys are refused, nothing changes after loading, no input is repeated in errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True, populate_by_name=True, strict=False
    )


class Owned(Model):
    """What any target, endpoint, query or step takes: whom to ask, where to read, how grave a failure is."""

    owner: str = ""
    runbook: str = ""
    severity: Severity = "error"


class Requests(Model):
    """Caps per host; never exceeded."""

    per_second: Count = 100
    in_flight: Annotated[int, Field(strict=True, ge=1, le=500)] = 20
    at_most: Count = 1000


class Revision(Model):
    """Where the deployed system says which revision it is, over HTTP."""

    path: str = "/"
    at: str = ""
    """Key of a JSON answer, nested by dots; empty means the whole text body, unless `header` is given."""
    header: str = ""
    expected: str = ""
    target: str = ""
    """Id of the http target that is asked; needed only where several are declared."""


class Login(Model):
    """The declared write that logs a user in: one attempt a user and run."""

    path: str
    target: str = ""
    method: Literal["POST", "PUT"] = "POST"
    json_: Annotated[Mapping[str, Any] | None, Field(alias="json", repr=False)] = None
    form: Annotated[Mapping[str, str] | None, Hidden] = None
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)


class User(Model):
    """One synthetic user and how its token is obtained."""

    grant: Literal["client_credentials", "password", "refresh_token", "static", "login"]
    client_id: str = ""
    client_secret: HiddenSecret = None
    username: str = ""
    password: HiddenSecret = None
    refresh_token: HiddenSecret = None
    token: HiddenSecret = None
    scope: str = ""
    client_auth: Literal["basic", "post", "private_key_jwt"] = "basic"
    client_key: HiddenSecret = None
    """PEM of the client's private key, for `private_key_jwt` (RFC 7523)."""
    client_key_id: str = ""
    assertion_audience: Literal["token_endpoint", "issuer"] = "token_endpoint"
    lifetime: LifetimeLimit | None = None
    opaque: Flag = False
    introspect: Flag = False
    claims: Mapping[str, Any] = Field(default_factory=dict)
    login: Login | None = None
    keep: str = "access_token"


class ClientCertificate(Model):
    """Paths of a client certificate and its key (PEM)."""

    certificate: str
    key: str


class Tls(Model):
    """How far the server's certificate is trusted, and how long it must still hold."""

    ca: str = "system"
    valid_for: Seconds = 0.0
    client_certificate: ClientCertificate | None = None


class Target(Owned):
    """What every target takes."""

    required: Flag = True
    timeout: Seconds = 10.0
    latency: Limits = ()


class WebTarget(Target):
    """What every target takes that speaks HTTP."""

    tls: Tls = Field(default_factory=Tls)
    proxy: Annotated[str, Hidden] = ""
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)


class Cleanup(Model):
    """The request that undoes a write. `{id}` in `path` and in bodies comes from the write's answer."""

    path: str
    method: Literal["DELETE", "POST", "PUT", "PATCH"] = "DELETE"
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)
    json_: Annotated[Any, Field(alias="json", repr=False)] = None
    form: Annotated[Mapping[str, str] | None, Hidden] = None
    status: Statuses = ()


class Endpoint(Owned):
    """One declared request and the answer it must get."""

    path: str
    method: str = "GET"
    effect: Literal["read", "write"] | None = None
    cleanup: Cleanup | NoCleanup | None = None
    """How a write is undone; `none: reason` where nothing stays. Every write has one."""
    as_: Annotated[str, Field(alias="as")] = ""
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)
    query: Mapping[str, str | int | float | bool] = Field(default_factory=dict, repr=False)
    json_: Annotated[Any, Field(alias="json", repr=False)] = None
    form: Annotated[Mapping[str, str] | None, Hidden] = None
    text: Annotated[str | None, Hidden] = None
    status: Statuses = ()
    """Expected statuses; empty means any 2xx."""
    refuses: Forgeries = ()
    """Tokens that must be refused here."""
    refused: Statuses = ()
    """Statuses of such a refusal; empty means 400, 401 or 403."""
    follow: Flag = False
    """Follow redirects, on configured hosts only; the last answer is judged."""
    expect: Any = None
    expect_headers: Mapping[str, Any] = Field(default_factory=dict)
    content_type: str = ""
    schema_: Annotated[str, Field(alias="schema")] = ""
    latency: Limits = ()
    error_rate: RateLimit | None = None
    timeout: Seconds | None = None
    retries: Annotated[int, Field(strict=True, ge=0, le=10)] = 0
    marks: tuple[Literal["smoke", "contract", "security"], ...] = ()

    @property
    def writes(self) -> bool:
        """Whether it is declared to change something."""
        return self.effect == "write"


class HttpTarget(WebTarget):
    """One host that speaks HTTP, with its endpoints."""

    url: str
    endpoints: Mapping[Name, Endpoint] = Field(default_factory=dict)
    error_rate: RateLimit | None = None
    security_headers: Literal["owasp"] | Mapping[str, Any] | None = None

    @property
    def repeatable(self) -> tuple[str, ...]:
        """Names of the endpoints that may be asked again for a limit: reads with a method that reads."""
        return tuple(
            name
            for name, endpoint in self.endpoints.items()
            if not endpoint.writes and (endpoint.method in METHODS_THAT_READ or endpoint.effect == "read")
        )

    @property
    def header_samples(self) -> tuple[str, ...]:
        """Up to three reads whose headers are judged; those that act as a user only where there are no others."""
        anonymous = [name for name in self.repeatable if not self.endpoints[name].as_]
        return tuple(anonymous or self.repeatable)[:_HEADER_SAMPLES]


class HasuraMapped(Model):
    """One entry of `claims_map` with a default."""

    path: str
    default: Any = None


class HasuraClaims(Model):
    """Where Hasura finds its claims in a token: its JWT configuration (`HASURA_GRAPHQL_JWT_SECRET`)."""

    namespace: str = ""
    """`claims_namespace`; without it and without `path` and `map` Hasura's default."""
    path: str = ""
    """`claims_namespace_path`, a JSON path like `$.app.claims`."""
    format_: Annotated[Literal["json", "stringified_json"], Field(alias="format")] = "json"
    map: Mapping[Name, str | tuple[str, ...] | HasuraMapped] = Field(default_factory=dict)
    """`claims_map`: session variable → JSON path of its claim, or a literal."""


class Specimens(Model):
    """Genuine tokens of the issuer that no service may accept: what no one but the issuer can make."""

    expired: HiddenSecret = None
    audience: HiddenSecret = None
    """A token for another audience."""


class AuthTarget(WebTarget):
    """The identity provider: an OIDC issuer, or a shared HS256 secret."""

    issuer: str = ""
    audience: Names = ()
    algorithms: Names = ("RS256",)
    secret: HiddenSecret = None
    jwks_url: str = ""
    """The JWKS address that a consumer is configured with; checked against discovery (T1, A9)."""
    hosts: Names = ()
    """Hosts beside the issuer's own that discovery may name."""
    jwks_cache: LifetimeLimit | None = None
    """Limit of the `max-age` with which the keys are published: what bounds how long consumers keep old ones."""
    hasura: Flag | HasuraClaims = False
    """Whether tokens must carry Hasura's required claims; on by itself where `graphql.engine` is `hasura`. A table says
    where Hasura is configured to find them."""
    specimens: Specimens = Field(default_factory=Specimens)
    skew: Seconds = 5.0


class GraphqlExpectation(Model):
    """What one operation must answer."""

    as_: Annotated[str, Field(alias="as")] = ""
    data: Any = None
    errors: Any = None
    latency: Limits = ()


class GraphqlSubscription(Owned):
    """One subscription that is opened over graphql-transport-ws, and what must come."""

    as_: Annotated[str, Field(alias="as")] = ""
    within: Seconds = 5.0
    """From the connection to the first event or the completion."""
    expect: Literal["event", "open"] = "event"
    """`event`: one event or the completion; `open`: acknowledged, and no error until `within` has passed."""
    data: Any = None
    """Expectation of the first event's `data`."""


class GraphqlTarget(WebTarget):
    """A GraphQL API and the documents that the application sends."""

    url: str
    engine: Literal["hasura", "generic"] = "generic"
    operations: Names = ()
    variables: str = ""
    as_: Annotated[Names, Field(alias="as")] = ()
    schema_: Annotated[str, Field(alias="schema")] = ""
    admin_secret: HiddenSecret = None
    introspection: Literal["open", "refused"] | None = None
    suggestions: Literal["open", "refused"] | None = None
    """Whether an error may propose the names of fields that there are (`Did you mean …`)."""
    batching: Literal["open", "refused"] | None = None
    """Whether several operations may come in one request."""
    ide: Flag | None = None
    max_depth: Count | None = None
    refuses: Forgeries = ()
    refused: Statuses = ()
    allowed: Mapping[Name, Names] = Field(default_factory=dict)
    """Operation → the users who may execute it; whoever else is in `as`, and who sends no token, must be refused."""
    subscriptions: Mapping[Name, GraphqlSubscription] = Field(default_factory=dict)
    subscriptions_url: str = ""
    """Where subscriptions are served; empty: at `url`, as ws or wss."""
    metadata: str = ""
    """The repository's Hasura metadata: its folder, or an exported JSON file."""
    row_filters: Names = ()
    """Tables whose permissions must filter rows by a session variable."""
    trusted_roles: Names = ()
    """Hasura roles that may see all rows."""
    error_rate: RateLimit | None = None
    expect: Mapping[Name, GraphqlExpectation] = Field(default_factory=dict)


class Explain(Model):
    """What the plan of a query must be: EXPLAIN, never ANALYZE."""

    index: str = ""
    """Name of an index that the plan uses."""
    cost: NumberLimit | None = None
    """Limit of the planner's total cost."""


class Query(Owned):
    """One declared SQL query and what it must give."""

    sql: str
    expect: Any = None
    latency: Limits = ()
    explain: Explain | None = None


class Migrations(Owned):
    """The migrations that must be applied: those of a folder, a pinned head, or what a query must give."""

    tool: ToolName | None = None
    directory: str = ""
    head: Names = ()
    """The revision that must be the newest, for whoever has no repository at hand; several for several heads."""
    table: str = ""
    """Where the tool keeps its record, if not where it does by default."""
    sql: str = ""
    expect: Any = None


class Health(Owned):
    """Limits of the server's own statistics; `false` in the place of a limit leaves it out."""

    transactions: AgeLimit | NotJudged = "< 5m"
    """Age of the oldest open transaction of a client."""
    idle_in_transaction: AgeLimit | NotJudged = "< 1m"
    lock_waits: AgeLimit | NotJudged = "< 5s"
    """How long a session waits for a lock."""
    role: Literal["primary", "replica"] | None = None
    replication_lag: AgeLimit | NotJudged = "< 30s"
    retained_wal: SizeLimit | NotJudged = "< 10GB"
    """What a replication slot that nobody reads keeps on the disk."""
    wraparound: UsageLimit | NotJudged = "< 50%"
    """Age of the oldest transaction id, of the 2,147 million that there are."""
    size: SizeLimit | None = None
    """Size of the database."""
    dead_rows: UsageLimit | NotJudged = "< 20%"
    """Dead rows of a table, of all of its rows."""
    large: Count = 10_000
    """Live rows from which a table is judged by its statistics (dead rows, ANALYZE, missing indexes)."""
    cache_hits: ShareLimit | NotJudged = "> 90%"
    statements: AgeLimit | NotJudged = "< 1s"
    """Mean time of a statement of pg_stat_statements, where that is installed."""


class Pooler(Owned):
    """PgBouncer, as its own console tells."""

    dsn: Annotated[str, Hidden]
    """Of the console: database `pgbouncer`, a user of `stats_users`."""
    mode: Literal["transaction", "session", "statement"] | None = None
    waiting: Annotated[int, Field(strict=True, ge=0)] | None = None
    """How many clients may wait for a server connection."""


Sees = str | Mapping[Name, str]
"""`nothing`, `own`, `all` or an SQL condition: one for every table, or by table (`*` for the others)."""


class Rls(Model):
    """Row-level security that must hold, read from the catalog; and what each user sees, proven by being it."""

    tables: Names
    owner: str | Mapping[str, str] = ""
    trusted: Names = ()
    public: Names = ()
    context: Mapping[str, str] = Field(default_factory=dict)
    roles: Mapping[str, str] = Field(default_factory=dict)
    claim: Name = "sub"
    """The claim that owner columns hold."""
    sees: Mapping[Name, Sees] = Field(default_factory=dict)

    def owner_of(self, table: str) -> str:
        """The column that says whose a row of `table` (as `tables` names it) is; empty where none is declared."""
        return self.owner if isinstance(self.owner, str) else self.owner.get(table, "")

    def seen_by(self, user: str, table: str) -> str:
        """What `sees` promises that the user sees of a table; empty where it promises nothing."""
        promised = self.sees.get(user, "")
        return promised if isinstance(promised, str) else promised.get(table, promised.get("*", ""))


class Lint(Owned):
    """Rules for any schema: Splinter's, and our own (docs/rls.md)."""

    schemas: Names = ("public",)
    """What the API exposes."""
    roles: Names = ()
    """As whom the API's users come; by default those of the logins and of `rls.roles`."""
    ignore: Names = ()
    """Rules by number or name, or for one thing: `0004:public.log`."""
    info: Literal["mention", "warning"] = "mention"


class DatabaseTarget(Target):
    """A PostgreSQL database, seen by our reader."""

    dsn: Annotated[str, Hidden]
    logins: Mapping[Name, str] = Field(default_factory=dict, repr=False)
    tables: Names | None = None
    contract: str = ""
    """The pinned contract that `prodcheck pin` writes."""
    identity: str = ""
    """The database name that this environment means (`select current_database()`)."""
    connections: UsageLimit | None = None
    functions: Names = ()
    """Functions beyond PostgreSQL's own harmless ones that queries may call, schema-qualified."""
    queries: Mapping[Name, Query] = Field(default_factory=dict)
    rls: Rls | None = None
    migrations: Migrations | None = None
    health: Health | None = None
    pooler: Pooler | None = None
    rows: Mapping[Name, Annotated[int, Field(strict=True)] | Annotated[str, Field(strict=True)]] = Field(
        default_factory=dict
    )
    """Table → how many rows it must hold: a number or a comparison."""
    relations: Mapping[Name, str] = Field(default_factory=dict)
    """`tasks.project_id` → `projects.id`: no row may point to nothing, foreign key or not."""
    lint: Lint | None = None


class Accepted(Model):
    """A known finding, with an end."""

    code: str
    on: str = ""
    reason: Name
    owner: str = ""
    until: date


AnyTarget = HttpTarget | AuthTarget | GraphqlTarget | DatabaseTarget

TARGET_MODELS: Mapping[str, type[Target]] = {
    "http": HttpTarget,
    "auth": AuthTarget,
    "graphql": GraphqlTarget,
    "database": DatabaseTarget,
}
"""Kind of target → its model. A family (`http.app`, `http.hasura`) has one entry a member in `Environment.targets`."""

ADDRESS_KEYS: Mapping[str, tuple[str, ...]] = {
    "http": ("url",),
    "auth": ("issuer", "secret"),
    "graphql": ("url",),
    "database": ("dsn",),
}
"""The keys whose presence makes a table a target and not a family."""


class Environment(Model):
    """One `[env.NAME]`, merged with what it extends, defaults filled in."""

    name: str
    kind: Literal["production", "staging", "local", "demo"] = "staging"
    insufficient: Literal["fail", "warn"] = "fail"
    degraded: Literal["warn", "fail"] = "warn"
    confidence: Annotated[Share, Field(ge=0.5, le=0.9999)] = 0.95
    deadline: Seconds = 300.0
    requests: Requests = Field(default_factory=Requests)
    revision: Revision | None = None
    settle: Seconds = 0.0
    writes: Names = ()
    users: Mapping[Name, User] = Field(default_factory=dict)
    targets: Mapping[str, HttpTarget | AuthTarget | GraphqlTarget | DatabaseTarget] = Field(default_factory=dict)
    """Target id (`http`, `http.app`, `database`) → its table."""
    accepted: tuple[Accepted, ...] = ()
    suites: Names = ()
    """`[prodcheck] suites`: the team's own tests."""

    def of_kind(self, kind: str) -> dict[str, Any]:
        """The targets of one kind, by id, in the file's order."""
        return {target: table for target, table in self.targets.items() if target.split(".")[0] == kind}

    commands: Flag = False
    """`[prodcheck] commands`: whether `cmd:` references may run."""
    base: str = ""
    """Absolute directory of `prodcheck.toml`: what `operations`, `suites` and `file:` are relative to."""

    _source: Source | None = PrivateAttr(None)

    def where(self, *path: str) -> str:
        """`prodcheck.toml:31` for a key path below the environment (`"users", "member", "token"`); the nearest ancestor
        where the key itself is not written; the environment's name where it was not loaded from a file."""
        return self._source.where(path) if self._source else self.name

    def permits(self, target: str, name: str, endpoint: Endpoint) -> bool:
        """Whether the endpoint called `name` of `target` may be sent here: every read, and the writes named in `writes`
        (`create_order`, or `http.app.create_order`). Interface §2, "a write's name is its key"."""
        return not endpoint.writes or name in self.writes or f"{target}.{name}" in self.writes

    def permits_login(self, user: str) -> bool:
        """Whether the declared write `login` of a user may be done here (`login`, or `users.NAME.login`)."""
        return "login" in self.writes or f"users.{user}.login" in self.writes
