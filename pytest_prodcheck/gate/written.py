"""What is written in a test module and would never be judged: Python says nothing, or says it once and then caches."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def unjudged(source: bytes, named_as_test: Callable[[str], bool]) -> list[str]:
    """What is wrong with a module, one line each: a test that a later one of the same name replaces, an assertion on a
    tuple. Nothing where the source is not Python: its import says so."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    nodes = list(ast.walk(tree))
    bodies = [tree.body, *(node.body for node in nodes if isinstance(node, ast.ClassDef))]
    found = [line for body in bodies for line in _replaced(body, named_as_test)]
    return found + [
        f"line {node.lineno}: assert on a tuple is always true: take the brackets away"
        for node in nodes
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Tuple) and node.test.elts
    ]


def _replaced(body: Sequence[ast.stmt], named_as_test: Callable[[str], bool]) -> Iterator[str]:
    """Definitions side by side that have the same name; not those in the arms of an `if` or `try`."""
    first: dict[str, int] = {}
    for node in body:
        if not isinstance(node, _Definition) or not named_as_test(node.name):
            continue
        if node.name in first and not _extends(node):
            lines = f"in line {first[node.name]} and in line {node.lineno}"
            yield f"{node.name} is defined twice, {lines}: only the last one runs"
        first.setdefault(node.name, node.lineno)


def _extends(node: _Definition) -> bool:
    """Whether a decorator of the first definition takes the second one in: `@test_it.register`."""
    owners = [getattr(getattr(one, "func", one), "value", None) for one in node.decorator_list]
    return any(isinstance(owner, ast.Name) and owner.id == node.name for owner in owners)
