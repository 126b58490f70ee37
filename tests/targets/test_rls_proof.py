"""What a declared user sees, proven on a real PostgreSQL: counted as that user, in one transaction, never a row."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import postgres_peers as peers
import psycopg
import pytest
from filled_postgres import filled
from postgres_servers import needs, understood, version

from pytest_prodcheck.config.models import DatabaseTarget, Rls
from pytest_prodcheck.criteria import rls_proof
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.targets.database.prober import DatabaseProber

ROLES = """
create role owners; create role member; create role anon; create role far; create role passer bypassrls;
create role reader login password 'x'; create role chief login superuser password 'x';
grant member, anon, passer to reader with inherit false, set true;
"""
TABLE = """
create table {s}.goals(id serial primary key, owner text, tenant int, title text);
alter table {s}.goals owner to owners;
insert into {s}.goals(owner, tenant, title) select o, case o when 'a' then 1 else 2 end, 'secret-' || o || n
 from unnest(array['a', 'b']) o, generate_series(1, 3) n;
grant usage on schema {s} to member, anon, passer, far, reader; grant select on {s}.goals to member, passer, reader;
"""
EMPTY = TABLE.replace("insert into", "-- insert into").replace(" from unnest", "-- from unnest")
ON = "alter table {s}.goals enable row level security;"
READER = "create policy reader on {s}.goals to reader using (true);"
MINE = "owner = current_setting('app.user', true)"
OWN = f"create policy own on {{s}}.goals to member using ({MINE});"
RIGHT = TABLE + ON + READER + OWN
CLAIMS: Mapping[str, Mapping[str, Any]] = {
    "maja": {"sub": "a", "tenant": 1},
    "carl": {"sub": "b", "tenant": 2},
    "empty": {},
    "nobody": {"sub": "z"},
    "twin": {"sub": "a"},
}
ROLE_OF = {**dict.fromkeys(("maja", "carl", "empty", "nobody", "twin"), "member"), "anonymous": "anon"}

Judged = Callable[..., list[Finding]]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server with the roles; each case has a schema of its own."""
    with filled(understood(ROLES)) as running:
        yield running


def made(server: Postgres, schema: str, statements: str) -> None:
    """Creates the schema of one case."""
    needs(15, "security_invoker", where=statements)
    with psycopg.connect(server.dsn("chief", "x"), autocommit=True) as connection:
        connection.execute(f"drop schema if exists {schema} cascade; create schema {schema};".encode())
        connection.execute(statements.replace("{s}", schema).encode())


def prober_of(dsn: str, schema: str, timeout: float = 30.0, **rls: Any) -> DatabaseProber:
    """The prober of one case, its snapshot taken; `timeout` is the proof's alone."""
    promised = {
        "tables": (f"{schema}.goals",),
        "owner": "owner",
        "context": {"app.user": "sub"},
        "roles": ROLE_OF,
        "sees": {"maja": "own", "carl": "own", "anonymous": "nothing"},
        **rls,
    }
    table = DatabaseTarget(dsn=dsn, timeout=30.0, rls=Rls(**promised), functions=("public.declared",))
    prober = DatabaseProber("database", table, "p", lambda user: CLAIMS.get(user, {}))
    assert "catalog" in prober.ready().facts
    prober.table = table.model_copy(update={"timeout": timeout})
    return prober


def findings(prober: DatabaseProber, evidence: Evidence, user: str) -> list[Finding]:
    """What the criterion says."""
    assert prober.table.rls is not None
    facts = evidence.facts
    return rls_proof.judge(facts["proofs"], user, facts["catalog"], prober.table.rls, "database")


@pytest.fixture
def judged(server: Postgres) -> Judged:
    """The findings about one user after some SQL."""

    def judge(schema: str, statements: str, user: str = "maja", **rls: Any) -> list[Finding]:
        made(server, schema, statements)
        prober = prober_of(server.dsn("reader", "x"), schema, **rls)
        return findings(prober, prober.probe("test_rls_proof", user, "", 1), user)

    return judge


def brief(found: list[Finding]) -> list[tuple[str, str]]:
    """The code without its layer, and the severity."""
    return [(one.code.removeprefix("database."), one.severity) for one in found]


