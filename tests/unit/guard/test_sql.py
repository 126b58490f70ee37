"""SQL that is a read passes; everything else is refused with the reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from catalogs import CATALOG
from corpus import gist, of

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.catalog import Cast, Catalog, Column, Relation
from pytest_prodcheck.targets.guard import sql

CATALOGS = [pytest.param(None, id="without-catalog"), pytest.param(CATALOG, id="with-catalog")]


@pytest.mark.parametrize("catalog", CATALOGS)
@pytest.mark.parametrize("case", of("sql", "refused_before_send"), ids=lambda case: case["id"])
def test_an_attack_is_refused_with_its_reason(case: dict[str, str], catalog: Catalog | None) -> None:
    """Every SQL attack of the corpus is refused before it is sent, and the message says why."""
    unknown = case.get("hard") and catalog is None
    expected = "function remember is denied" if unknown else gist(case["message"])[0]
    with pytest.raises(Refused) as refused:
        sql.check(case["payload"], catalog)
    assert expected.removesuffix(" is not a read").removesuffix(" is not an allowed statement") in str(refused.value)


@pytest.mark.parametrize("catalog", CATALOGS)
@pytest.mark.parametrize("case", of("sql", "allowed_readonly"), ids=lambda case: case["id"])
def test_a_legitimate_read_passes(case: dict[str, str], catalog: Catalog | None) -> None:
    """Every legitimate statement of the corpus passes, with and without a catalog."""
    assert sql.check(case["payload"], catalog) is None


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELECT (4711::bigint).pg_advisory_lock", "function pg_advisory_lock is denied"),
        ("SELECT g.nextval FROM to_regclass('ticket_seq') g", "function nextval is denied"),
        ("SELECT k.pg_advisory_lock FROM generate_series(1::bigint, 2) k", "function pg_advisory_lock is denied"),
        ("SELECT ('select 1'::text).ts_stat", "function ts_stat is denied"),
        ("SELECT g.bump_counter FROM goals g", "may call the user function public.bump_counter"),
        ("SELECT g.describe FROM goals AS g(a, b, c)", "may call the user function public.describe"),
        ("SELECT (g).describe FROM goals g", "may call the user function public.describe"),
        ("SELECT public.goals.describe FROM public.goals", "may call the user function public.describe"),
        ("SELECT lower(email) FROM users", "may mean the user function public.lower"),
        ("EXPLAIN SELECT describe(1)", "user function describe is IMMUTABLE"),
        ("SELECT other.hidden()", "user function hidden is VOLATILE"),
        ("SELECT 1 OPERATOR(public.###) 2", "operator ### may run a user function"),
        ("SELECT id FROM users ORDER BY id USING ###", "operator ### may run a user function"),
        ("SELECT 1 ### ANY (SELECT 2)", "operator ### may run a user function"),
        ("SELECT 'x'::checked", "cast to the user type public.checked"),
        ("SELECT * FROM json_to_record('{}') AS r(a public.checked)", "cast to the user type public.checked"),
        ("SELECT * FROM remote", "public.remote is a foreign table"),
        ('SELECT * FROM "dotted.remote"', "is a foreign table"),
        ("WITH remote AS (SELECT * FROM remote) SELECT * FROM remote", "is a foreign table"),
        ("SELECT (WITH remote AS (SELECT 1) SELECT 1), id FROM remote", "is a foreign table"),
        ("WITH remote AS (SELECT 1) SELECT * FROM public.remote", "is a foreign table"),
        ("SELECT * FROM busy", "public.busy is not a plain read"),
        ("SELECT umoptions FROM pg_user_mappings", "pg_user_mappings holds secrets"),
        ("SELECT * FROM information_schema.user_mapping_options", "user_mapping_options holds secrets"),
        ("TABLE pg_authid", "pg_authid holds secrets"),
        ("SELECT passwd FROM pg_catalog.pg_shadow", "pg_shadow holds secrets"),
        ("EXPLAIN (ANALYZE false, ANALYZE) SELECT 1", "ANALYZE executes"),
        ("EXPLAIN ANALYSE SELECT 1", "ANALYZE executes"),
        ("EXPLAIN (ANALYZE 1) SELECT 1", "ANALYZE executes"),
        ("EXPLAIN (ANALYZE on) SELECT 1", "ANALYZE executes"),
        ("EXPLAIN UPDATE goals SET title = ''", "EXPLAIN of UPDATE"),
        ("EXPLAIN CREATE TABLE x AS SELECT 1", "is not a read"),
        ("EXPLAIN EXECUTE p", "is not a read"),
        ("WITH x AS (SELECT 1) INSERT INTO goals SELECT 1", "INSERT is not a read"),
        ("WITH x AS (MERGE INTO goals g USING users u ON true WHEN MATCHED THEN DELETE) SELECT 1", "WITH (MERGE)"),
        ("SELECT 1 WHERE EXISTS (SELECT id FROM goals FOR KEY SHARE)", "FOR KEY SHARE"),
        ("SELECT 1 UNION (SELECT id FROM goals FOR SHARE)", "FOR SHARE"),
        ("SELECT * FROM ROWS FROM (generate_series(1, 2), pg_sleep(1)) t", "function pg_sleep is denied"),
        ("SELECT count(*) FILTER (WHERE pg_try_advisory_lock(1)) FROM users", "pg_try_advisory_lock is denied"),
        ("SELECT sum(id) OVER (ORDER BY pg_sleep(1)) FROM users", "function pg_sleep is denied"),
        ("SELECT 1 LIMIT (SELECT nextval('ticket_seq'))", "function nextval is denied"),
        ("VALUES (set_config('a.b', 'c', false))", "function set_config is denied"),
        ("SELECT CASE WHEN true THEN lo_create(0) END", "function lo_create is denied"),
        ("SELECT txid_current()", "function txid_current is denied"),
        ("SELECT * FROM users TABLESAMPLE describe(1)", "user function describe"),
        ("SELECT 1\0; DROP TABLE users", "NUL character"),
        ("SELECT '\ud800'", "not valid Unicode"),
        ("SELECT " + "1+" * 400 + "1", "nested too deeply"),
        ("SELECT " + "x+" * 45_000 + "x", "longer than 20,000 characters"),
        ("SELECT " + "x+" * 9_990 + "x", "nested too deeply"),
        ("ALTER ROLE app SUPERUSER", "ALTER is not a read"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'", "CREATE is not a read"),
        ("SECURITY LABEL ON TABLE goals IS 'x'", "SECURITY is not a read"),
        ("START TRANSACTION READ WRITE", "START is not an allowed statement"),
        ("UNLISTEN *", "UNLISTEN is not a read"),
        ("IMPORT FOREIGN SCHEMA a FROM SERVER b INTO c", "IMPORT is not a read"),
        ("SELECT FORM users WHERE", "not parsable as PostgreSQL"),
    ],
)
def test_a_hidden_effect_is_refused(statement: str, reason: str) -> None:
    """What PostgreSQL would run behind a harmless look is refused: fields, operators, casts, shadows, relations."""
    with pytest.raises(Refused) as refused:
        sql.check(statement, CATALOG)
    assert reason in refused.value.reason


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT u.id, g.title FROM users u JOIN goals g ON g.user_id = u.id WHERE u.email ILIKE '%a%' ORDER BY 1 DESC",
        "SELECT date_trunc('day', touched_at), count(DISTINCT id) FROM goals GROUP BY ROLLUP (1) HAVING count(*) > 1",
        "SELECT extract(epoch FROM now() - interval '1 day'), trim(both ' ' from 'a'), position('a' in 'ba')",
        "SELECT s.describe FROM (SELECT 1 AS describe) s",
        "WITH c(describe) AS (SELECT 1) SELECT c.describe FROM c",
        "SELECT r.nextval FROM json_to_record('{}') AS r(nextval int)",
        "SELECT s.count FROM (SELECT count(*) FROM users) s",
        "SELECT pg_catalog.lower('A'), max(id) FROM users",
        "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 5) SELECT sum(n) FROM t",
        "SELECT * FROM jsonb_to_recordset('[]') AS r(a int, b text)",
        "SELECT * FROM XMLTABLE('/a' PASSING '<a/>' COLUMNS b text PATH 'b')",
        "SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a int PATH '$.a')) AS j",
        "SELECT string_agg(title, ',' ORDER BY id), array_agg(id) FILTER (WHERE id > 1) FROM goals",
        "SELECT percentile_cont(0.95) WITHIN GROUP (ORDER BY id) FROM goals",
        "SELECT pg_size_pretty(pg_total_relation_size('goals')), pg_get_indexdef(indexrelid) FROM pg_index",
        "SELECT * FROM pg_stat_replication, pg_locks, information_schema.tables",
        "SELECT last_value FROM ticket_seq",
        "SELECT * FROM summary, stored",
        "SELECT id FROM goals TABLESAMPLE SYSTEM (10)",
        "EXPLAIN (ANALYZE off, VERBOSE) SELECT 1",
        "SELECT to_tsvector('a') @@ to_tsquery('b'), doc #>> '{a}' FROM goals",
        "SELECT not_known_here FROM a_table_that_the_server_will_miss",
        "SHOW ALL",
    ],
)
def test_everyday_sql_passes(statement: str) -> None:
    """The SQL of runbooks passes: refusing everything is wrong."""
    assert sql.check(statement, CATALOG) is None


CASTS = replace(
    CATALOG,
    relations={
        **CATALOG.relations,
        "public.votes": Relation(
            "public", "votes", "r", "owner", columns=(Column("id", "integer", True), Column("mood", "mood", True))
        ),
    },
    types=frozenset({"public.checked", "public._checked", "public.goals", "public._goals"}),
    casts=(
        Cast("public.mood", "pg_catalog.int4", "public.mood_number", True),
        Cast("public.users", "pg_catalog.text", "public.user_text", False),
        Cast("pg_catalog.int4", "public.point3", "public.point3_of", False),
    ),
)


@pytest.mark.parametrize(
    ("statement", "function"),
    [
        ("SELECT mood + 1 FROM votes", "mood_number"),
        ("SELECT abs(v.mood) FROM votes v", "mood_number"),
        ("SELECT 1 FROM votes AS v(a, b) WHERE b > 1", "mood_number"),
        ("WITH v AS (SELECT * FROM votes) SELECT 1 FROM v ORDER BY mood + 0", "mood_number"),
        ("SELECT * FROM votes JOIN users USING (mood)", "mood_number"),
        ("SELECT 'ok'::mood + 1", "mood_number"),
        ("SELECT CAST('ok' AS public.mood)::int", "mood_number"),
        ("SELECT u::text FROM users u", "user_text"),
        ("SELECT CAST(users AS pg_catalog.text) FROM public.users", "user_text"),
        ("SELECT 1::point3", "point3_of"),
        ("SELECT ARRAY[1]::point3[]", "point3_of"),
    ],
)
def test_a_users_cast_is_refused(statement: str, function: str) -> None:
    """A cast runs its function without naming it, an implicit one without being asked; declared, it is a read."""
    with pytest.raises(Refused, match=f"may run the user function public.{function}"):
        sql.check(statement, CASTS)
    assert sql.check(statement, CASTS, {"public.mood_number", "public.user_text", "public.point3_of"}) is None


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*), max(id) FROM votes",
        "SELECT * FROM votes",
        "SELECT id::text FROM votes",
        "SELECT id::int FROM goals",
        "SELECT now()::date::text",
    ],
)
def test_casts_that_are_not_made_do_not_matter(statement: str) -> None:
    """A database with users' casts can still be read."""
    assert sql.check(statement, CASTS) is None


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT '{x}'::_checked",
        "SELECT '(1,2)'::goals",
        "SELECT * FROM json_populate_record(NULL::goals, '{}')",
        "SELECT * FROM json_to_recordset('[]') AS r(a goals[])",
        "SELECT jsonb_populate_record(g, '{}') FROM goals g",
        "SELECT p.* FROM public.goals, LATERAL jsonb_populate_recordset(goals, '[]') p",
    ],
)
def test_a_row_whose_values_run_code_is_refused(statement: str) -> None:
    """A user's type may lie inside an array or a row, and JSON may be what makes the row."""
    with pytest.raises(Refused, match="cast to the user type public"):
        sql.check(statement, CASTS)


