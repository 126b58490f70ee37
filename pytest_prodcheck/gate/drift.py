"""How two contracts differ, in lines: two environments, or a file and what would replace it."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.criteria import database_contract
from pytest_prodcheck.gate.pins import Pin
from pytest_prodcheck.observe import contract_file

_FAILS = ("breaking", "risky", "dangerous")


def told(before: Pin, now: Pin, first: str, second: str) -> tuple[list[str], bool]:
    """The lines about one target, and whether the second environment keeps what the first one is."""
    name = before.name
    for pin, environment in ((before, first), (now, second)):
        if pin.problem:
            return [f"{name}: {environment} could not be read: {pin.problem}"], False
        if pin.contract and pin.contract.unread:
            parts = "; ".join(f"{part}: {why}" for part, why in pin.contract.unread.items())
            return [f"{name}: {environment} could not be read as a whole: {parts}"], False
    lines = list(_database(before, now) if before.contract else _graphql(before.sdl, now.sdl))
    same = not any(line.startswith(_FAILS) for line in lines)
    head = f"{name}: {second} compared with {first}" + ("" if lines else ": no difference")
    return [head, *(f"  {line}" for line in lines)], same


def meaning(old: str, pin: Pin) -> Iterator[str]:
    """What the difference between a pinned file and what was read now means. Raises ConfigError where the file is none
    of ours."""
    if pin.contract is None:
        yield from _graphql(old, pin.sdl)
        return
    promised = contract_file.read(old, pin.name)
    for one in database_contract.differences(promised, pin.contract):
        yield f"{one.impact:<12}{one}"


def _database(before: Pin, now: Pin) -> Iterator[str]:
    if before.contract and now.contract:
        for one in database_contract.differences(before.contract.pinned, now.contract):
            yield f"{one.impact:<12}{one}"


def _graphql(before: str, now: str) -> Iterator[str]:
    from pytest_prodcheck.criteria import graphql_contract, graphql_schema

    schemas = [graphql_schema.build(sdl, name) for sdl, name in ((before, "before"), (now, "now"))]
    for change in graphql_contract.changes(*schemas):
        yield f"{change.grade:<12}{change.text}"
