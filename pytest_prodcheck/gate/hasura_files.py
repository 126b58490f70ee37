"""The repository's Hasura metadata: the folder that `hasura metadata export` writes, or one exported JSON file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.observe import hasura_metadata
from pytest_prodcheck.observe.hasura_metadata import Entry

_INCLUDE: Final = "!include "
_AT_ROOT: Final = (
    "actions",
    "remote_schemas",
    "cron_triggers",
    "rest_endpoints",
    "query_collections",
    "inherited_roles",
)
_DEEP: Final = 20


@lru_cache(maxsize=8)
def read(path: str) -> Mapping[str, Entry]:
    """Name → entry of the metadata at `path`. Raises ConfigError with `file:line` for what cannot be read, and for
    metadata that says nothing: a promise about no table is none."""
    place = Path(path)
    found = hasura_metadata.read(_folder(place) if place.is_dir() else _json(place))
    if not any(entry.kind == "table" for entry in found.values()):
        raise ConfigError(f"metadata {place.name}: names no table; expected a folder of Hasura's metadata, or its JSON")
    return found


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"metadata {file.name}: cannot be read: {type(error).__name__}") from None
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise ConfigError(f"metadata {file.name}:{line}: not JSON; a folder of YAML is named by its folder") from None


def _folder(folder: Path) -> dict[str, Any]:
    """The folder as one document: `databases/databases.yaml` of version 3, or `tables.yaml` of version 2."""
    load = _loader()
    whole: dict[str, Any] = {}
    sources = folder / "databases" / "databases.yaml"
    if sources.exists():
        whole["sources"] = _included(load(sources), sources.parent, load)
    for key in (*_AT_ROOT, *(() if sources.exists() else ("tables", "functions"))):
        if (file := folder / f"{key}.yaml").exists():
            content = _included(load(file), folder, load)
            whole[key] = content.get(key) if isinstance(content, dict) else content
    return whole


def _included(node: Any, folder: Path, load: Callable[[Path], Any], depth: int = 0) -> Any:
    """The node with what its `!include …` texts name in their places."""
    if isinstance(node, str) and node.startswith(_INCLUDE) and depth < _DEEP:
        file = folder / node.removeprefix(_INCLUDE).strip()
        return _included(load(file), file.parent, load, depth + 1)
    if isinstance(node, list):
        return [_included(item, folder, load, depth) for item in node]
    if isinstance(node, dict):
        return {key: _included(value, folder, load, depth) for key, value in node.items()}
    return node


def _loader() -> Callable[[Path], Any]:
    try:
        import yaml
    except ImportError:
        text = "a folder of metadata is YAML: pip install 'pytest-prodcheck[hasura]', or name an exported JSON file"
        raise ConfigError(text) from None

    def load(file: Path) -> Any:
        try:
            return yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"metadata {file.name}: cannot be read: {type(error).__name__}") from None
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 1
            raise ConfigError(f"metadata {file.name}:{line}: not YAML: {getattr(error, 'problem', '')}") from None

    return load