def test_a_view_is_read_when_its_functions_are_declared() -> None:
    """`functions` speaks for what a view calls too, and the refusal says so."""
    with pytest.raises(Refused, match=r"or declare public\.bump_counter under functions"):
        sql.check("SELECT * FROM busy", CATALOG)
    assert sql.check("SELECT * FROM busy", CATALOG, {"public.bump_counter"}) is None


@pytest.mark.parametrize("call", ["public.remember(1)", "remember(1)"])
def test_a_declared_function_passes(call: str) -> None:
    """A user function that the configuration declares may be called, VOLATILE and SECURITY DEFINER or not."""
    assert sql.check(f"SELECT {call}", CATALOG, {"public.remember"}) is None


def test_a_declaration_counts_for_its_schema_only() -> None:
    """Declaring one function does not declare another of the same name that the search path finds."""
    catalog = replace(CATALOG, functions={**CATALOG.functions, "app.remember": "v"})
    with pytest.raises(Refused, match=r"declare public\.remember under functions"):
        sql.check("SELECT remember(1)", catalog, {"app.remember"})


def test_a_declaration_does_not_open_a_builtin() -> None:
    """An unqualified name of an acting built-in stays refused where a user function of that name is declared."""
    with pytest.raises(Refused, match="function pg_sleep is denied"):
        sql.check("SELECT pg_sleep(1)", CATALOG, {"app.pg_sleep"})