GREEN: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "A25 own rows, and the reader sees the others": (RIGHT, "maja", {}),
    "A25 a user without rows, and others have some": (RIGHT, "nobody", {"sees": {"nobody": "own"}}),
    "A27 a reader that sees nothing, and the other user sees its own": (TABLE + ON + OWN, "maja", {}),
    "A25 nothing, under RLS": (RIGHT + "grant select on {s}.goals to anon;", "anonymous", {}),
    "A25 nothing, by privilege, in an empty table": (EMPTY + ON, "anonymous", {}),
    "A25 everything, and the reader sees as much": (
        RIGHT + "create policy every on {s}.goals to member using (true);",
        "maja",
        {"sees": {"maja": "all"}},
    ),
    "A25 a condition": (
        TABLE + ON + READER + "create policy t on {s}.goals to member using (tenant = current_setting('app.t')::int);",
        "maja",
        {"context": {"app.t": "tenant"}, "sees": {"maja": "tenant = 1"}},
    ),
    "A25 all claims as JSON, as PostgREST sets them": (
        TABLE
        + ON
        + READER
        + """create policy j on {s}.goals to member
         using (owner = current_setting('request.claims', true)::json ->> 'sub');""",
        "maja",
        {"context": {"request.claims": "*"}},
    ),
    "A25 by table": (RIGHT, "maja", {"sees": {"maja": {"*": "own"}}}),
    "A25 a view as its caller": (
        RIGHT.replace("goals", "base")
        + "create view {s}.goals with (security_invoker) as select * from {s}.base; "
        + "grant select on {s}.goals to member, reader;",
        "maja",
        {},
    ),
    "A25 a function that a policy calls": (
        TABLE
        + ON
        + READER
        + """create function {s}.me() returns text language plpgsql as
         'begin return current_setting(''app.user'', true); end';
        create policy own on {s}.goals to member using (owner = {s}.me());""",
        "maja",
        {},
    ),
}


@pytest.mark.parametrize(("statements", "user", "rls"), GREEN.values(), ids=GREEN.keys())
def test_a_user_that_sees_what_is_promised_is_green(
    judged: Judged, request: pytest.FixtureRequest, statements: str, user: str, rls: dict[str, Any]
) -> None:
    """Nothing is found where a row was there that would have shown the leak (A25, A27)."""
    assert judged("green", statements, user, **rls) == []


RED: Mapping[str, tuple[str, str, dict[str, Any], str, str]] = {
    "A25 another's rows": (
        RIGHT + "create policy every on {s}.goals for select using (true);",
        "maja",
        {},
        "rls.rows_visible",
        "maja sees 3 rows of case_.goals that are not its own (3 rows of carl)",
    ),
    "A27 policies OR-ed to more than meant": (
        RIGHT + "create policy shared on {s}.goals to member using (tenant > 1);",
        "maja",
        {},
        "rls.rows_visible",
        "3 rows of carl",
    ),
    "A25 RLS is off": (TABLE, "maja", {}, "rls.rows_visible", "row-level security is off"),
    "A25 a role that bypasses": (
        RIGHT,
        "maja",
        {"roles": {"maja": "passer"}, "sees": {"maja": "own"}},
        "rls.rows_visible",
        "role passer has BYPASSRLS, the proof is void",
    ),
    "A25 anonymous sees rows": (
        RIGHT + "grant select on {s}.goals to anon; create policy a on {s}.goals to anon using (tenant = 2);",
        "anonymous",
        {},
        "rls.rows_visible",
        "anonymous sees 3 rows of case_.goals, promised nothing",
    ),
    "A25 rows beside a condition": (
        RIGHT,
        "maja",
        {"sees": {"maja": "title like '%1'"}},
        "rls.rows_visible",
        "maja sees 2 rows of case_.goals for which title like '%1' does not hold",
    ),
    "A25 a definer's view leaks": (
        RIGHT.replace("goals", "base")
        + "create view {s}.goals as select * from {s}.base; grant select on {s}.goals to member, reader;",
        "maja",
        {},
        "rls.rows_visible",
        "not its own",
    ),
    "A25 own rows are hidden": (
        TABLE + ON + READER + "create policy part on {s}.goals to member using (owner = 'a' and id < 3);",
        "maja",
        {},
        "privilege.rows_hidden",
        "maja sees 2 of the 3 its own rows of case_.goals",
    ),
    "A25 not all that is promised": (
        RIGHT,
        "maja",
        {"sees": {"maja": "all"}},
        "privilege.rows_hidden",
        "maja sees 3 of the 6 rows",
    ),
    "C15 no privilege": (
        RIGHT + "revoke select on {s}.goals from member;",
        "maja",
        {},
        "privilege.missing",
        "role member has no privilege to SELECT (42501)",
    ),
    "A25 a token without the claim": (
        RIGHT,
        "empty",
        {"sees": {"empty": "own"}},
        "rls.context_missing",
        "the token of empty has no claim sub",
    ),
    "A25 a claim of another type": (
        RIGHT.replace("owner text", "owner int")
        .replace("owner, tenant, title) select o", "owner, tenant, title) select 1")
        .replace(MINE, "owner::text = 'a'"),
        "maja",
        {},
        "rls.context_unfit",
        "a claim does not fit the type of the column",
    ),
    "T a role that is not there": (
        RIGHT,
        "maja",
        {"roles": {"maja": "gone"}},
        "auth.role_missing",
        "role gone does not exist",
    ),
    "42P17 a policy that recurses": (
        TABLE + ON + "create policy r on {s}.goals using (exists (select 1 from {s}.goals g where g.owner = 'a'));",
        "maja",
        {},
        "rls.policy_recursion",
        "a policy on case_.goals leads back to its own table (42P17)",
    ),
    "a view that errors": (
        TABLE.replace("goals", "base") + "create view {s}.goals as select owner, tenant / (tenant - tenant) as x, "
        "title::int as n from {s}.base where tenant / (tenant - tenant) > 0; "
        + "grant select on {s}.goals to member, reader;",
        "maja",
        {},
        "query.failed",
        "rows of view case_.goals cannot be counted as maja: the query fails with 22012",
    ),
    "a policy whose function raises with what it read": (
        TABLE
        + ON
        + """create function {s}.me() returns text language plpgsql stable as
         'begin raise exception ''%'', (select ''secret-'' || current_setting(''app.user'')) using errcode = ''42501'';
          end';
        create policy own on {s}.goals to member using (owner = {s}.me());"""
        + READER,
        "maja",
        {},
        "privilege.missing",
        "cannot be counted as maja: the query fails with 42501",
    ),
    "a view that acts": (
        TABLE.replace("goals", "base")
        + """create function {s}.act() returns int language sql volatile as 'select 1';
        create view {s}.goals as select owner, {s}.act() as n from {s}.base;
        grant select on {s}.goals to member, reader;""",
        "maja",
        {},
        "query.refused",
        "rows of case_.goals are not counted for maja",
    ),
    "a condition that does not parse": (
        RIGHT,
        "maja",
        {"sees": {"maja": "tenant = = 1"}},
        "query.refused",
        "not counted",
    ),
    "a condition that acts": (
        RIGHT,
        "maja",
        {"sees": {"maja": "pg_advisory_lock(1) is null"}},
        "query.refused",
        "pg_advisory_lock",
    ),
    "a condition over a column that is not there": (
        RIGHT,
        "maja",
        {"sees": {"maja": "nowhere = 1"}},
        "schema.column_missing",
        'column "nowhere" does not exist',
    ),
    "A34 a table that is not there": (RIGHT, "maja", {"tables": ("case_.goal",)}, "schema.table_missing", "case_.goal"),
}


