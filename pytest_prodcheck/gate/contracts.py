"""The pinned contracts of databases, read once a process."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pytest_prodcheck.config.models import DatabaseTarget, Environment
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.observe import contract_file
from pytest_prodcheck.observe.contract import Contract


def of(environment: Environment, target: str, table: DatabaseTarget) -> Contract:
    """The contract that a target declares. Raises ConfigError: no such file (with the command that writes it), no TOML,
    a newer format, a key that means nothing; the file's own line first."""
    path = Path(table.contract)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        where = environment.where(*target.split("."), "contract")
        hint = f"next: prodcheck pin {environment.name}"
        raise ConfigError(f"{where}: {target}.contract: {_shown(path, environment)} does not exist; {hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        where = environment.where(*target.split("."), "contract")
        raise ConfigError(f"{where}: {target}.contract: {_shown(path, environment)} cannot be read: {reason}") from None
    return _read(text, _shown(path, environment))


@lru_cache(maxsize=4)
def _read(text: str, name: str) -> Contract:
    return contract_file.read(text, name)


def _shown(path: Path, environment: Environment) -> str:
    """The path as the configuration writes it, where it lies below it."""
    base = Path(environment.base)
    return str(path.relative_to(base)) if path.is_relative_to(base) else path.name
