"""A compose file as YAML: its values, merged over several files, and the line of every key that is judged.

PyYAML and compose's own rules read it, not `docker compose config`: that needs the plug-in on the runner, in the
deployment's version, knows no lines, and prints the environment's secrets. What these rules do not follow (`include`,
`extends`) is refused, with the command that writes the merged file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_prodcheck.errors import ConfigError

_LONGEST = 1_000_000
_DEPTH = 4
"""Levels whose keys have lines: `services.app.healthcheck.test`."""
_MERGED = "docker compose config -o merged.yml writes it as one file: name that"
Lines = dict[tuple[str, ...], str]


class Document:
    """The merged tables of some files, and where their keys stand."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Raises ConfigError for a file that cannot be read, or is no compose file."""
        self.tables: dict[str, Any] = {}
        self.lines: Lines = {}
        for path in paths:
            table = _read(path, self.lines)
            _refuse_others(path, table)
            self.tables = _merged(self.tables, table)

    def where(self, *path: str) -> str:
        """`docker-compose.yml:12` of a key, or of the nearest table around it."""
        return next((self.lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self.lines), "")


def _read(path: Path, lines: Lines) -> dict[str, Any]:
    yaml = _yaml()
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > _LONGEST:
        raise ConfigError(f"{path}: is longer than {_LONGEST:,} bytes")
    loader: Any = yaml.SafeLoader(content) if _is_text(content, path) else None
    try:
        node = loader.get_single_node()
        _note(node, path.name, (), lines, yaml)
        table = loader.construct_document(node) if node is not None else None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path.name}:{mark.line + 1}" if mark else path.name
        reason = getattr(error, "problem", None) or "is nested too deeply, or has a value that is none"
        raise ConfigError(f"{place}: not YAML: {reason}") from None
    if not isinstance(table, dict) or not isinstance(table.get("services"), dict) or not table["services"]:
        raise ConfigError(f"{path.name}: declares no services: is it a compose file?")
    return table


def _is_text(content: bytes, path: Path) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path.name}: not UTF-8 at byte {error.start}") from None
    return True


def _yaml() -> Any:
    try:
        import yaml
    except ImportError:
        raise ConfigError("compose files need PyYAML: pip install 'pytest-prodcheck[containers]'") from None
    return yaml


def _note(node: Any, name: str, path: tuple[str, ...], lines: Lines, yaml: Any) -> None:
    """Keeps the lines of a table's keys; those of merged-in anchors (`<<`) stand where the anchor does."""
    if not isinstance(node, yaml.MappingNode) or len(path) >= _DEPTH:
        return
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode):
            lines[(*path, key.value)] = f"{name}:{key.start_mark.line + 1}"
            _note(value, name, (*path, key.value), lines, yaml)


def _refuse_others(path: Path, table: Mapping[str, Any]) -> None:
    if table.get("include"):
        raise ConfigError(f"{path.name}: include is not followed; {_MERGED}")
    for name, service in table["services"].items():
        if isinstance(service, Mapping) and "extends" in service:
            raise ConfigError(f"{path.name}: services.{name}: extends is not followed; {_MERGED}")


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Compose's rules for several files: tables merge, ports and volumes add up, other lists and values replace."""
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(known, value)
        elif isinstance(known, list) and isinstance(value, list) and key in ("ports", "volumes", "expose"):
            result[key] = [*known, *(one for one in value if one not in known)]
        else:
            result[key] = value
    return result
