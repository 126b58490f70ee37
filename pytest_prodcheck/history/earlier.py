"""An earlier run, as its `verdict.json` tells it: what it found, what it looked at, how long requests took then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_prodcheck.config.redaction.screen import harmless
from pytest_prodcheck.history import verdict_file
from pytest_prodcheck.observe.series import Series

MOST_RUNS = 30
"""Earlier runs that a verdict remembers, one line each."""
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Known:
    """One finding of an earlier run."""

    check: str
    """Id of its check; empty where it was accepted then."""
    criterion: str
    target: str
    code: str
    subject: str
    severity: str
    promised: str
    message: str
    first_seen: str
    """When the first run began that had it."""


@dataclass(frozen=True, slots=True)
class Root:
    """One cause of an earlier run."""

    code: str
    target: str
    message: str
    explains: frozenset[str]
    first_seen: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How one check ended then."""

    verdict: str
    blocked_by: str
    message: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """That run. Texts are without control characters: whoever wrote the file may be anybody."""

    file: str
    started_at: str
    age_s: float
    verdict: str
    exit_status: int
    complete: bool
    vantage: str
    checks: Mapping[str, Standing]
    findings: tuple[Known, ...]
    causes: tuple[Root, ...]
    series: tuple[Series, ...]
    runs: tuple[Mapping[str, Any], ...]
    """That run and those before it, the newest first: `started_at`, `verdict`, `exit_status`, `complete`, `serving`,
    `causes`."""


def read(text: str, base: Path, environment: str) -> Earlier:
    """The run that FILE is the verdict of; `base` is where a relative path begins. Raises ConfigError (exit status 4)
    where it is no `verdict.json`, of another version of it, of another environment, unfinished, or of the future."""
    option = f"--prodcheck-baseline={text}"
    document = verdict_file.read(base / text, option, "give the verdict.json of an earlier run")
    verdict_file.check_finished(document, option, environment)
    age = verdict_file.age(document, option)
    started_at = str(document["started_at"])
    return Earlier(
        clean(text),
        started_at,
        age,
        document["verdict"],
        document["exit_status"],
        document["complete"],
        str(document.get("vantage", "runner")),
        {str(row["id"]): _standing(row) for row in document["checks"]},
        tuple(_findings(document, started_at)),
        tuple(_root(row, started_at) for row in document["causes"]),
        tuple(map(Series.load, document.get("latency", ()))),
        (_run(document), *map(_before, (document.get("baseline") or {}).get("runs", ())))[:MOST_RUNS],
    )


def clean(text: object) -> str:
    """One line without control characters, of a length that can be shown."""
    whole = str(text)[: 4 * _LONGEST].encode("utf-8", "replace").decode("utf-8")  # JSON may hold halves of characters
    flat = " ".join(harmless(whole).split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"


def _findings(document: Mapping[str, Any], started_at: str) -> Iterator[Known]:
    rows = [(str(check["id"]), row) for check in document["checks"] for row in check["findings"]]
    for check, row in [*rows, *(("", row) for row in document["accepted"])]:
        criterion, target, code = (clean(row[name]) for name in ("criterion", "target", "code"))
        subject, promised = str(row.get("subject", "")), str(row.get("promised", ""))
        severity, message = str(row["severity"]), str(row["message"])
        first = _first(row, started_at)
        yield Known(check, criterion, target, code, subject, severity, promised, message, first)


def _root(row: Mapping[str, Any], started_at: str) -> Root:
    code, target, message = (str(row[name]) for name in ("code", "target", "message"))
    return Root(code, target, message, frozenset(map(str, row["explains"])), _first(row, started_at))


def _standing(row: Mapping[str, Any]) -> Standing:
    return Standing(row["verdict"], str(row["blocked_by"] or ""), str(row["message"]))


def _first(row: Mapping[str, Any], started_at: str) -> str:
    """Its own `first_seen`, where that is a moment before the run."""
    said = str(row.get("first_seen") or started_at)
    return min(said, started_at)


def _before(row: Mapping[str, Any]) -> Mapping[str, Any]:
    names = ("started_at", "verdict", "exit_status", "complete", "causes")
    return {**{name: row[name] for name in names}, "serving": [clean(one) for one in row["serving"]]}


def _run(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "started_at": document["started_at"],
        "verdict": document["verdict"],
        "exit_status": document["exit_status"],
        "complete": document["complete"],
        "serving": [clean(one) for one in (document["revision"] or {}).get("serving", ())][:5],
        "causes": [row["code"] for row in document["causes"]][:5],
    }
