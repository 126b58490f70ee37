"""No secret is in the bytes of any channel of a run: terminal, logs, JUnit, reports, cache, execnet's stream."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from leak_forms import forms
from leak_project import Run
from leak_secrets import ALL, OBTAINED, Secret

_ENTRIES = yaml.safe_load(Path(__file__).with_name("leaks.yaml").read_text(encoding="utf-8"))
_IN_RUNS = [entry for entry in _ENTRIES if entry["run"] != "apart"]
_RUNS = ("failing", "failing -n", "passing", "passing -n", "forms")
_SGR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("name", _RUNS)
def test_no_channel_holds_a_secret(runs: Callable[[str], Run], name: str) -> None:
    """In no channel is any piece of any secret, in any spelling."""
    run = runs(name)
    assert run.status == 1, run.terminal[-3000:]
    assert {
        "stdout",
        "stderr",
        ".prodcheck/staging/verdict.json",
        ".prodcheck/staging/summary.md",
        ".prodcheck/staging/report.html",
    } <= set(run.channels)
    found = {(channel, secret.name): traces for channel, secret, traces in _traces(run)}
    assert not found


def _traces(run: Run) -> list[tuple[str, Secret, list[str]]]:
    return [
        (channel, secret, traces)
        for channel, haystack in run.haystacks.items()
        for secret in ALL
        if (traces := haystack.traces(secret))
    ]


@pytest.mark.parametrize("entry", _IN_RUNS, ids=lambda entry: entry["id"])
def test_a_leak_is_provoked_and_masked(runs: Callable[[str], Run], entry: Mapping[str, Any]) -> None:
    """Where the corpus expects the leak stands the text, with the marker in the secret's place, and no needle of it."""
    secret = entry["secret"]
    needles = secret.get("needles", ["".join(secret["parts"])])
    distributed = f"{entry['run']} -n" if f"{entry['run']} -n" in _RUNS else entry["run"]
    for name in {entry["run"], distributed} if entry["shown_in"] != "stream" else {distributed}:
        run = runs(name)
        assert re.search(entry["shown"], _SGR.sub("", run.text(entry["shown_in"]))), (name, entry["shown"])
        for channel, data in run.channels.items():
            assert not [needle for needle in needles if needle.encode() in data], channel


def test_the_other_entries_have_tests_of_their_own() -> None:
    """Each entry of the corpus that no shared run provokes names its test."""
    texts = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    apart = [entry["test"] for entry in _ENTRIES if entry["run"] == "apart"]
    assert not [name for name in apart if f"def {name}(" not in texts]


@pytest.mark.parametrize("secret", ALL, ids=lambda secret: secret.name)
def test_each_spelling_is_masked(runs: Callable[[str], Run], secret: Secret) -> None:
    """Each answer that repeats a secret is a finding with a marker, which names the reference but for known shapes."""
    checks = json.loads(runs("forms").text(".prodcheck/staging/verdict.json"))["checks"]
    rows = {check["id"].partition("[")[2].rstrip("]"): json.dumps(check) for check in checks}
    name = "token of member" if secret in OBTAINED else secret.reference
    for part, needle in enumerate(secret.secret):
        whole = [number for number, (form, _) in enumerate(forms(needle)) if not form.startswith("cut")]
        found = [rows[f"s{ALL.index(secret)}-{part}-{number}"] for number in whole]
        assert all("[redacted" in row for row in found)
        assert sum(f"[redacted {name}]" in row for row in found) >= len(found) - 2
