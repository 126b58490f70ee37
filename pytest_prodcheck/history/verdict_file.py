"""A `verdict.json` that another run wrote, read with suspicion: bounded, no half of a run, and what its schema says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

from pytest_prodcheck.errors import ConfigError

SCHEMA = "prodcheck/verdict/1"
LARGEST = 50_000_000
"""Bytes; the verdict of 2,000 checks has two million."""
MOST_ROWS = 100_000
"""Rows of one list: more would only be slow to refuse."""
_AHEAD_S = 300.0
"""Seconds by which the other clock may be ahead of ours."""


def read(path: Path, option: str, give: str) -> Mapping[str, Any]:
    """The document at `path`; `option` is how it was asked for, `give` what to give instead. Raises ConfigError."""
    document = _parsed(path, option, give)
    _check_schema_version(document, option)
    problem = _first_problem(document)
    if problem or not isinstance(document, dict):
        raise ConfigError(f"{option}: it is no verdict.json: {problem}")
    return document


def check_finished(document: Mapping[str, Any], option: str, environment: str) -> None:
    """Raises ConfigError where it is about another environment, or that run did not finish."""
    if document["environment"] != environment:
        raise ConfigError(f"{option}: it is about {document['environment']}, this run is about {environment}")
    if document["verdict"] == "unfinished":
        raise ConfigError(f"{option}: that run did not finish, so it proves nothing: let it end, then give its verdict")


def age(document: Mapping[str, Any], option: str) -> float:
    """Seconds since that run began. Raises ConfigError where it began at no moment, or in the future."""
    started_at = str(document["started_at"])
    try:
        seconds = time.time() - datetime.fromisoformat(started_at).timestamp()
    except (ValueError, OverflowError):
        raise ConfigError(f"{option}: it is no verdict.json: started_at {started_at} is no moment") from None
    if seconds < -_AHEAD_S:
        raise ConfigError(f"{option}: that run began in the future ({started_at}): compare the clocks")
    return seconds


def _parsed(path: Path, option: str, give: str) -> object:
    try:
        if path.exists() and not path.is_file():
            raise ConfigError(f"{option}: it is no file: {give}")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ConfigError(f"{option}: it is larger than {LARGEST:,} bytes: no verdict.json is")
        document: object = json.loads(content, parse_constant=_refuse)
        return document
    except OSError as error:
        raise ConfigError(f"{option}: it cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise ConfigError(f"{option}: it is no JSON: {give}") from None


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON (RFC 8259 §6)")


def _check_schema_version(document: object, option: str) -> None:
    version = document.get("schema") if isinstance(document, dict) else None
    if isinstance(version, str) and version != SCHEMA and version.startswith("prodcheck/verdict/"):
        raise ConfigError(f"{option}: it is of {version[:40]}, this version of prodcheck reads {SCHEMA}")


def _first_problem(document: object) -> str:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    if isinstance(document, dict):
        for key, value in document.items():
            if isinstance(value, list) and len(value) > MOST_ROWS:
                return f"{str(key)[:40]} has more than {MOST_ROWS:,} rows"
    schema = json.loads(resources.files("pytest_prodcheck").joinpath("report/verdict.schema.json").read_text("utf-8"))
    first = list(_some(Draft202012Validator(schema).iter_errors(document)))
    if (problem := best_match(first)) is None:
        return ""
    place = "/".join(map(str, problem.absolute_path)) or "the document"
    return f"{place[:200]} is not what its schema says ({problem.validator})"


def _some(problems: Iterator[Any], most: int = 100) -> Iterator[Any]:
    """The first problems: a hostile file has millions."""
    for _, problem in zip(range(most), problems, strict=False):
        yield problem
