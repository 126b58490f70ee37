"""Each difference of the catalog, really made on PostgreSQL, is named with its impact, its code and what it breaks.

(A24, A32–A35, A37, B32–B34, C14, C15, C19, E15, E19, T17, T18)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from postgres_servers import needs, understood

from pytest_prodcheck.criteria import database_contract
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.diagnosis.causes import CAUSES
from pytest_prodcheck.observe.contract import Contract, RoleFacts, TableFacts
from pytest_prodcheck.targets.database.connect import connect
from pytest_prodcheck.targets.database.snapshot import snapshot_with_contract

HERE = Path(__file__).parent
CASES: list[dict[str, Any]] = yaml.safe_load((HERE / "contract_differences.yaml").read_text("utf-8"))
BASE = (HERE / "contract_base.sql").read_text("utf-8")
ROLES = """create role member; create role service; create role reader login password 'reader';
create table public.kept (id int)"""


@dataclass(frozen=True)
class Seen:
    """The contract before and after all changes, each made in a schema of its own."""

    before: Contract
    after: Contract
    reader: str


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    """Two snapshots by a reader without any privilege: pinned, and after every case's change."""
    with Postgres() as server:
        reader = server.dsn("reader", "reader")
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(ROLES)
            for number, case in enumerate(CASES):
                run(connection, number, f"create schema s{number}; grant usage on schema s{number} to member")
                run(connection, number, understood(BASE + case.get("setup", "")))
            before = taken(reader)
            for number, case in enumerate(CASES):
                run(connection, number, understood(case["change"]))
            yield Seen(before, taken(reader), reader)


def run(connection: psycopg.Connection[Any], number: int, statements: str) -> None:
    """Statements in the schema of one case; a fault in a case is its own."""
    text = f"set search_path = s{number}; {statements}".replace("SCHEMA", f"s{number}")
    connection.execute(text.encode())


def taken(dsn: str) -> Contract:
    """What the reader sees."""
    with connect(dsn, timeout=5, application_name="prodcheck/contract") as session:
        return snapshot_with_contract(session, timeout=30)[1]


def of(contract: Contract, number: int) -> Contract:
    """The part of a contract that belongs to one case."""

    def mine(name: str) -> bool:
        return re.match(rf"s{number}(_\w+)?(\.|$)", name) is not None

    parts = {
        kind: {name: facts for name, facts in getattr(contract, kind).items() if mine(name)}
        for kind in ("schemas", "tables", "sequences", "types", "functions")
    }
    return replace(contract, **parts)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_difference_is_named_with_what_it_breaks(seen: Seen, case: dict[str, Any]) -> None:
    """Impact, code and text of everything that differs, and nothing else (A24, A32–A35, C14, C15, C19, E15)."""
    needs(15, "security_invoker", "table events disable trigger", where=case["change"])
    number = CASES.index(case)
    before, after = of(seen.before, number), of(seen.after, number)
    findings = database_contract.judge(before, after, "database")
    found = [f"{one.data.get('impact', 'breaking')} {one.code} {one.message}" for one in findings]
    if after.tables:
        harmless = [one for one in database_contract.differences(before, after) if one.impact == "harmless"]
        found += [f"harmless {one.code} {one}" for one in harmless]
    expected = sorted(_plain(text, number) for text in case["says"])
    assert sorted(_plain(text, number) for text in found) == expected
    assert {finding.code for finding in findings} <= set(CAUSES)


def _plain(text: str, number: int) -> str:
    text = text.replace("SCHEMA", f"s{number}")
    return re.sub(r"sql [0-9a-f]{16}", "sql BODY", text.replace(f"s{number}.", ""))


def test_severities_are_those_of_the_impact(seen: Seen) -> None:
    """Breaking is an error, risky a warning, harmless no finding (A33)."""
    found = database_contract.judge(seen.before, seen.after, "database")
    assert {(one.data["impact"], one.severity) for one in found if "impact" in one.data} == {
        ("breaking", "error"),
        ("risky", "warning"),
    }


def test_the_missing_migration_is_named(seen: Seen) -> None:
    """The last that speaks of the table, and of the column where one is at fault; of what none speaks, none (R12)."""
    missing = {
        "20260810_tenants": 'alter table "tenants" add column note text',
        "20260811_tenant": 'ALTER TABLE "tasks" ALTER COLUMN "tenant_id" SET NOT NULL;',
        "20260812_titles": "alter table tasks add tenant_identifier int",
    }
    number = next(place for place, case in enumerate(CASES) if case["id"] == "null-allowed-where-a-policy-compares")
    (found,) = database_contract.judge(of(seen.before, number), of(seen.after, number), "database", missing)
    assert found.message.endswith(
        "tasks.tenant_id: promised uuid not null, found uuid null — rows without tenant are visible to nobody "
        "(policy own compares it) — migration 20260811_tenant is missing"
    )
    assert found.data["migration"] == "20260811_tenant"
    (found,) = database_contract.judge(of(seen.before, number), of(seen.after, number), "database", {"x": "tasks"})
    assert "migration" not in found.message


def test_there_are_enough_cases() -> None:
    """At least sixty, of all three impacts; ids are unique (A33)."""
    impacts = [line.split()[0] for case in CASES for line in case["says"]]
    assert len({case["id"] for case in CASES}) == len(CASES) >= 60
    assert {"breaking", "risky", "harmless"} == set(impacts)


def test_an_application_that_is_only_a_member_is_pinned() -> None:
    """It owns nothing and is granted nothing, and acts as a role that is: what it becomes is judged (A24, C15)."""
    tables = {"public.t": TableFacts(grants={"member": ("SELECT",)})}
    roles = {"member": RoleFacts(), "app": RoleFacts(True, member_of=("member",)), "other": RoleFacts(True)}
    pinned = Contract(17, tables=tables, roles=roles).pinned
    assert pinned.roles.keys() == {"member", "app"}
    now = replace(pinned, roles={"member": RoleFacts(), "app": RoleFacts(True, bypasses_rls=True)})
    assert [str(one) for one in database_contract.differences(pinned, now)] == [
        "role app: promised member of member, found member of no role — it cannot act as member (42501)",
        "role app: promised no BYPASSRLS, found BYPASSRLS — no policy binds it: it sees the rows of all users",
    ]
    (gone,) = database_contract.differences(pinned, replace(pinned, roles={"member": RoleFacts()}))
    assert (gone.impact, gone.code) == ("risky", "database.auth.role_missing")


@pytest.mark.parametrize(("powerful", "impact"), [(RoleFacts(superuser=True), "breaking"), (RoleFacts(), "risky")])
def test_a_membership_in_a_role_that_no_policy_binds_is_breaking(powerful: RoleFacts, impact: str) -> None:
    """`GRANT postgres TO member` is no lesser gain than SUPERUSER (A24, C15)."""
    tables = {"public.t": TableFacts(grants={"member": ("SELECT",)})}
    before = Contract(17, tables=tables, roles={"member": RoleFacts()})
    after = replace(before, roles={"member": RoleFacts(member_of=("chief",)), "chief": powerful})
    (found,) = database_contract.differences(before, after)
    assert found.impact == impact
    assert ("no policy binds chief" in found.why) is (impact == "breaking")


def test_no_credential_of_a_default_is_pinned() -> None:
    """A domain's default is a literal like any other (A33; leaks)."""
    with Postgres() as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("create domain token as text default 'Bearer abcdefghijklmnopqrstuvwxyz012345'")
        found = taken(server.dsn())
    assert found.types["public.token"].default == "'Bearer [redacted]'::text"
