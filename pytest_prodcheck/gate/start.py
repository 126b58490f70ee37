"""From options to an environment and its plan: everything that can be wrong before anything is sent (exit status 4)."""

from __future__ import annotations

import datetime
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pytest_prodcheck import options
from pytest_prodcheck.config import grammar, loader
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.errors import ConfigError, UsageProblem
from pytest_prodcheck.gate import planning, role
from pytest_prodcheck.gate.plan import Plan

if TYPE_CHECKING:
    from pytest_prodcheck.observe.vantage import Vantage

if TYPE_CHECKING:
    from pytest_prodcheck.history.earlier import Earlier

DEMO_FILE = Path(__file__).parent.parent / "demo" / "prodcheck.toml"
_SHARE_OF_A_WAIT = 0.4
"""The part of the run that one wait may take: a target that hangs is named, and what needs it blocked, while there is
still time to say so; two waits fit one after the other (a discovery document, then a token)."""


class Start(NamedTuple):
    """What the options and the configuration come to."""

    file: Path
    environment: Environment
    fault: str
    plan: Plan
    only: frozenset[str]
    deadline_s: float
    vantage: Vantage | None = None
    """What a run inside the cluster saw, where one was given."""
    earlier: Earlier | None = None
    """The run of `--prodcheck-baseline`, where one was given; only its owner reads it."""


def read(config: pytest.Config) -> Start:
    """Reads and checks everything that the options name. Raises UsageProblem with every problem, `file:line` first."""
    if nothing := options.empty(config):
        raise UsageProblem(
            *(f"{name} is empty: give it a value, or leave it out (is a shell variable unset?)" for name in nothing)
        )
    name, colon, fault = str(config.getoption("prodcheck")).partition(":")
    if name == "demo":
        file = DEMO_FILE
        _check_fault(colon, fault)
    else:
        file = loader.find(config.rootpath, config.invocation_params.dir, config.getoption("prodcheck_config"))
        fault = ""
        name = str(config.getoption("prodcheck"))
    environment = loader.load(file, name, today=datetime.datetime.now(datetime.UTC).date())
    environment = _narrowed(config, environment)
    only = _only(config.getoption("prodcheck_only"), environment)
    plan = planning.make(environment, only)
    if not plan.checks:
        raise ConfigError(f"{file.name}: environment {name} promises nothing that could be checked")
    inside, earlier = _vantage(config, environment), _earlier(config, environment)
    return Start(file, environment, fault, plan, only, _deadline(config, environment, only), inside, earlier)


def _check_fault(colon: str, fault: str) -> None:
    import difflib

    from pytest_prodcheck.demo.faults import FAULTS

    if colon and not fault:
        raise UsageProblem("--prodcheck=demo: names no fault after its colon; `prodcheck faults` lists them")
    if fault and fault not in FAULTS:
        near = difflib.get_close_matches(fault, FAULTS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageProblem(f"unknown fault {fault}{hint}; `prodcheck faults` lists them")


def _narrowed(config: pytest.Config, environment: Environment) -> Environment:
    """The environment with the command line's own revision and writes."""
    changes: dict[str, object] = {}
    wanted = config.getoption("prodcheck_revision")
    if wanted:
        if environment.revision is None:
            raise ConfigError(
                f"--prodcheck-revision={wanted}: environment {environment.name} does not say where its revision is; "
                'add revision = { path = "/version", at = "commit" }, or revision = "image" of its cluster'
            )
        changes["revision"] = environment.revision.model_copy(update={"expected": wanted})
    writes = config.getoption("prodcheck_writes")
    if writes is not None:
        named = () if writes.strip() == "none" else tuple(name.strip() for name in writes.split(","))
        if "" in named:
            raise ConfigError(f"--prodcheck-writes={writes}: a name is empty; write none to permit no write")
        if unknown := [name for name in named if name not in environment.writes]:
            raise ConfigError(f"--prodcheck-writes: {environment.name} does not permit {', '.join(unknown)}")
        changes["writes"] = named
    return environment.model_copy(update=changes) if changes else environment


def _only(text: str | None, environment: Environment) -> frozenset[str]:
    names = frozenset(name.strip() for name in (text or "").split(",") if name.strip())
    known = {*environment.targets, *(target.split(".")[0] for target in environment.targets)}
    if unknown := sorted(names - known):
        raise UsageProblem(f"--prodcheck-only={text}: no target {unknown[0]}; known: {', '.join(sorted(known))}")
    return names


def _vantage(config: pytest.Config, environment: Environment) -> Vantage | None:
    text = config.getoption("prodcheck_vantage")
    if not text:
        return None
    from pytest_prodcheck.gate import vantage

    return vantage.read(text, config.invocation_params.dir, environment.name)


def _earlier(config: pytest.Config, environment: Environment) -> Earlier | None:
    text = config.getoption("prodcheck_baseline")
    if not text or role.of(config) == "worker":
        return None
    from pytest_prodcheck.history import earlier

    return earlier.read(text, config.invocation_params.dir, environment.name)


def _deadline(config: pytest.Config, environment: Environment, only: frozenset[str]) -> float:
    """The gate's deadline, and beside it the time that load takes where -m asks for it."""
    text = config.getoption("prodcheck_deadline")
    extra = _load_seconds(config, environment, only)
    if not text:
        return environment.deadline + extra
    try:
        return grammar.duration(text) + extra
    except ValueError as problem:
        raise UsageProblem(f"--prodcheck-deadline: {problem}") from None


def _load_seconds(config: pytest.Config, environment: Environment, only: frozenset[str]) -> float:
    expression = config.getoption("markexpr") or ""
    table = environment.targets.get("load")
    if table is None or (only and "load" not in only) or not ("load" in expression or "soak" in expression):
        return 0.0
    from pytest_prodcheck.gate import consent

    return consent.seconds(environment) if consent.asked(expression) else 0.0


def shortened(environment: Environment, left_s: float) -> tuple[Environment, str]:
    """The environment with the timeouts of its targets within the time that the run has left, and the line that says
    so; the line is empty where nothing had to be shortened."""
    longest = max(0.1, left_s * _SHARE_OF_A_WAIT)
    long = {name: table for name, table in environment.targets.items() if table.timeout > longest}
    if not long:
        return environment, ""
    cut = {name: table.model_copy(update={"timeout": longest}) for name, table in long.items()}
    text = f"the run's deadline leaves {grammar.show_duration(longest)} for an answer of {', '.join(long)}"
    return environment.model_copy(update={"targets": {**environment.targets, **cut}}), text


def monotonic_deadline(start: Start) -> float:
    """The run's deadline on the monotonic clock, from now."""
    return time.monotonic() + start.deadline_s
