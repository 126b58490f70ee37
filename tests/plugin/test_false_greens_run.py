"""False greens by time and reports, and the controls that must stay green."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import Gate, Outcome
from small_system import Answer


def stale(gate: Gate) -> Path:
    """A verdict of an earlier run, green."""
    return gate.file(".prodcheck/staging/verdict.json", json.dumps({"verdict": "pass", "exit_status": 0}))


def start(gate: Gate, *arguments: str) -> subprocess.Popen[str]:
    """A gate that runs beside the test."""
    command = [sys.executable, "-m", "pytest", f"--prodcheck={gate.environment}", *arguments]
    with hearing(signal.SIGINT, signal.SIGHUP):
        return subprocess.Popen(command, cwd=gate.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@contextmanager
def hearing(*numbers: signal.Signals) -> Iterator[None]:
    """A child that is started here hears these signals, as from a terminal; a job in the background or under `nohup`
    ignores them, and so do its children."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for(gate: Gate, request: str) -> None:
    """Until the system was asked `request`."""
    end = time.monotonic() + 20
    while gate.system.count(request) == 0:
        assert time.monotonic() < end, f"{request} was never sent"
        time.sleep(0.02)


def interrupted(gate: Gate, *numbers: int) -> tuple[int, str]:
    """Exit status and output of a gate that got a signal while a probe hung."""
    gate.config(endpoints='home = "/"\nslow = { path = "/slow", timeout = "30s" }\n')
    gate.system.on("/slow", Answer(never=True))
    process = start(gate)
    wait_for(gate, "GET /slow")
    time.sleep(0.3)
    for number in numbers:
        os.kill(process.pid, number)
        time.sleep(0.2)
    output, _ = process.communicate(timeout=20)
    return process.returncode, output


def test_deadline(gate, assert_required):
    """The run's deadline ends a gate whose target hangs; its verdict replaces the old one."""
    stale(gate)
    gate.config(endpoints='home = "/"\nslow = { path = "/slow", timeout = "30s" }\n')
    gate.system.on("/slow", Answer(never=True))
    began = time.monotonic()
    outcome = gate.run("--prodcheck-deadline=6s")
    assert_required("fg-gate-deadline", outcome)
    assert time.monotonic() - began < 13
    assert outcome.words["test_endpoint[home]"] == "pass"


def test_sigterm(gate, assert_required):
    """SIGTERM ends the run red, with what was observed until then."""
    stale(gate)
    status, output = interrupted(gate, signal.SIGTERM)
    outcome = Outcome(status, output, gate.verdict())
    assert_required("fg-sigterm", outcome)
    assert outcome.words["test_endpoint[home]"] == "pass"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_that_comes_again(gate, number):
    """A terminal that hangs up ends the run as SIGTERM does; a second signal leaves a whole verdict, no traceback."""
    stale(gate)
    status, output = interrupted(gate, number, signal.SIGTERM)
    outcome = Outcome(status, output, gate.verdict())
    assert status in (1, -signal.SIGTERM)
    assert (outcome.word, outcome.verdict["exit_status"]) == ("fail", 1)
    outcome.assert_says(f"interrupted by {number.name}")
    assert "Traceback" not in output


def test_ctrl_c(gate):
    """Ctrl-C is exit 2; what was observed is kept, and the rest is listed as stopped."""
    status, output = interrupted(gate, signal.SIGINT)
    outcome = Outcome(status, output, gate.verdict())
    outcome.assert_is(2, "fail", "Ctrl-C")
    assert outcome.words["test_endpoint[home]"] == "pass"
    assert "Ctrl-C" in outcome.left_out["prodcheck.toml::http::test_endpoint[slow]"]


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_report_directory_not_writable(gate, place):
    """A report directory that was asked for and cannot be written is exit 4 before anything is sent
    (fg-report-unwritable; the corpus says 1, interface.md §1 says 4)."""
    gate.file("report", "")
    outcome = gate.run(f"--prodcheck-report={'report' if place == 'a file' else 'report/below'}")
    outcome.assert_is(4, "none", "report directory .* is not writable", "nothing was sent")
    assert gate.sent() == 0


def test_default_report_directory_not_writable(gate):
    """The default directory that cannot be written is a warning only (interface.md §1)."""
    gate.file(".prodcheck", "")
    outcome = gate.run()
    outcome.assert_is(0, "none", "report directory .* is not writable")


