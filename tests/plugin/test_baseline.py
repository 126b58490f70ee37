"""`--prodcheck-baseline`: a night held against the night before, by whole runs."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from harness import Gate, Outcome
from small_system import Answer

LAST = "--prodcheck-baseline=last/verdict.json"
MANY = 'latency = "p90 < 5s"\n'


def night(gate: Gate, *arguments: str, **more: Any) -> Outcome:
    """One run, whose verdict is kept for the next one."""
    outcome = gate.run(*arguments, **more)
    (gate.path / "last").mkdir(exist_ok=True)
    shutil.copy(gate.path / ".prodcheck" / "staging" / "verdict.json", gate.path / "last" / "verdict.json")
    return outcome


def changed(gate: Gate, **changes: Any) -> None:
    """The kept verdict with other keys."""
    path = gate.path / "last" / "verdict.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def delays(seconds: float) -> Iterator[Answer]:
    """Answers that take about so long, scattered."""
    return (Answer(delay=seconds * factor) for factor in cycle((0.8, 0.9, 1.0, 1.1, 1.3)))


def test_new_known_and_fixed(gate: Gate) -> None:
    """Three nights: what is new the first time is known the next, as red, and fixed when it is gone; everywhere."""
    gate.config(endpoints='a = "/a"\nb = "/b"')
    gate.system.on("/a", 404)
    gate.system.on("/b", "ok")
    first = night(gate)
    first.assert_is(1, "fail")
    assert {finding.get("since") for finding in first.findings} == {None}
    assert (first.verdict or {})["baseline"] is None

    gate.system.on("/b", 404)
    second = night(gate, LAST, "--junitxml=out.xml", env={"GITHUB_ACTIONS": "true"})
    second.assert_is(
        1,
        "fail",
        "1 new, 1 known, 0 fixed",
        "  new +unknown on http b: GET /b",
        r"  known +unknown on http a: GET /a.*\(since 20",
    )
    second.assert_says(r"turned +prodcheck.toml::http::test_endpoint\[b\]: pass → fail")
    assert {finding["subject"]: finding["since"] for finding in second.findings} == {"a": "known", "b": "new"}
    assert "GET /b answers 404, expected 2xx; no cause known (new)" in next(
        line for line in second.text.splitlines() if line.startswith("::error")
    )
    summary = (gate.path / ".prodcheck" / "staging" / "summary.md").read_text()
    assert "1 new, 1 known, 0 fixed" in summary
    root = ElementTree.parse(gate.path / "out.xml").getroot()
    since = {case.get("name"): [one.get("value") for one in case.iter("property")] for case in root.iter("testcase")}
    assert (since["test_endpoint[a]"], since["test_endpoint[b]"]) == (["known"], ["new"])
    told = {one.get("name"): one.get("value") for one in next(root.iter("testsuite")).findall("properties/property")}
    assert (told["prodcheck.new"], told["prodcheck.known"], told["prodcheck.fixed"]) == ("1", "1", "0")

    gate.system.on("/a", "ok")
    third = night(gate, LAST, "--junitxml=out.xml", env={"GITHUB_ACTIONS": "true"})
    third.assert_is(1, "fail", "0 new, 1 known, 1 fixed", "  fixed +unknown on http a: GET /a", "::notice title=fixed ")
    assert (third.verdict or {})["causes"][0]["since"] == "known"
    runs = (third.verdict or {})["baseline"]["runs"]
    assert [(row["verdict"], row["exit_status"]) for row in runs] == [("fail", 1), ("fail", 1)]
    assert runs[0]["started_at"] == (second.verdict or {})["started_at"]
    assert "prodcheck.fixed.finding" in (gate.path / "out.xml").read_text()
    third.assert_says(r"  before +20\S+Z fail \(exit status 1\)")


def test_known_since_its_first_night(gate: Gate) -> None:
    """The first night is handed on, however many nights lie between."""
    gate.system.on("/", 404)
    first = night(gate)
    night(gate, LAST)
    third = night(gate, LAST)
    third.assert_is(1, "fail")
    seen = {finding["first_seen"] for finding in third.findings}
    assert seen == {(first.verdict or {})["started_at"]}
    assert (third.verdict or {})["causes"][0]["first_seen"] == (first.verdict or {})["started_at"]


def test_a_slow_down_is_a_warning_and_stays_one(gate: Gate) -> None:
    """Degraded with a cause of its own; the next night, as slow, is held against the fast one; then it is fixed."""
    gate.config(more=MANY, endpoints='home = "/"\nother = "/other"')
    gate.system.on("/", *(answer for answer, _ in zip(delays(0.02), range(80), strict=False)))
    gate.system.on("/other", "ok")
    night(gate).assert_is(0, "pass")
    gate.system.on("/", *(answer for answer, _ in zip(delays(0.12), range(80), strict=False)))
    second = night(gate, LAST)
    second.assert_is(
        0, "degraded", "baseline.latency.slower: GET / is slower than in the baseline: median", "within noise"
    )
    assert second.words["baseline[http]"] == "degraded"
    assert [cause["code"] for cause in (second.verdict or {})["causes"]] == ["baseline.latency.slower"]
    gate.system.on("/", *(answer for answer, _ in zip(delays(0.12), range(80), strict=False)))
    third = night(gate, LAST)
    third.assert_is(0, "degraded", "0 new, 1 known, 0 fixed")
    gate.system.on("/", *(answer for answer, _ in zip(delays(0.02), range(80), strict=False)))
    night(gate, LAST).assert_is(0, "pass", "0 new, 0 known, 1 fixed")


def test_an_unchanged_night_is_green(gate: Gate) -> None:
    """Nothing found, nothing slower: pass, and how many series were compared."""
    gate.config(more=MANY)
    night(gate).assert_is(0, "pass")
    outcome = night(gate, LAST, "-n2")
    outcome.assert_is(0, "pass", "0 new, 0 known, 0 fixed", "1 within noise")
    assert [row["word"] for row in (outcome.verdict or {})["baseline"]["latency"]] == ["within noise"]


def test_a_blocked_check_fixes_nothing(gate: Gate) -> None:
    """What could not be looked at is counted apart."""
    gate.config(endpoints='a = "/a"')
    gate.system.on("/a", 404)
    night(gate)
    gate.config('[env.staging.http]\nurl = "http://127.0.0.1:9"\nendpoints.a = "/a"')
    night(gate, LAST).assert_is(1, "fail", "0 known, 0 fixed, 1 not looked at this time")


def test_from_elsewhere_latency_is_not_compared(gate: Gate) -> None:
    """A run inside the cluster is nearer to everything; an old one and a partial one are said to be so."""
    gate.config(more=MANY)
    night(gate)
    changed(gate, vantage="cluster", complete=False, started_at="2026-01-01T00:00:00Z")
    outcome = night(gate, LAST)
    outcome.assert_is(0, "pass", "the baseline is of a partial run", r"the baseline is \d+d old")
    outcome.assert_says("latency was not compared: the baseline was seen from the cluster, this run from the runner")
    assert (outcome.verdict or {})["baseline"]["latency"] == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"environment": "production"}, "it is about production, this run is about staging"),
        ({"verdict": "unfinished", "exit_status": None, "complete": False}, "that run did not finish"),
        ({"schema": "prodcheck/verdict/2"}, "it is of prodcheck/verdict/2, this version of prodcheck reads"),
        ({"started_at": "2999-01-01T00:00:00Z"}, "began in the future"),
        ({"started_at": "2026-02-31T00:00:00Z"}, "is no moment"),
        ({"latency": [{"target": 3}]}, "it is no verdict.json: latency/0"),
        ({"latency": [{"target": "http", "subject": "", "operation": "", "user": "", "n": 1, "samples": [-1]}]},
         "it is no verdict.json: latency/0/samples/0"),
        ({"causes": [[]] * 100_001}, "causes has more than 100,000 rows"),
        ({"checks": [3] * 5000}, "it is no verdict.json: checks/"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_baseline_is_refused(gate: Gate, changes: dict[str, Any], says: str) -> None:
    """Exit 4 with one clear error, and nothing is sent."""
    night(gate)
    changed(gate, **changes)
    before = gate.sent()
    outcome = gate.run(LAST)
    assert (outcome.status, gate.sent()) == (4, before)
    outcome.assert_says(f"--prodcheck-baseline=last/verdict.json: .*{re.escape(says)}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "it cannot be read: No such file"),
        ("{", "it is no JSON: give the verdict.json of an earlier run"),
        ("[" * 200_000, "it is no JSON"),
        ('{"a": ' * 100_000, "it is no JSON"),
        ("3", "it is no verdict.json: the document"),
        ('{"schema": NaN}', "it is no JSON"),
        ("", "it is no JSON"),
    ],
    ids=["missing", "half", "deep", "deep-objects", "number", "nan", "empty"],
)
def test_a_file_that_is_no_verdict_is_refused(gate: Gate, text: str | None, says: str) -> None:
    """With what to give instead."""
    if text is not None:
        gate.file("last/verdict.json", text)
    outcome = gate.run(LAST)
    assert (outcome.status, gate.sent()) == (4, 0)
    outcome.assert_says(f"--prodcheck-baseline=last/verdict.json: {says}")


def test_a_huge_file_is_refused_at_once(gate: Gate) -> None:
    """1 GB of nothing: only as much is read as a verdict could have."""
    (gate.path / "last").mkdir()
    with (gate.path / "last" / "verdict.json").open("wb") as file:
        file.truncate(1_000_000_000)
    outcome = gate.run(LAST)
    assert (outcome.status, gate.sent()) == (4, 0)
    outcome.assert_says("it is larger than 50,000,000 bytes")


def test_what_is_no_file_is_refused(gate: Gate) -> None:
    """A pipe that nobody writes to would be waited for; a folder is none either."""
    os.mkfifo(gate.path / "pipe")
    for name in ("pipe", "."):
        outcome = gate.run(f"--prodcheck-baseline={name}")
        assert (outcome.status, gate.sent()) == (4, 0)
        outcome.assert_says("it is no file")


def test_a_run_does_not_replace_its_own_baseline(gate: Gate) -> None:
    """Were it cut short, the next one would have none: exit 4, and the file stays as it is."""
    night(gate)
    path: Path = gate.path / ".prodcheck" / "staging" / "verdict.json"
    before = path.read_text()
    outcome = gate.run("--prodcheck-baseline=.prodcheck/staging/verdict.json")
    assert outcome.status == 4
    outcome.assert_says("is the file that this run replaces: copy it to another place first")
    assert path.read_text() == before


def test_hostile_words_of_a_baseline_stay_words(gate: Gate) -> None:
    """Terminal sequences, line breaks, workflow commands and markup in what it says was found."""
    gate.config(endpoints='a = "/a"')
    gate.system.on("/a", 404)
    night(gate)
    path = gate.path / "last" / "verdict.json"
    document = json.loads(path.read_text())
    evil = "\x1b[2J\n::error title=x::pwned\n<script>alert(1)</script> [x](http://evil.example)"
    for check in document["checks"]:
        for finding in check["findings"]:
            finding.update(message=evil, subject=evil)
    path.write_text(json.dumps(document))
    gate.system.on("/a", "ok")
    outcome = night(gate, LAST, "--junitxml=out.xml", env={"GITHUB_ACTIONS": "true"})
    outcome.assert_is(0, "pass", "1 fixed")
    assert "\x1b[2J" not in outcome.text
    assert not [line for line in outcome.text.splitlines() if line.startswith("::error")]
    summary = (gate.path / ".prodcheck" / "staging" / "summary.md").read_text()
    assert "<script>" not in summary
    assert "[x](" not in summary
    ElementTree.parse(gate.path / "out.xml")
