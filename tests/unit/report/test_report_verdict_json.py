"""`verdict.json` and its schema: each describes the other."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from report_results import check, finding, red, run

from pytest_prodcheck import cli
from pytest_prodcheck.observe.finding import Cause
from pytest_prodcheck.observe.result import CheckVerdict, RunResult
from pytest_prodcheck.report import verdict_json

SCHEMA: dict[str, Any] = json.loads(
    resources.files("pytest_prodcheck").joinpath("report/verdict.schema.json").read_text("utf-8")
)


def written(result: RunResult) -> dict[str, Any]:
    """The document as a reader of the file gets it."""
    document: dict[str, Any] = json.loads(json.dumps(verdict_json.document(result)))
    return document


def problems(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with a document, by path."""
    found = Draft202012Validator(SCHEMA).iter_errors(document)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


def described(name: str) -> tuple[set[str], set[str]]:
    """The keys that the schema knows, and those that it requires."""
    part = SCHEMA["$defs"][name] if name else SCHEMA
    return set(part["properties"]), set(part["required"])


def without(path: tuple[str | int, ...]) -> Callable[[dict[str, Any]], None]:
    """Takes one key away."""

    def change(document: dict[str, Any]) -> None:
        *way, last = path
        place: Any = document
        for step in way:
            place = place[step]
        del place[last]

    return change


def setting(**values: Any) -> Callable[[dict[str, Any]], None]:
    """Sets keys at the top."""
    return lambda document: document.update(values)


def test_the_schema_is_a_schema() -> None:
    """It holds to JSON Schema 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"].endswith("2020-12/schema")


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    """`prodcheck schema verdict` is the shipped file."""
    assert cli.main(["schema", "verdict"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA


@pytest.mark.parametrize(
    "result",
    [
        run("pass", 0, check("test_ready")),
        run("degraded", 0, check("test_ready", "degraded", findings=(finding(severity="warning"),))),
        run("insufficient", 6, check("test_latency", "insufficient", samples=20)),
        run("fail", 5, complete=False, revision=None, targets=()),
        red(),
    ],
    ids=lambda result: f"{result.verdict}-{result.exit_status}",
)
def test_what_is_written_is_described(result: RunResult) -> None:
    """Every verdict's document holds to the schema."""
    assert problems(written(result)) == []


@pytest.mark.parametrize("status", [None, 4])
def test_the_unfinished_document_is_described(status: int | None) -> None:
    """From before the first probe on, the file holds to the schema, and says that nothing is proven."""
    facts = {"verdict": "unfinished", "exit_status": status} | ({"error": "no such environment"} if status else {})
    document = verdict_json.unfinished("staging", facts)
    assert problems(document) == []
    assert (document["verdict"], document["complete"]) == ("unfinished", False)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("", set(verdict_json.document(run()))),
        ("cause", {field.name for field in fields(Cause)}),
        ("check", {field.name for field in fields(CheckVerdict)}),
        ("finding", set(finding())),
    ],
)
def test_no_key_is_left_undescribed(name: str, keys: set[str]) -> None:
    """A new field of the data is a new line of the schema; `error` alone is the unfinished document's. What a version
    adds is not required, so that a newer one reads the files of an older one."""
    known, required = described(name)
    assert known - {"error"} == keys
    if name:
        assert required == keys - {"since", "first_seen"}


def invalid() -> Iterator[Any]:
    """Documents that no run may leave behind."""
    yield pytest.param(without(("complete",)), id="without complete")
    yield pytest.param(without(("causes",)), id="without causes")
    yield pytest.param(without(("checks", 0, "verdict")), id="a check without verdict")
    yield pytest.param(without(("causes", 0, "next")), id="a cause without a next command")
    yield pytest.param(setting(verdict="ok"), id="a sixth verdict")
    yield pytest.param(setting(verdict="pass"), id="pass with a cause and status 1")
    yield pytest.param(setting(exit_status=0), id="fail with status 0")
    yield pytest.param(setting(exit_status=None), id="an end without status")
    yield pytest.param(setting(verdict="unfinished", exit_status=4), id="unfinished and complete")
    yield pytest.param(setting(started_at="yesterday"), id="no time")
    yield pytest.param(setting(schema="prodcheck/verdict/2"), id="another version")


@pytest.mark.parametrize("change", [*invalid()])
def test_the_schema_refuses(change: Callable[[dict[str, Any]], None]) -> None:
    """What contradicts itself or lacks a promised key is invalid; so the schema proves something."""
    document = copy.deepcopy(written(red()))
    change(document)
    assert problems(document)


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """The file is replaced at once: the inode changes, and nothing is left beside it."""
    path = tmp_path / "verdict.json"
    verdict_json.write(path, verdict_json.unfinished("staging", {"verdict": "unfinished", "exit_status": None}))
    first = path.stat().st_ino
    with path.open() as reader:
        verdict_json.write(path, verdict_json.document(run()))
        assert json.load(reader)["verdict"] == "unfinished"
    assert path.stat().st_ino != first
    assert [file.name for file in tmp_path.iterdir()] == ["verdict.json"]


def test_the_default_directory_ignores_itself(tmp_path: Path) -> None:
    """`.prodcheck/` never gets into a commit; a directory that was asked for is left as it is."""
    verdict_json.prepare(tmp_path / ".prodcheck" / "staging", ignore=True)
    verdict_json.prepare(tmp_path / "out", ignore=False)
    assert (tmp_path / ".prodcheck" / ".gitignore").read_text() == "*\n"
    assert list((tmp_path / "out").iterdir()) == []


def test_every_text_is_scrubbed() -> None:
    """Causes, checks, findings, accepted findings, left out, notes: wherever a secret got to."""
    secret = "s3cr3t-0f-st4ging"

    def hide(value: Any) -> Any:
        return json.loads(json.dumps(value).replace(secret, "***"))

    result = red(f"the password is {secret}")
    assert secret in json.dumps(written(result))
    assert secret not in json.dumps(written(verdict_json.scrubbed(result, hide)))
