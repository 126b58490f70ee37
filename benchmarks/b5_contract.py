"""B5: the contract of 2,000 tables × 10 columns with RLS and 2 policies each: snapshot, file and judgement.

    python benchmarks/b5_contract.py [tables]

Ours: read the pinned file, `snapshot_with_contract`, `database_contract.judge`. Baseline: connect, the bare catalog
queries for the same facts, fetch. Both in fresh processes, alternating, over the imports that both need; medians. Then
five times as many tables: round trips must not grow, and time a table not by more than half. Round trips are counted on
the wire. Exit status 1 where a bound is missed.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

import b4_catalog
import measure

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

ROUNDS = 5
MOST_RATIO, MOST_ROUND_TRIPS, MOST_MEMORY, MOST_GROWTH = 3.0, 8, 150.0, 1.5
FURTHER = 5

OURS = """
import sys, time, pytest, pydantic, psycopg
started = time.perf_counter()
from pathlib import Path
from pytest_prodcheck.criteria import database_contract
from pytest_prodcheck.observe import contract_file
from pytest_prodcheck.targets.database.connect import connect
from pytest_prodcheck.targets.database.snapshot import snapshot_with_contract
dsn, file, pin = sys.argv[1], Path(sys.argv[2]), len(sys.argv) > 3
session = connect(dsn, timeout=30, application_name="prodcheck/b5")
_, seen = snapshot_with_contract(session, timeout=60)
session.close()
if pin:
    file.write_text(contract_file.written(seen.pinned, "staging"))
promised = contract_file.read(file.read_text(), file.name)
findings = database_contract.judge(promised, seen, "database")
tables = seen.tables.values()
print(len(tables), sum(len(table.columns) + len(table.policies) for table in tables), len(findings),
      time.perf_counter() - started)
"""
BASELINE = """
import sys, time, pytest, pydantic, psycopg
started = time.perf_counter()
own = "n.nspname not like 'pg_%' and n.nspname <> 'information_schema'"
of = f"join pg_class c on c.oid = {{}} join pg_namespace n on n.oid = c.relnamespace where {own}"
with psycopg.connect(sys.argv[1]) as connection:
    def rows(sql):
        return connection.execute(sql).fetchall()
    tables = rows("select n.nspname, c.relname, c.relkind, pg_get_userbyid(c.relowner), c.relrowsecurity, "
                  f"c.relforcerowsecurity, c.relacl::text[] from pg_class x {of.format('x.oid')} and c.relkind = 'r'")
    columns = rows("select attrelid, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, "
                   "pg_get_expr(d.adbin, d.adrelid) from pg_attribute a left join pg_attrdef d on d.adrelid = attrelid "
                   f"and d.adnum = attnum {of.format('attrelid')} and c.relkind = 'r' and attnum > 0 "
                   "and not attisdropped")
    policies = rows("select * from pg_policies")
    rows(f"select conrelid, conname, contype, pg_get_constraintdef(k.oid) from pg_constraint k {of.format('conrelid')}")
    rows("select indrelid, indexrelid::regclass, indisunique, indisvalid, pg_get_indexdef(indexrelid) from pg_index "
         f"{of.format('indrelid')}")
    rows(f"select tgname, tgenabled, pg_get_triggerdef(t.oid) from pg_trigger t {of.format('tgrelid')}")
    rows(f"select viewname, definition from pg_views where schemaname = 'public'")
    rows("select * from pg_sequences where schemaname = 'public'")
    rows("select enumtypid::regtype, enumlabel from pg_enum")
    rows("select p.oid::regprocedure, prosecdef, provolatile, proconfig, proacl::text[], prosrc from pg_proc p "
         f"join pg_namespace n on n.oid = p.pronamespace where {own}")
    rows("select * from pg_extension")
    rows("select * from pg_roles"), rows("select roleid, member from pg_auth_members")
    rows("select nspname, nspowner, nspacl::text[] from pg_namespace")
print(len(tables), len(columns) + len(policies), 0, time.perf_counter() - started)
"""


def main() -> int:
    """Prints the figures; 1 where a promise does not hold."""
    from pytest_prodcheck.demo.postgres import Postgres

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as directory, Postgres({"max_locks_per_transaction": "1024"}) as server:
        folder = Path(directory)
        b4_catalog.fill(server.dsn(), count)
        dsn = server.dsn("reader", "reader")
        run(OURS, folder, dsn, count, "pin")
        pairs = [(run(BASELINE, folder, dsn, count), run(OURS, folder, dsn, count)) for _ in range(ROUNDS)]
        trips = round_trips(server.port, folder, dsn, count)
        b4_catalog.fill(server.dsn(), count * FURTHER, start=count)
        many = count * FURTHER
        run(OURS, folder, dsn, many, "pin")
        far = [run(OURS, folder, dsn, many) for _ in range(3)]
        far_trips = round_trips(server.port, folder, dsn, many)
    bare, ours = (statistics.median(pair[which][0] for pair in pairs) for which in (0, 1))
    memory = max(pair[1][1] for pair in pairs)
    growth = statistics.median(seconds for seconds, _ in far) / (ours * FURTHER)
    print(f"{count} tables x 10 columns, RLS, 2 policies each; {ROUNDS} rounds, medians; file of {count} tables read")
    kept = [
        measure.say("ratio to the bare catalog queries", ours / bare, MOST_RATIO, f"{ours:.3f} s to {bare:.3f} s"),
        measure.say("round trips after the log-in", trips, MOST_ROUND_TRIPS, "one message"),
        measure.say("peak memory, MiB", memory, MOST_MEMORY, "of the whole process"),
        measure.say(f"time a table at {many} tables, to {count}", growth, MOST_GROWTH, "1 is linear"),
        measure.say(f"round trips at {many} tables", far_trips, trips, "no more than before"),
    ]
    return int(not all(kept))


def run(program: str, folder: Path, dsn: str, count: int, *options: str) -> tuple[float, float]:
    """Seconds of a fresh process after its imports, and its peak memory in MiB; see `cost`."""
    spent = cost(program, folder, dsn, count, *options)
    return float(spent.output.split()[3]), spent.memory


def cost(program: str, folder: Path, dsn: str, count: int, *options: str) -> measure.Cost:
    """What a fresh process cost; raises RuntimeError where it failed or saw another number of things."""
    command = [sys.executable, "-c", program, dsn, str(folder / "database.toml"), *options]
    spent = measure.run(command, folder, {**os.environ, "PYTHONPATH": str(ROOT)})
    if spent.output.split()[:3] != [str(count), str(count * 12), "0"]:
        raise RuntimeError(f"the program saw something else: {spent.output}")
    return spent


def round_trips(port: int, folder: Path, dsn: str, count: int) -> int:
    """How often the client spoke and then waited, from its first query on."""
    with measure.relayed(port) as (relay, turns):
        run(OURS, folder, dsn.replace(f":{port}/", f":{relay}/"), count)
    return measure.round_trips(turns)


if __name__ == "__main__":
    sys.exit(main())
