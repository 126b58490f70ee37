"""Alembic's and Django's migrations, read by Python's own grammar; no line of them runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from pytest_prodcheck.config.migrations.repository import BadMigration, Files, Migration, Repository


def alembic(files: Files) -> Repository:
    """`revision`, `down_revision` and `depends_on` of each file (Alembic, "Working with Branches").

    Raises BadMigration for a syntax error, for a revision that is no literal, and for one that follows none of these.
    """
    found: dict[str, Migration] = {}
    twice = []
    for path, content in sorted(files.items()):
        values = _assignments(_tree(path, content).body)
        revision = _text(path, values.get("revision"), "revision")
        if revision is None:
            continue  # a helper beside the revisions
        parents = (*_texts(path, values.get("down_revision"), "down_revision"),)
        if revision in found:
            twice.append(f"{found[revision].name} and {PurePosixPath(path).stem} have one revision, {revision}")
        found[revision] = Migration(revision, _named(path, revision), parents=parents)
    for one in found.values():
        for parent in one.parents:
            if parent not in found:
                raise BadMigration(one.name, f"down_revision {parent} is none of these files")
    heads = Repository(tuple(found.values())).heads if len(found) > 1 else ()
    split = (f"{len(heads)} heads: {', '.join(heads)}",) if len(heads) > 1 else ()
    return Repository(tuple(_sorted(found)), (*split, *twice))


def django(files: Files) -> Repository:
    """`dependencies` and `replaces` of each `APP/migrations/NAME.py`; the app is the folder's name (its label, unless
    AppConfig says another)."""
    found: dict[str, Migration] = {}
    for path, content in sorted(files.items()):
        where = PurePosixPath(path)
        body = _class_body(_tree(path, content))
        if body is None:
            continue
        app, values = where.parts[-3], _assignments(body)
        identifier = f"{app}.{where.stem}"
        parents = tuple(name for name in _pairs(values.get("dependencies")) if name.startswith(f"{app}."))
        found[identifier] = Migration(identifier, identifier, parents=parents, replaces=_pairs(values.get("replaces")))
    return Repository(tuple(_sorted(found)), tuple(_leaves(found)))


def _leaves(found: dict[str, Migration]) -> Iterator[str]:
    """Apps with several ends: `migrate` refuses them until `makemigrations --merge`."""
    replaced = {name for one in found.values() for name in one.replaces}
    followed = {parent for one in found.values() for parent in one.parents} | replaced
    ends: dict[str, list[str]] = {}
    for name in found:
        if name not in followed:
            ends.setdefault(name.partition(".")[0], []).append(name)
    for app, names in ends.items():
        if len(names) > 1:
            yield f"{app} has {len(names)} leaf nodes: {', '.join(names)}"


def _sorted(found: dict[str, Migration]) -> Iterator[Migration]:
    """Parents before children; what lies on a circle comes last, in the order of the files."""
    done: set[str] = set()
    waiting = list(found.values())
    while waiting:
        ready = [one for one in waiting if all(parent in done or parent not in found for parent in one.parents)]
        for one in ready or waiting:
            done.add(one.id)
            yield one
        waiting = [one for one in waiting if one.id not in done]


def _named(path: str, revision: str) -> str:
    name = PurePosixPath(path).stem
    return name if revision in name else f"{revision} ({name})"


def _tree(path: str, content: bytes) -> ast.Module:
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise BadMigration(f"{path}:{line}" if line else path, "not Python: it cannot be parsed") from None


def _class_body(tree: ast.Module) -> list[ast.stmt] | None:
    return next((node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Migration"), None)


def _assignments(body: list[ast.stmt]) -> dict[str, ast.expr]:
    """Name → what is assigned to it, annotated or not."""
    found: dict[str, ast.expr] = {}
    for node in body:
        if isinstance(node, ast.Assign):
            found |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found[node.target.id] = node.value
    return found


def _text(path: str, node: ast.expr | None, key: str) -> str | None:
    if node is None:
        return None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise BadMigration(f"{path}:{node.lineno}", f"{key} is no literal text: it cannot be read without running it")


def _texts(path: str, node: ast.expr | None, key: str) -> Iterator[str]:
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return
    for element in node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else (node,):
        yield str(_text(path, element, key))


def _pairs(node: ast.expr | None) -> tuple[str, ...]:
    """`app.name` of each literal pair; a dependency that is a call (swappable, settings) concerns another app."""
    pairs = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    return tuple(
        ".".join(str(part.value) for part in pair.elts if isinstance(part, ast.Constant))
        for pair in pairs
        if isinstance(pair, ast.Tuple | ast.List) and len(pair.elts) == 2
    )
