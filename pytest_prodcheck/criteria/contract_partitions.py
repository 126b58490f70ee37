"""What a partition that is gone, holds other rows, or has other policies of its own breaks (A24, A34)."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace

from pytest_prodcheck.criteria import contract_policies
from pytest_prodcheck.criteria.contract_change import OBJECT_CHANGED, OBJECT_MISSING, Difference, cut, place, shown
from pytest_prodcheck.observe.contract import Contract, PolicyFacts, TableFacts

_DETACHED = "detached from it, its rows are no longer found there"


def differences(name: str, promised: TableFacts, found: TableFacts, tables: Container[str]) -> Iterator[Difference]:
    """Each promised partition of a table that is gone or holds other rows, and their policies; a partition more is
    what a partitioned table is for. Risky: whether anybody still needs its rows no catalog shows. One that is among the
    `tables` now was detached, which is said of the table."""
    for partition, bound in promised.partitions.items():
        thing, now = f"partition {shown(partition)} of {shown(name)}", found.partitions.get(partition)
        if now is None and partition in tables:
            continue
        if now is None:
            why = "rows that it held are no longer found, and new ones are refused (23514) where no other takes them"
            yield Difference("risky", thing, cut(bound), "no such partition", why, OBJECT_MISSING, place(name))
        elif now != bound:
            why = "rows are kept elsewhere, or refused (23514)"
            yield Difference("risky", thing, cut(bound), cut(now), why, OBJECT_CHANGED, place(name))
    for partition in found.partitions:
        mine, own = (_own(one, partition) for one in (promised, found))
        if partition not in promised.partitions:
            mine = {policy: one for policy, one in own.items() if _known(policy, one, promised)}
        yield from contract_policies.differences(
            partition, replace(promised, policies=mine), replace(found, policies=own)
        )


def detached(name: str, facts: TableFacts, promised: Contract) -> str:
    """Why a new table is missed elsewhere: it was a partition, or has the columns of a partitioned table, each of the
    same type; empty where it is none that was detached."""
    columns = {column: one.type for column, one in facts.columns.items()}
    parted = {whole: one for whole, one in promised.tables.items() if one.kind == "partitioned table"}
    for whole, one in parted.items():
        if name in one.partitions:
            return f"it was a partition of {shown(whole)}: {_DETACHED}"
    for whole, one in parted.items():
        if {column: each.type for column, each in one.columns.items()} == columns:
            return f"it has the columns of {shown(whole)}: {_DETACHED}"
    return ""


def _known(policy: str, facts: PolicyFacts, promised: TableFacts) -> bool:
    """Whether the table, or another partition, has that policy by promise."""
    others = (one for key, one in promised.partition_policies.items() if key.startswith(f"{policy} of "))
    return facts in (promised.policies.get(policy), *others)


def _own(facts: TableFacts, partition: str) -> dict[str, PolicyFacts]:
    end = f" of {partition}"
    return {key.removesuffix(end): one for key, one in facts.partition_policies.items() if key.endswith(end)}
