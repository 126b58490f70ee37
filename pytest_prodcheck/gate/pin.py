"""`prodcheck pin ENV` and `prodcheck diff ENV OTHER`: contracts are read from live environments, without pytest."""

from __future__ import annotations

import secrets as randomness
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from pytest_prodcheck.config.models import DatabaseTarget, Environment, GraphqlTarget, Target
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.errors import UsageProblem
from pytest_prodcheck.gate import drift, pinned_files
from pytest_prodcheck.gate.pins import Pin
from pytest_prodcheck.gate.probers import Probers

OK, NOT_AS_ASKED = 0, 1
Secrets = Iterable[tuple[str, str]]


def pin(environment: Environment, secrets: Secrets, only: Collection[str] = (), *, write: bool = True) -> int:
    """Reads what the environment is, says how that differs from its contract files, and writes them.

    `only` narrows it to these targets. Status 0; 1 where a target could not be read (its file stays as it is). Raises
    UsageProblem: no contract is declared, an unknown target, a file that cannot be written.
    """
    targets = _declared(environment, only)
    redactor = _redactor(secrets)
    status = OK
    for pinned in _read(environment, targets, redactor):
        if pinned.problem:
            status = NOT_AS_ASKED
        _say(redactor, pinned_files.told(pinned, Path(environment.base), write=write))
    return status


def diff(environment: Environment, other: Environment, secrets: Secrets) -> int:
    """Says how `other` differs from `environment`, by the rules of the gate, for each database and GraphQL API of both.

    Status 0 where nothing is breaking or risky (dangerous), else 1; also where one of them could not be read. Raises
    UsageProblem where they have no such target in common.
    """
    targets = [name for name, table in environment.targets.items() if _comparable(table) and name in other.targets]
    if not targets:
        raise UsageProblem(f"{environment.name} and {other.name} have no database or graphql target in common")
    redactor = _redactor(secrets)
    before = _read(_asking(environment), targets, redactor)
    now = _read(_asking(other), targets, redactor)
    status = OK
    for promised, found in zip(before, now, strict=True):
        lines, same = drift.told(promised, found, environment.name, other.name)
        _say(redactor, lines)
        status = status if same else NOT_AS_ASKED
    for name in sorted({*environment.targets} ^ {*other.targets}):
        has = environment if name in environment.targets else other
        if _comparable(has.targets[name]):
            _say(redactor, [f"{name}: only {has.name} has it; not compared"])
    return status


def _declared(environment: Environment, only: Collection[str]) -> list[str]:
    """The targets with a contract file."""
    found = [name for name, table in environment.targets.items() if pinned_files.place(table)]
    if not found:
        raise UsageProblem(
            f"{environment.where()}: {environment.name} declares no contract; "
            'example: [env.NAME.database] contract = "contracts/database.toml"'
        )
    kinds = {name.partition(".")[0] for name in found}
    if unknown := sorted(set(only) - {*found, *kinds}):
        raise UsageProblem(f"--only {unknown[0]}: no target with a contract; known: {', '.join(found)}")
    return [name for name in found if not only or name in only or name.partition(".")[0] in only]


def _comparable(table: Target) -> bool:
    return isinstance(table, DatabaseTarget | GraphqlTarget)


def _asking(environment: Environment) -> Environment:
    """The environment with the contract of each of its databases asked for, declared or not."""
    tables = {
        name: table.model_copy(update={"contract": table.contract or "contract"})
        if isinstance(table, DatabaseTarget)
        else table
        for name, table in environment.targets.items()
    }
    return environment.model_copy(update={"targets": tables})


def _read(environment: Environment, targets: Collection[str], redactor: Redactor) -> list[Pin]:
    run, base = randomness.token_hex(8), Path(environment.base)
    probers = Probers(environment, frozenset(targets), redactor, run, base, redactor.add)
    try:
        return [_of(environment, name, probers, redactor) for name in targets]
    finally:
        probers.close()


def _of(environment: Environment, name: str, probers: Probers, redactor: Redactor) -> Pin:
    """One target's contract, or why there is none."""
    table = environment.targets[name]
    user = table.as_[0] if isinstance(table, GraphqlTarget) and table.as_ else ""
    for needed in (name, *([f"user:{user}"] if user else [])):
        standing = probers.standing(needed, time.time())
        if not standing.ready:
            return Pin(name, table, problem=f"{standing.cause}: {standing.message}")
    prober = probers.of(name)
    if isinstance(table, DatabaseTarget):
        found = Pin(name, table, environment.name, contract=prober.contract)
    else:
        facts = prober.probe("test_schema", "", user, 1).facts
        problem = "" if facts["sdl"] else f"no schema: {facts['problem']}"
        found = Pin(name, table, environment.name, sdl=str(facts["sdl"]), problem=problem)
    held = redactor.contains(found.text) if not found.problem else None
    return Pin(name, table, problem=f"it holds the value of {held}, which no file shall hold") if held else found


def _redactor(secrets: Secrets) -> Redactor:
    redactor = Redactor()
    for name, value in secrets:
        redactor.add(value, name)
    return redactor


def _say(redactor: Redactor, lines: Iterable[str] | Iterator[str]) -> None:
    for line in lines:
        print(redactor.harmless(line))  # noqa: T201 - this is the command's output
