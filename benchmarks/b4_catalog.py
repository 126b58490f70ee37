"""B4: a database of 2,000 tables × 10 columns with RLS and 2 policies each: catalog and all criteria, side by side.

    python benchmarks/b4_catalog.py [tables]

Ours: `snapshot`, `schema_tables` and `rls` over all tables. Baseline: import pytest, pydantic and psycopg, connect, the
bare catalog queries, fetch. Both in fresh processes, alternating; medians. Round trips are counted on the wire, by a
proxy: a change of direction from client to server, after the log-in. Exit status 1 where a ratio or count is over.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import measure

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

ROUNDS = 7
MOST_RATIO = 2.5
MOST_ROUND_TRIPS = 5

OURS = """
import sys, pytest, pydantic
from pytest_prodcheck.config.models import Rls
from pytest_prodcheck.criteria.rls import rls
from pytest_prodcheck.criteria.schema_tables import schema_tables
from pytest_prodcheck.targets.database.connect import connect
from pytest_prodcheck.targets.database.snapshot import snapshot
dsn, count = sys.argv[1], int(sys.argv[2])
names = tuple(f"t{number}" for number in range(count))
session = connect(dsn, timeout=10, application_name="prodcheck/b4")
catalog = snapshot(session)
session.close()
findings = schema_tables(catalog, names, "database", ["app"]) + rls(catalog, Rls(tables=names), ["app"], "database")
found = sum(len(table.columns) + len(table.policies) for table in catalog.relations.values())
print(len(catalog.relations), found, len(findings))
"""
BASELINE = """
import sys, pytest, pydantic, psycopg
with psycopg.connect(sys.argv[1]) as connection:
    def rows(sql):
        return connection.execute(sql).fetchall()
    tables = rows("select n.nspname, c.relname, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity, "
                  "c.relacl from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' "
                  "and c.relkind = 'r'")
    columns = rows("select attrelid, attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute "
                   "where attnum > 0 and not attisdropped and attrelid >= 16384 and attrelid in "
                   "(select oid from pg_class where relkind = 'r')")
    policies = rows("select * from pg_policies")
    keys = rows("select conrelid, conname, contype, pg_get_constraintdef(oid) from pg_constraint "
                "where conrelid >= 16384 and contype in ('p', 'u', 'f')")
    roles = rows("select * from pg_roles") + rows("select roleid, member from pg_auth_members")
print(len(tables), len(columns) + len(policies), 0)
"""


def main() -> int:
    """Prints the figures; 1 where a promise does not hold."""
    from pytest_prodcheck.demo.postgres import Postgres

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with Postgres() as server:
        fill(server.dsn(), count)
        dsn = server.dsn("reader", "reader")
        ours, baseline = [], []
        for _ in range(ROUNDS):
            baseline.append(run(BASELINE, dsn, count))
            ours.append(run(OURS, dsn, count))
        trips = round_trips(dsn, server.port, count)
    ratio = statistics.median(ours) / statistics.median(baseline)
    print(f"tables          {count} x 10 columns, RLS, 2 policies each; {ROUNDS} rounds, medians")
    print(f"baseline        {statistics.median(baseline):.3f} s ({min(baseline):.3f} to {max(baseline):.3f})")
    print(f"ours            {statistics.median(ours):.3f} s ({min(ours):.3f} to {max(ours):.3f})")
    print(f"ratio           {ratio:.2f} (at most {MOST_RATIO})")
    print(f"round trips     {trips} after the log-in (at most {MOST_ROUND_TRIPS})")
    return int(ratio > MOST_RATIO or trips > MOST_ROUND_TRIPS)


def fill(dsn: str, count: int, start: int = 0) -> None:
    """Creates the tables from `start` on and, with the first, the application's role and our reader."""
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as connection:
        if not start:
            connection.execute("create role app login password 'app'; create role reader login password 'reader'")
        for first in range(start, count, 100):
            last = min(first + 100, count) - 1
            connection.execute(
                f"""do $$ begin for i in {first}..{last} loop
                execute format('create table t%s(id int primary key, owner_id int, c2 text, c3 text not null, c4 jsonb,
                  c5 timestamptz, c6 numeric(10,2), c7 bool, c8 varchar(30), c9 uuid)', i);
                execute format('alter table t%s enable row level security', i);
                execute format('create policy p_read on t%s for select
                  using (owner_id = current_setting(''app.user'', true)::int)', i);
                execute format('create policy p_write on t%s for all
                  using (owner_id = current_setting(''app.user'', true)::int) with check (owner_id > 0)', i);
                end loop; end $$"""
            )
        connection.execute("grant select on all tables in schema public to app, reader; analyze")


def run(program: str, dsn: str, count: int) -> float:
    """Seconds of a fresh process that runs `program`; raises where it failed or saw another number of things."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, dsn, str(count)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    took = time.perf_counter() - started
    if done.stdout.split() != [str(count), str(count * 12), "0"]:
        raise RuntimeError(f"the program saw something else: {done.stdout}{done.stderr}")
    return took


def round_trips(dsn: str, port: int, count: int) -> int:
    """How often the client spoke and then waited, from its first query on."""
    with measure.relayed(port) as (relay, turns):
        run(OURS, dsn.replace(f":{port}/", f":{relay}/"), count)
    return measure.round_trips(turns)


if __name__ == "__main__":
    sys.exit(main())