@pytest.mark.parametrize(("statements", "user", "rls", "code", "words"), RED.values(), ids=RED.keys())
def test_what_is_not_as_promised_is_one_finding(
    judged: Judged, statements: str, user: str, rls: dict[str, Any], code: str, words: str
) -> None:
    """The cause code, the table, the numbers; never what stands in a row (A25, A27, C15)."""
    found = judged("case_", statements, user, **rls)
    assert brief(found) == [(code, "error")]
    assert words in found[0].message
    assert "secret" not in str(found[0].as_json())


def test_a_reader_without_row_security_is_told_its_setting(server: Postgres, judged: Judged) -> None:
    """`row_security = off` refuses every count that a policy would filter: no privilege is missing."""
    with psycopg.connect(server.dsn("chief", "x"), autocommit=True) as connection:
        connection.execute("alter role reader set row_security = off")
        try:
            (found,) = judged("case_", RIGHT)
        finally:
            connection.execute("alter role reader reset row_security")
    assert brief([found]) == [("rls.setting_off", "error")]
    assert "rows of table case_.goals cannot be counted as maja: row_security = off is set for our reader" in (
        found.message
    )
    assert "RESET row_security is yours to run" in found.remedy


UNPROVEN: Mapping[str, tuple[str, str, dict[str, Any], str, str]] = {
    "A25 an empty table": (
        EMPTY + ON + READER + OWN,
        "maja",
        {},
        "rls.unproven",
        "what maja sees of case_.goals is not proven: it holds no row that could have shown a leak",
    ),
    "A25 only one user's rows": (
        RIGHT + "delete from {s}.goals where owner = 'b';",
        "maja",
        {},
        "rls.unproven",
        "no row that could have shown a leak",
    ),
    "A27 two users that are one": (
        TABLE + ON + OWN + "delete from {s}.goals where owner = 'b';",
        "maja",
        {"sees": {"maja": "own", "twin": "own"}},
        "rls.unproven",
        "to our reader reader or to any other user",
    ),
    "A25 a reader that sees nothing, and nobody else has rows": (
        TABLE + ON + OWN,
        "maja",
        {"sees": {"maja": "own"}},
        "rls.unproven",
        "to our reader reader or to any other user",
    ),
    "A25 everything of an empty table": (
        EMPTY,
        "maja",
        {"sees": {"maja": "all"}},
        "rls.unproven",
        "no row that could be hidden",
    ),
    "A25 everything, and the reader sees less": (
        TABLE + ON + "create policy half on {s}.goals using (tenant = 1);",
        "maja",
        {"sees": {"maja": "all"}},
        "rls.unproven",
        "is not seen whole by our reader",
    ),
    "A25 owners that may not be read": (
        RIGHT + "revoke select on {s}.goals from member; grant select (id, title) on {s}.goals to member;",
        "maja",
        {},
        "rls.unproven",
        "whose the rows are cannot be asked",
    ),
    "a reader that may not SET ROLE": (
        RIGHT,
        "maja",
        {"roles": {"maja": "far"}},
        "privilege.set_role",
        "our reader reader may not SET ROLE far",
    ),
}


