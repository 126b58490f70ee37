"""The files that a `prodcheck.toml` names: there, readable, and not promising everything or nothing."""

from __future__ import annotations

import errno
import glob
import json
from pathlib import Path

from pytest_prodcheck.config import models
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import Environment, HttpTarget, WebTarget
from pytest_prodcheck.config.problems import Problems, nearest
from pytest_prodcheck.config.secrecy import REFERENCE

_PATH = compiled(r"[\w*?\[\]{}-]*(?:[./][\w*?\[\]{}-]*)+(?:::\w+)*")
_ASSERTIONS = """$ref $dynamicRef $recursiveRef type enum const multipleOf maximum exclusiveMaximum minimum
    exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems maxContains minContains contains
    maxProperties minProperties required dependentRequired dependencies dependentSchemas properties patternProperties
    additionalProperties propertyNames unevaluatedProperties items prefixItems additionalItems unevaluatedItems
    allOf anyOf oneOf not if extends disallow divisibleBy"""
_ASSERTING = frozenset(_ASSERTIONS.split())
"""Keywords of JSON Schema (draft 3 to 2020-12) by which a document can fail; `format` only annotates."""
_OPERATION = compiled(r"\b(?:query|mutation|subscription)\s+([_A-Za-z][_0-9A-Za-z]*)")


def check(environment: Environment, problems: Problems, *, pinning: bool = False) -> None:
    """Adds a problem for every file that is missing, unreadable, not what it should be, or empty; `pinning`: but for
    the contracts, which are about to be written."""
    base = Path(environment.base)
    for target_id, target in environment.targets.items():
        path = tuple(target_id.split(".", 1))
        if isinstance(target, WebTarget) or (path[0] == "cache" and isinstance(target, models.CacheTarget)):
            _certificates(path, target, problems)
        if isinstance(target, HttpTarget):
            for name, endpoint in target.endpoints.items():
                if endpoint.schema_:
                    _json_file((*path, "endpoints", name, "schema"), endpoint.schema_, problems, "accepts everything")
        elif isinstance(target, models.GraphqlTarget):
            if target.schema_ and not pinning:
                _pinned((*path, "schema"), target.schema_, environment, problems)
            _graphql(path, target, base, problems)
        elif isinstance(target, models.DatabaseTarget) and target.migrations and target.migrations.directory:
            _migrations((*path, "migrations", "directory"), target.migrations, base, problems)
    for position, suite in enumerate(environment.suites):
        if not (base / suite.partition("::")[0]).exists():
            problems.at(("prodcheck", "suites", position), f"suites: {_shown(suite)} does not exist")


def _certificates(path: KeyPath, target: WebTarget | models.CacheTarget, problems: Problems) -> None:
    named: list[tuple[KeyPath, str]] = [] if target.tls.ca == "system" else [(("ca",), target.tls.ca)]
    if pair := target.tls.client_certificate:
        named += [(("client_certificate", "certificate"), pair.certificate), (("client_certificate", "key"), pair.key)]
    for key, file in named:
        _text((*path, "tls", *key), file, problems)


def _pinned(path: KeyPath, file: str, environment: Environment, problems: Problems) -> None:
    if Path(file).exists() or REFERENCE.fullmatch(file):
        _text(path, file, problems)
    else:
        shown = _shown(file, Path(environment.base))
        problems.add(path, f"{path[-1]} {shown} does not exist; next: prodcheck pin {environment.name}")


def _graphql(path: KeyPath, target: models.GraphqlTarget, base: Path, problems: Problems) -> None:
    if target.variables:
        _json_file((*path, "variables"), target.variables, problems, "holds no values")
    operations: set[str] = set()
    for pattern in target.operations:
        found = sorted(glob.glob(str(base / pattern), recursive=True))  # noqa: PTH207  # may be absolute
        if not found:
            problems.add((*path, "operations"), f"operations {_shown(pattern)} matches no file below {base}")
        operations.update(
            name for file in found for name in _OPERATION.findall(_text((*path, "operations"), file, problems))
        )
    if target.metadata and not REFERENCE.fullmatch(target.metadata) and not Path(target.metadata).exists():
        problems.add((*path, "metadata"), f"metadata {_shown(target.metadata)} does not exist")
    for key in ("expect", "allowed", "subscriptions") if operations else ():
        for name in getattr(target, key):
            if name not in operations:
                problems.add((*path, key, name), f"no operation is called {name}{nearest(name, operations)}")


def _migrations(path: KeyPath, promised: models.Migrations, base: Path, problems: Problems) -> None:
    from pytest_prodcheck.config.migrations import folder
    from pytest_prodcheck.config.migrations.repository import BadMigration

    if promised.tool is None or REFERENCE.fullmatch(promised.directory):
        return
    try:
        folder.read(Path(promised.directory), promised.tool)
    except BadMigration as problem:
        problems.add(path, f"directory {_shown(promised.directory, base)}: {problem}")


def _shown(file: str, base: Path | None = None) -> str:
    """A path as messages say it, below `base` as it was written; what does not look like one may be a secret in the
    wrong place."""
    if base is not None and Path(file).is_relative_to(base):
        name = Path(file).relative_to(base).as_posix()
    else:
        name = file if not Path(file).is_absolute() else file.rpartition("/")[2]
    return name if _PATH.fullmatch(name) else "(no path)"


def _json_file(path: KeyPath, file: str, problems: Problems, when_empty: str) -> None:
    text = _text(path, file, problems)
    try:
        content = json.loads(text) if text else None
    except json.JSONDecodeError as error:
        problems.add(path, f"{_shown(file)}:{error.lineno}: not JSON: {error.msg}")
        return
    if text and not isinstance(content, dict):
        problems.add(path, f"{_shown(file)}:1: not a JSON object")
    elif text and not content:
        problems.add(path, f"{_shown(file)}: {{}} {when_empty}")
    elif path[-1] == "schema" and content and not _ASSERTING.intersection(content):
        problems.add(path, f"{_shown(file)}: no keyword of JSON Schema that asserts anything: it {when_empty}")


def _text(path: KeyPath, file: str, problems: Problems) -> str:
    if REFERENCE.fullmatch(file):
        return ""
    try:
        text = _content(Path(file))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else _unreadable(error)
        problems.add(path, f"{path[-1]} {_shown(file)} cannot be read: {reason}")
        return ""
    if not text.strip():
        problems.add(path, f"{path[-1]} {_shown(file)} is empty")
    return text


def _content(file: Path) -> str:
    """The text of a regular file, or what reading a directory raises; a pipe or a device might never end."""
    if file.exists() and not file.is_file() and not file.is_dir():
        raise OSError(errno.EINVAL, "not a regular file")
    return file.read_text("utf-8")


def _unreadable(error: ValueError) -> str:
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else "its name has a NUL character"
