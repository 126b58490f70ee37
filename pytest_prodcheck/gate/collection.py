"""How the shipped suites hang under `prodcheck.toml`, and how ids that begin with it find their way.

Appending a site-packages path to pytest's arguments would lose the suites silently where `.venv` lies inside the
project (pytest merges overlapping arguments, then ignores the environment); a collected file of our own cannot be lost.
"""

from __future__ import annotations

import importlib
import inspect
import os
import unittest
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import pytest

from pytest_prodcheck.gate import written
from pytest_prodcheck.gate.plan import ROOT, Check, Plan

SUITES = "pytest_prodcheck.suites"


class SuiteModule(pytest.Module):
    """One shipped suite: its test functions, as far as the plan has checks for them."""

    suite: str
    plan: Plan

    def _getobj(self) -> ModuleType:
        return importlib.import_module(f"{SUITES}.{self.suite}")

    def funcnamefilter(self, name: str) -> bool:
        """By our own naming, not by the user's `python_functions`: and only what the environment promises."""
        return name.startswith("test_") and bool(self.plan.of(self.suite, name))

    def classnamefilter(self, name: str) -> bool:
        """Suites have no classes."""
        del name
        return False

    def checks(self, function: str) -> list[Check]:
        """The checks of one of its functions."""
        return self.plan.of(self.suite, function)


class PlanFile(pytest.File):
    """`prodcheck.toml` as a collected file; its node id is `prodcheck.toml`, wherever the file lies."""

    plan: Plan

    @classmethod
    def of(cls, parent: pytest.Collector, path: Path, plan: Plan) -> PlanFile:
        """The node for the configuration at `path`."""
        node: PlanFile = cls.from_parent(parent, path=path, nodeid=ROOT)
        node.name, node.plan = ROOT, plan
        return node

    def collect(self) -> Iterator[SuiteModule]:
        """One suite a target kind that has checks."""
        folder = Path(__file__).parent.parent / "suites"
        for suite in dict.fromkeys(check.suite for check in self.plan.checks.values()):
            node: SuiteModule = SuiteModule.from_parent(
                self, path=folder / f"{suite}.py", name=suite, nodeid=f"{ROOT}::{suite}"
            )
            node.suite, node.plan = suite, self.plan
            yield node


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Gives a suite's test function one item for each of its checks, with marks and a readable id."""
    module = metafunc.definition.getparent(SuiteModule)
    if module is None:
        return
    parameters = [
        pytest.param(
            check,
            id=check.parameter or pytest.HIDDEN_PARAM,
            marks=_marks(check.marks, check.latency, check.error_rate),
        )
        for check in module.checks(metafunc.function.__name__)
    ]
    metafunc.parametrize("check", parameters)


def place(items: Sequence[pytest.Item]) -> None:
    """Says where the shipped checks stand: those of one function in one place, which pytest would look for on disk for
    each of thousands."""
    places: dict[tuple[SuiteModule, str], tuple[str, int | None, str]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and isinstance(item.parent, SuiteModule):
            function = item.parent, item.originalname
            if function not in places:
                places[function] = item.location
            item.location = (*places[function][:2], item.name)


@lru_cache(maxsize=256)
def _marks(
    selection: tuple[str, ...], latency: tuple[str, ...], error_rate: str | None
) -> tuple[pytest.MarkDecorator, ...]:
    """The marks of a check; those that promise the same share them."""
    marks = [getattr(pytest.mark, name) for name in selection]
    if latency:
        marks.append(pytest.mark.latency(*latency))
    if error_rate:
        marks.append(pytest.mark.error_rate(error_rate))
    return tuple(marks)


def rewrite_arguments(config: pytest.Config, plan_file: Path, suites: tuple[str, ...]) -> bool:
    """Points pytest at the plan: alone without paths, and wherever an argument begins with `prodcheck.toml`.

    Returns whether the paths that were given narrow the plan: it is whole under the plan file or a directory above it.
    """
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        team = [str((plan_file.parent / suite).resolve()) for suite in suites]
        config.args[:] = [str(plan_file), *team]
        return False
    config.args[:] = [_resolved(argument, plan_file) for argument in config.args]
    return not any(Path(argument) in (plan_file, *plan_file.parents) for argument in map(os.path.abspath, config.args))


def _resolved(argument: str, plan_file: Path) -> str:
    path, separator, rest = argument.partition("::")
    if path == ROOT or (Path(path).name == ROOT and (not Path(path).exists() or Path(path).samefile(plan_file))):
        return f"{plan_file}{separator}{rest}"
    return argument


_WRITTEN = pytest.StashKey[bool]()


def refuse_unjudged(collector: pytest.Module | pytest.Class) -> None:
    """Raises CollectError for a test module with tests that would never run, or assertions that cannot fail; looks at
    each module once."""
    if not isinstance(collector, pytest.Module) or isinstance(collector, SuiteModule) or _WRITTEN in collector.stash:
        return
    collector.stash[_WRITTEN] = True

    def named_as_test(name: str) -> bool:
        return collector.funcnamefilter(name) or collector.classnamefilter(name)

    if problems := written.unjudged(collector.path.read_bytes(), named_as_test):
        raise collector.CollectError("\n".join(f"{collector.path.name}: {problem}" for problem in problems))


def refuse_unrunnable(collector: pytest.Collector, name: str, obj: object) -> None:
    """Raises CollectError for a class of the module's own with tests and a constructor: pytest only warns."""
    if not isinstance(collector, pytest.Module | pytest.Class) or not inspect.isclass(obj):
        return
    if not collector.istestclass(obj, name) or issubclass(obj, unittest.TestCase) or not getattr(obj, "__test__", True):
        return
    made = obj.__init__ is not object.__init__ or obj.__new__ is not object.__new__
    module = collector.getparent(pytest.Module)
    own = module is not None and obj.__module__ == module.obj.__name__
    if made and own and any(collector.funcnamefilter(member) for member in dir(obj)):
        raise collector.CollectError(
            f"test class {name} has a constructor: pytest would not run its tests; use a fixture"
        )


def keeps(path: Path, plan_file: Path, root: Path) -> bool | None:
    """Whether collection enters `path`: the way to a plan file inside a virtual environment stays open, and nothing
    beside that way is entered. None leaves the decision to pytest."""
    if path == plan_file or path in plan_file.parents:
        return True
    environments = [part for part in plan_file.parents if root in part.parents and (part / "pyvenv.cfg").exists()]
    return False if any(part in path.parents for part in environments) else None