def test_piped_without_pipefail(gate, assert_required):
    """A pipe hides the exit status; the verdict file does not."""
    gate.config(endpoints='b = "/b"\n')
    gate.system.on("/b", 500)
    command = f"{sys.executable} -m pytest --prodcheck=staging | tee gate.log"
    done = subprocess.run(command, shell=True, cwd=gate.path, capture_output=True, text=True, check=False)
    assert_required("fg-verdict-pipe", Outcome(done.returncode, done.stdout, gate.verdict()))


def test_process_ends_before_its_verdict(gate):
    """os._exit(0) cannot be stopped: the verdict file says unfinished from before the first probe."""
    stale(gate)
    gate.file("checks/test_own.py", "import os\ndef test_own(prodcheck_http):\n    os._exit(0)\n")
    outcome = gate.run("checks")
    assert (outcome.status, outcome.verdict["verdict"], outcome.verdict["complete"]) == (0, "unfinished", False)


def test_healthy(gate, assert_required):
    """All healthy is a pass with nothing to say."""
    outcome = gate.run()
    assert_required("fg-ok-healthy", outcome)
    assert outcome.findings == []
    assert outcome.verdict["complete"] is True


def test_target_that_nobody_promised(gate, assert_required):
    """What is not configured blocks nothing."""
    assert_required("fg-ok-optional-target", gate.run())


def test_smoke_alone(gate, assert_required):
    """A selection on purpose passes, and the verdict says partial."""
    gate.config(more='security_headers = { X-Content-Type-Options = "nosniff" }')
    outcome = gate.run("-m", "smoke")
    assert_required("fg-ok-user-selects-smoke", outcome)
    assert outcome.verdict["complete"] is False
    assert outcome.left_out == {"prodcheck.toml::http::test_security_headers": "-m smoke"}


def test_expected_401(gate, assert_required):
    """A status that is declared is a right answer."""
    gate.config(endpoints='admin = { path = "/admin", status = 401 }\n')
    gate.system.on("/admin", 401)
    assert_required("fg-ok-expected-401", gate.run())


def test_expected_404_of_hasura(gate, assert_required):
    """Hasura's GET /v1/graphql answers 404: declared, it is right."""
    gate.config(endpoints='graphql = { path = "/v1/graphql", status = 404 }\n')
    gate.system.on("/v1/graphql", Answer(404, {"path": "$", "error": "resource does not exist", "code": "not-found"}))
    assert_required("fg-ok-hasura-get-404", gate.run())


def test_enough_samples(gate, assert_required):
    """299 requests without an error prove an error rate below 1 % at 95 %."""
    gate.config(more='error_rate = "< 1%"\n[env.staging.requests]\nper_second = 2000\n')
    outcome = gate.run()
    assert_required("fg-ok-enough-samples", outcome)
    assert outcome.checks["prodcheck.toml::http::test_error_rate"]["samples"] == 299


def test_too_few_samples(gate, assert_required):
    """50 requests without an error do not prove an error rate below 1 %: insufficient, exit 6."""
    gate.config('[env.staging]\nrequests = { at_most = 51 }\n[env.staging.http]\nurl = "URL"\nendpoints.home = "/"\n')
    body = "def test_own(prodcheck_http):\n    prodcheck_http.sample('/')\n"
    gate.file("checks/test_own.py", f"import pytest\n@pytest.mark.error_rate('< 1%')\n{body}")
    assert_required("fg-load-few-samples", gate.run("checks"))


def test_plugin_absent(gate, assert_required):
    """Without --prodcheck there is no output of ours, also without a prodcheck.toml."""
    (gate.path / "prodcheck.toml").unlink()
    gate.file("test_own.py", "def test_a(): ...\n")
    outcome = gate.pytest()
    assert_required("fg-ok-plugin-absent", outcome)
    assert "prodcheck:" not in outcome.text


def test_disk_that_is_full_at_the_end(gate):
    """A verdict that cannot be written makes the run red, says why, and leaves `unfinished` in the file."""
    hook = "def pytest_sessionstart():\n    import pytest_prodcheck.report.verdict_json as v\n"
    hook += "    def full(*_):\n        raise OSError(28, 'No space left on device')\n    v.replace_file = full\n"
    gate.file("conftest.py", hook)
    outcome = gate.run()
    outcome.assert_is(1, "none", "verdict could not be written to .*: No space left on device")
    assert "Traceback" not in outcome.text
