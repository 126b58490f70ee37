"""`verdict.json`: the machine's contract, replaced atomically, `unfinished` from before the first probe."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_prodcheck.observe.finding import Cause
    from pytest_prodcheck.observe.result import CheckVerdict, RunResult

SCHEMA = "prodcheck/verdict/1"


def document(result: RunResult) -> dict[str, Any]:
    """The result as the JSON document that the schema describes."""
    return {
        "schema": SCHEMA,
        "environment": result.environment,
        "kind": result.kind,
        "started_at": result.started_at,
        "duration_s": result.duration_s,
        "probing_s": result.probing_s,
        "verdict": result.verdict,
        "exit_status": result.exit_status,
        "complete": result.complete,
        "vantage": result.vantage,
        "revision": dict(result.revision) if result.revision else None,
        "causes": [_fields(cause) for cause in result.causes],
        "checks": [_fields(check) for check in result.checks],
        "targets": [dict(row) for row in result.targets],
        "accepted": [dict(row) for row in result.accepted],
        "sent": dict(result.sent),
        "left_out": [dict(row) for row in result.left_out],
        "notes": list(result.notes),
        "baseline": dict(result.baseline) if result.baseline else None,
        "latency": [dict(row) for row in result.latency],
        "load": [dict(row) for row in result.load],
    }


def unfinished(environment: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The document of a run that has not ended: whoever reads it sees that nothing was proven."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"schema": SCHEMA, "environment": environment, "started_at": now, "complete": False, **facts}


def prepare(directory: Path, *, ignore: bool) -> None:
    """Makes the directory; the default one ignores itself in git. Raises OSError where it cannot be written."""
    directory.mkdir(parents=True, exist_ok=True)
    if ignore:
        marker = directory.parent / ".gitignore"
        if not marker.exists():
            marker.write_text("*\n", encoding="utf-8")


def replace_file(path: Path, parts: Iterable[str]) -> None:
    """Replaces a file at once: a reader sees the old text or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.writelines(parts)
    temporary.replace(path)


def write(path: Path, facts: Mapping[str, Any]) -> None:
    """Writes a document of this module: one line a key, and one a row of its lists. Row by row, it takes no memory."""
    replace_file(path, _lines(facts))


def _lines(facts: Mapping[str, Any]) -> Iterator[str]:
    for number, (key, value) in enumerate(facts.items()):
        yield f"{',' if number else '{'}\n {json.dumps(key)}: "
        if isinstance(value, list) and value:
            for row, item in enumerate(value):
                yield f"{',' if row else '['}\n  {json.dumps(item, ensure_ascii=False, default=str)}"
            yield "\n ]"
        else:
            yield json.dumps(value, ensure_ascii=False, default=str)
    yield "\n}\n"


def scrubbed(result: RunResult, scrub: Callable[[Any], Any]) -> RunResult:
    """The result with every text scrubbed."""
    return replace(
        result,
        causes=tuple(replace(cause, **_tuples(scrub(_fields(cause)))) for cause in result.causes),
        checks=tuple(replace(check, **_tuples(scrub(_fields(check)))) for check in result.checks),
        revision=scrub(dict(result.revision)) if result.revision else result.revision,
        accepted=tuple(scrub(list(result.accepted))),
        left_out=tuple(scrub([dict(row) for row in result.left_out])),
        notes=tuple(scrub(list(result.notes))),
        baseline=scrub(dict(result.baseline)) if result.baseline else result.baseline,
        latency=tuple({**row, **scrub(_texts(row))} for row in result.latency),
        load=tuple(scrub([dict(row) for row in result.load])),
    )


def _fields(row: Cause | CheckVerdict) -> dict[str, Any]:
    """The fields of a frozen row; unlike `asdict` it copies nothing below them."""
    return {field.name: getattr(row, field.name) for field in fields(row)}


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    """The texts of a row: its samples are many, and none of them is a secret."""
    return {name: value for name, value in row.items() if isinstance(value, str)}


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