def test_a_shadowing_operator_is_refused_by_its_plain_name() -> None:
    """A users' operator with the name of a built-in is refused, also where a keyword implies it."""
    catalog = replace(CATALOG, operators=frozenset({"=", ">="}))
    for statement in (
        "SELECT 1 = 1",
        "SELECT 1 IN (1)",
        "SELECT 1 IN (SELECT 1)",
        "SELECT CASE 1 WHEN 1 THEN 2 END",
        "SELECT 1 BETWEEN 0 AND 2",
        "SELECT * FROM users JOIN goals USING (id)",
    ):
        with pytest.raises(Refused, match="may run a user function"):
            sql.check(statement, catalog)
    assert sql.check("SELECT 1 OPERATOR(pg_catalog.=) 1", catalog) is None


def test_backslashes_are_refused_where_strings_are_read_differently() -> None:
    """With standard_conforming_strings = off the server would see code where our grammar sees a string."""
    statement = r"SELECT 'a\'' , pg_advisory_lock(1) --'"
    catalog = replace(CATALOG, settings={"standard_conforming_strings": "off"})
    with pytest.raises(Refused, match="standard_conforming_strings"):
        sql.check(statement, catalog)


def test_the_message_shows_the_statement_on_one_bounded_line() -> None:
    """Control characters and long texts of a statement do not reach the message."""
    with pytest.raises(Refused) as refused:
        sql.check("DELETE\n\x1b[31m FROM goals" + " " * 10 + "x" * 500, CATALOG)
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)
    assert len(refused.value.what) < 120