@pytest.mark.parametrize(("statements", "user", "rls", "code", "words"), UNPROVEN.values(), ids=UNPROVEN.keys())
def test_what_proves_nothing_is_insufficient(
    judged: Judged, statements: str, user: str, rls: dict[str, Any], code: str, words: str
) -> None:
    """Emptiness is never green: one finding that says what is missing, and what to do (A25, C16)."""
    found = judged("case_", statements, user, **rls)
    assert brief(found) == [(code, "insufficient")]
    assert words in found[0].message
    assert found[0].remedy


def test_the_grant_to_type_is_in_the_remedy(judged: Judged) -> None:
    """A reader that may not SET ROLE: the statement that would let it (interface.md, `rls.sees`)."""
    found = judged("case_", RIGHT, roles={"maja": "far"})
    options = " WITH INHERIT FALSE, SET TRUE" if version() >= 16 else ""
    assert found[0].remedy == f"GRANT far TO reader{options} is yours to run"


def test_a_remedy_quotes_the_table(judged: Judged) -> None:
    """A name in mixed case is another one without its quotes (C15)."""
    statements = RIGHT + 'revoke select on {s}.goals from member; alter table {s}.goals rename to "Meine Ziele"'
    (found,) = judged("case_", statements, tables=("case_.Meine Ziele",))
    assert found.remedy.startswith('GRANT SELECT ON case_."Meine Ziele" TO member is yours to run')


def test_the_catalog_proves_that_a_role_without_privileges_sees_nothing(judged: Judged) -> None:
    """Without SET ROLE, a promise of `nothing` still holds where the role has no privilege."""
    assert judged("case_", RIGHT, "maja", roles={"maja": "far"}, sees={"maja": "nothing"}) == []


def test_a_table_that_is_dropped_after_the_snapshot_is_said(server: Postgres) -> None:
    """It was there when the gate began: dropped meanwhile (42P01)."""
    made(server, "gone", RIGHT)
    prober = prober_of(server.dsn("reader", "x"), "gone")
    with psycopg.connect(server.dsn("chief", "x"), autocommit=True) as connection:
        connection.execute("drop table gone.goals")
    found = findings(prober, prober.probe("test_rls_proof", "maja", "", 1), "maja")
    assert brief(found) == [("schema.table_missing", "error")]
    assert "gone.goals was dropped while the gate ran" in found[0].message


def test_a_count_that_takes_too_long_is_said_in_time(server: Postgres) -> None:
    """The server's statement_timeout ends it (57014); no wait is without end."""
    made(server, "slow", TABLE + ON + "create policy slow on {s}.goals using (pg_sleep(60) is not null);")
    prober = prober_of(server.dsn("reader", "x"), "slow", timeout=2.0)
    found = findings(prober, prober.probe("test_rls_proof", "maja", "", 1), "maja")
    assert brief(found) == [("query.timeout", "error")]
    assert "not counted within database.timeout (57014)" in found[0].message


def test_a_locked_table_is_said(server: Postgres) -> None:
    """A lock that came after the snapshot (55P03): one finding, in time."""
    made(server, "held", RIGHT)
    prober = prober_of(server.dsn("reader", "x"), "held", timeout=2.0)
    with psycopg.connect(server.dsn("chief", "x")) as connection:
        connection.execute("lock table held.goals in access exclusive mode")
        found = findings(prober, prober.probe("test_rls_proof", "maja", "", 1), "maja")
    assert brief(found) == [("lock.contention", "error")]


