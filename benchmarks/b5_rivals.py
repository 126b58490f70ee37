"""B5, its rivals: the same 2,000 tables held to the same promises by the gate, by pgTAP, and by a loop in pytest.

    python benchmarks/b5_rivals.py [tables]

Promised of each table: it exists, has these columns with these types and these that are not null, this primary key,
row-level security, and these two policies with their commands. pgTAP runs its assertions from one file by psql; the
loop is a parametrized test of one connection, which asks information_schema, pg_policies and pg_index as people write
it. Ours compares more than that (defaults, grants, owners, expressions). Ours and the loop are timed after their
imports, as both run in a pytest that is there already: ours from the first byte of the file to the findings, the loop
as pytest says; psql as a whole process. In turn, medians; pgTAP runs once, as it takes minutes. Exit status 1 where a
bound is missed. Needs Debian's postgresql-15 and postgresql-15-pgtap; without them it says so and ends.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

import b4_catalog
import b5_contract
import measure

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

ROUNDS = 3
AHEAD_OF_PGTAP, AHEAD_OF_A_LOOP = 10.0, 6.0
BINARIES = Path("/usr/lib/postgresql/15/bin")
PGTAP = Path("/usr/share/postgresql/15/extension/pgtap.control")
COLUMNS = {
    "id": "integer", "owner_id": "integer", "c2": "text", "c3": "text", "c4": "jsonb", "c5": "timestamp with time zone",
    "c6": "numeric(10,2)", "c7": "boolean", "c8": "character varying(30)", "c9": "uuid",
}  # fmt: skip
NOT_NULL = ("id", "c3")
POLICIES = {"p_read": "SELECT", "p_write": "ALL"}

LOOP = """
import os, psycopg, pytest
COLUMNS, NOT_NULL, POLICIES = {columns!r}, {not_null!r}, {policies!r}

@pytest.fixture(scope="session")
def database():
    with psycopg.connect(os.environ["DSN"]) as connection:
        yield connection

@pytest.mark.parametrize("table", ["t%d" % number for number in range({count})])
def test_table(database, table):
    columns = database.execute(
        "select column_name, is_nullable, format_type(a.atttypid, a.atttypmod) from information_schema.columns "
        "join pg_attribute a on a.attrelid = to_regclass(table_name::text) and a.attname = column_name "
        "where table_schema = 'public' and table_name = %s", (table,)).fetchall()
    assert {{name: kind for name, _, kind in columns}} == COLUMNS
    assert {{name for name, nullable, _ in columns if nullable == "NO"}} == set(NOT_NULL)
    keys = database.execute(
        "select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) "
        "where i.indisprimary and i.indrelid = to_regclass(%s)", (table,)).fetchall()
    assert keys == [("id",)]
    secured = database.execute("select relrowsecurity from pg_class where oid = to_regclass(%s)", (table,)).fetchone()
    assert secured == (True,)
    policies = database.execute("select policyname, cmd from pg_policies where tablename = %s", (table,)).fetchall()
    assert dict(policies) == POLICIES
"""


def main() -> int:
    """Prints the figures; 1 where a promise does not hold."""
    from pytest_prodcheck.demo.postgres import Postgres

    class Debian(Postgres):
        binaries = BINARIES

    if not (BINARIES.is_dir() and PGTAP.is_file()):
        print(f"not compared: {BINARIES} or {PGTAP} is not here (apt-get install postgresql-15-pgtap)")
        return 0
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as directory, Debian({"max_locks_per_transaction": "1024"}) as server:
        folder = Path(directory)
        b4_catalog.fill(server.dsn(), count)
        dsn = server.dsn("reader", "reader")
        (folder / "tables.sql").write_text(assertions(count))
        loop = LOOP.format(columns=COLUMNS, not_null=NOT_NULL, policies=POLICIES, count=count)
        (folder / "test_tables.py").write_text(loop)
        b5_contract.run(b5_contract.OURS, folder, dsn, count, "pin")
        by_pgtap = pgtap(folder, server.dsn(), count)
        rounds = [
            (b5_contract.run(b5_contract.OURS, folder, dsn, count)[0], by_a_loop(folder, dsn, count))
            for _ in range(ROUNDS)
        ]
    ours, looped = (statistics.median(one[which] for one in rounds) for which in (0, 1))
    print(f"{count} tables x 10 columns, RLS, 2 policies each; {ROUNDS} rounds (pgTAP: 1), medians, after the imports")
    print(f"ours {ours:.2f} s, pgTAP {by_pgtap:.2f} s, a loop in pytest {looped:.2f} s")
    kept = [
        measure.say("ours to pgTAP", ours / by_pgtap, 1 / AHEAD_OF_PGTAP, f"{by_pgtap / ours:.1f} x ahead"),
        measure.say("ours to a loop", ours / looped, 1 / AHEAD_OF_A_LOOP, f"{looped / ours:.1f} x ahead"),
    ]
    return int(not all(kept))


def assertions(count: int) -> str:
    """The promises as a pgTAP script, in a transaction that is rolled back."""
    lines = ["\\set ON_ERROR_STOP 1", "begin;", "create extension pgtap;", "select no_plan();"]
    for number in range(count):
        table = f"t{number}"
        names = ", ".join(f"'{name}'" for name in COLUMNS)
        lines += [
            f"select has_table('public', '{table}', '');",
            f"select columns_are('public', '{table}', array[{names}]);",
            *(f"select col_type_is('public', '{table}', '{name}', '{kind}', '');" for name, kind in COLUMNS.items()),
            *(f"select col_not_null('public', '{table}', '{name}', '');" for name in NOT_NULL),
            f"select col_is_pk('public', '{table}', 'id', '');",
            f"select ok(relrowsecurity) from pg_class where oid = 'public.{table}'::regclass;",
            f"select policies_are('public', '{table}', array['p_read', 'p_write']);",
            *(
                f"select policy_cmd_is('public', '{table}', '{name}', '{command}', '');"
                for name, command in POLICIES.items()
            ),
        ]
    return "\n".join([*lines, "select * from finish();", "rollback;\n"])


def pgtap(folder: Path, dsn: str, count: int) -> float:
    """Seconds of pgTAP's assertions; raises RuntimeError where not every one of them held."""
    command = [str(BINARIES / "psql"), "-X", "-q", "-A", "-t", "-d", dsn, "-f", str(folder / "tables.sql")]
    cost = measure.run(command, folder)
    made = 3 + len(COLUMNS) + len(NOT_NULL) + 2 + len(POLICIES)
    if cost.status or cost.output.count("\nok ") + cost.output.startswith("ok ") != count * made:
        raise RuntimeError(f"pgTAP did not pass: {cost.output[-2000:]}")
    return cost.wall


def by_a_loop(folder: Path, dsn: str, count: int) -> float:
    """Seconds of the loop's tests, as pytest says; raises RuntimeError where not all of them passed."""
    command = measure.pytest_command("-p", "no:prodcheck", "test_tables.py")
    cost = measure.run(command, folder, {**os.environ, "DSN": dsn})
    told = re.search(rf"{count} passed in ([\d.]+)s", cost.output)
    if cost.status or told is None:
        raise RuntimeError(f"the loop did not pass: {cost.output[-2000:]}")
    return float(told[1])


if __name__ == "__main__":
    sys.exit(main())
