"""B6: the proof of row-level security for 200 tables, 3 roles, 2 users each: round trips and seconds a user.

    python benchmarks/b6_rls_proof.py [tables]

Ours: one proof a user, as the gate makes it, and its judgement, over a snapshot that is there. Beside it a loop as one
writes it by hand: `SET LOCAL ROLE`, then the visible rows of each table that are not its own. Round trips are counted
on the wire, by a proxy: a change of direction from client to server, after the log-in. Exit status 1 where a user takes
more than three.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import measure

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from pytest_prodcheck.targets.database.prober import DatabaseProber

ROUNDS = 3
ROWS = 60
MOST_ROUND_TRIPS = 3
SIGHTS = {"anon": "nothing", "member": "own", "manager": "all"}
USERS: Mapping[str, str] = {f"{role}_{number}": role for role in SIGHTS for number in (1, 2)}


def main() -> int:
    """Prints the figures; 1 where a promise does not hold."""
    from pytest_prodcheck.demo.postgres import Postgres

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    ours, loop = [], []
    with Postgres() as server:
        fill(server.dsn(), count)
        dsn = server.dsn("reader", "reader")
        prober = prober_of(dsn, count)
        for number in range(ROUNDS):
            started = time.perf_counter()
            findings = sum(proven(prober, user, number) for user in USERS)
            ours.append((time.perf_counter() - started) / len(USERS))
            started = time.perf_counter()
            leaks = sum(by_hand(dsn, count, user, role) for user, role in USERS.items())
            loop.append((time.perf_counter() - started) / len(USERS))
        most = round_trips(dsn, server.port, count)
    if findings or leaks != count * ROWS * 2:  # the two managers see all rows, by the loop's measure leaks
        raise RuntimeError(f"not what was set up: {findings} findings, {leaks} rows")
    print(f"tables          {count} x {ROWS} rows under RLS, 3 roles x 2 users; {ROUNDS} rounds, medians")
    for name, times, counts in (("by hand", loop, "one count"), ("ours", ours, "4 to 14 counts")):
        spread = f"{min(times):.3f} to {max(times):.3f}"
        print(f"{name:<16}{statistics.median(times):.3f} s a user ({spread}), {counts} a table")
    print(f"round trips     {most} a user after the log-in (at most {MOST_ROUND_TRIPS}); by hand {count + 2}")
    return int(most > MOST_ROUND_TRIPS)


def fill(dsn: str, count: int) -> None:
    """Creates the tables with rows of every user, the roles and our reader."""
    import psycopg

    owners = "array[" + ", ".join(f"''{user}''" for user in USERS) + "]"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("""create role reader login password 'reader'; create role anon; create role member;
            create role manager; grant anon, member, manager to reader with inherit false, set true""")
        for first in range(0, count, 50):
            last = min(first + 50, count) - 1
            connection.execute(
                f"""do $$ begin for i in {first}..{last} loop
                execute format('create table t%s(id int primary key, owner text not null)', i);
                execute format('insert into t%s select n, ({owners})[1 + n %% 6] from generate_series(1, {ROWS}) n', i);
                execute format('create index on t%s (owner)', i);
                execute format('alter table t%s enable row level security', i);
                execute format('create policy reader on t%s to reader, manager using (true)', i);
                execute format('create policy own on t%s to member
                  using (owner = (select current_setting(''app.user'', true)))', i);
                end loop; end $$""".encode()
            )
        connection.execute("grant select on all tables in schema public to anon, member, manager, reader; analyze")


def prober_of(dsn: str, count: int) -> DatabaseProber:
    """The prober of the gate, its snapshot taken."""
    from pytest_prodcheck.config.models import DatabaseTarget, Rls
    from pytest_prodcheck.targets.database.prober import DatabaseProber

    rls = Rls(
        tables=tuple(f"t{number}" for number in range(count)),
        owner="owner",
        context={"app.user": "sub"},
        roles=USERS,
        sees={user: SIGHTS[role] for user, role in USERS.items()},
    )
    table = DatabaseTarget(dsn=dsn, timeout=30.0, rls=rls)
    prober = DatabaseProber("database", table, "b6", lambda user: {"sub": user})
    prober.ready()
    return prober


def proven(prober: DatabaseProber, user: str, attempt: int) -> int:
    """One user's proof; the number of findings."""
    from pytest_prodcheck.criteria import rls_proof

    facts = prober.probe("test_rls_proof", user, "", attempt).facts
    rls = prober.table.rls
    if rls is None:
        raise RuntimeError("no rls")
    return len(rls_proof.judge(facts["proofs"], user, facts["catalog"], rls, "database"))


def by_hand(dsn: str, count: int, user: str, role: str) -> int:
    """A loop over the tables; the visible rows that are not the user's."""
    import psycopg

    total = 0
    with psycopg.connect(dsn) as connection:
        connection.execute("select set_config('app.user', %s, true), set_config('role', %s, true)", (user, role))
        for number in range(count):
            query = f"select count(*) from t{number} where owner is distinct from %s"
            row = connection.execute(query.encode(), (user if role == "member" else "",)).fetchone()
            total += row[0] if row else 0
        connection.rollback()
    return total


def round_trips(dsn: str, port: int, count: int) -> int:
    """How often the client spoke and then waited in one proof, the log-in not counted; the most of any user."""
    with measure.relayed(port) as (relay, turns):
        prober = prober_of(dsn.replace(f":{port}/", f":{relay}/"), count)
        most = 0
        for user in USERS:
            before = len(turns)
            prober.probe("test_rls_proof", user, "", -1)
            most = max(most, measure.round_trips(turns[before:]))
    return most


if __name__ == "__main__":
    sys.exit(main())