def test_good_tables_are_proven_beside_bad_ones(server: Postgres) -> None:
    """A table that fails is found among twenty by halving; the others keep their verdicts."""
    views = "".join(
        f"create view {{s}}.v{n} with (security_invoker) as select * from {{s}}.goals; "
        f"grant select on {{s}}.v{n} to member, reader;"
        for n in range(19)
    )
    broken = "1 / (length(owner) - 1)"
    bad = f"create view {{s}}.bad as select owner, {broken} as x from {{s}}.goals where {broken} > 0;"
    made(server, "many", RIGHT + views + bad + "grant select on {s}.bad to member, reader;")
    tables = tuple(f"many.{name}" for name in ("goals", *(f"v{n}" for n in range(19)), "bad"))
    prober = prober_of(server.dsn("reader", "x"), "many", tables=tables)
    found = findings(prober, prober.probe("test_rls_proof", "maja", "", 1), "maja")
    assert [(one.subject, one.data["sqlstate"]) for one in found] == [("many.bad", "22012")]


def test_a_proof_takes_three_round_trips(server: Postgres) -> None:
    """Whatever the number of tables, after the log-in: limits and grants, counts, rollback."""
    made(server, "trips", RIGHT + "".join(f"create view {{s}}.v{n} as select * from {{s}}.goals;" for n in range(30)))
    tables = ("trips.goals", *(f"trips.v{n}" for n in range(30)))
    relay = peers.Relay(server.port)
    with peers.serving(relay) as port:
        dsn = server.dsn("reader", "x").replace(f":{server.port}/", f":{port}/")
        prober = prober_of(dsn, "trips", tables=tables, sees={"maja": "own"})
        before = relay.turns.count(b"Q")
        prober.probe("test_rls_proof", "maja", "", 1)
    assert relay.turns.count(b"Q") - before <= 3


def test_nothing_stays_behind(server: Postgres) -> None:
    """Read-only and rolled back: no row, no lock, no open session; and a policy cannot write."""
    made(
        server,
        "kept",
        TABLE
        + ON
        + READER
        + """create table {s}.traces(t text); grant insert on {s}.traces to member;
        create function {s}.trace() returns bool language plpgsql as
         'begin insert into {s}.traces values (''x''); return true; end';
        create policy w on {s}.goals to member using ({s}.trace());""",
    )
    prober = prober_of(server.dsn("reader", "x"), "kept")
    found = findings(prober, prober.probe("test_rls_proof", "maja", "", 1), "maja")
    assert brief(found) == [("server.read_only", "error")]
    with psycopg.connect(server.dsn("chief", "x")) as connection:
        assert connection.execute("select count(*) from kept.traces").fetchone() == (0,)
        left = "select count(*) from pg_stat_activity where application_name = 'prodcheck/p' and state <> 'idle'"
        assert connection.execute(left.encode()).fetchone() == (0,)


def test_each_user_is_proven_once(server: Postgres) -> None:
    """Two checks at the same time share their proofs; a rerun makes new ones."""
    made(server, "once", RIGHT)
    prober = prober_of(server.dsn("reader", "x"), "once")
    threads = [
        threading.Thread(target=prober.probe, args=("test_rls_proof", user, "", 1)) for user in ("maja", "carl") * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert prober.sent["database"] == 3  # the snapshot, and two proofs
    prober.probe("test_rls_proof", "maja", "", 2)
    assert prober.sent["database"] == 4


def test_a_claim_cannot_become_sql(server: Postgres) -> None:
    """Values are quoted: one with a quote, a backslash and a statement is a value that owns nothing."""
    made(server, "quoted", RIGHT)
    prober = prober_of(server.dsn("reader", "x"), "quoted")
    prober.claims = lambda user: {"sub": "a\\' or true; drop table quoted.goals; --"}
    assert findings(prober, prober.probe("test_rls_proof", "maja", "", 1), "maja") == []


def test_what_others_see_proves_no_condition(server: Postgres) -> None:
    """Rows of others may all be inside of a user's condition: none could have shown a leak, whoever sees them (A25)."""
    made(server, "cond", TABLE + ON + OWN)
    sees = {"carl": "own", "maja": "tenant in (1, 2)"}
    prober = prober_of(server.dsn("reader", "x"), "cond", sees=sees)
    proofs = {user: prober.probe("test_rls_proof", user, "", 1).facts["proofs"][user] for user in sees}
    catalog = prober.probe("test_rls_proof", "carl", "", 1).facts["catalog"]
    assert prober.table.rls is not None
    found = rls_proof.judge(proofs, "maja", catalog, prober.table.rls, "database")
    assert brief(found) == [("rls.unproven", "insufficient")]
