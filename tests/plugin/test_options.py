"""Every option is used, not merely accepted."""

from __future__ import annotations

import json

import pytest
from small_system import Answer

SECRET = 'headers = { X-Key = "env:NO_SUCH_VARIABLE" }'
REVISION = '[env.staging]\nsettle = "3s"\nrevision = { path = "/version", at = "commit" }\n[env.staging.http]\nurl = "URL"\nendpoints.home = "/"\n'  # noqa: E501


def test_plan_sends_nothing(gate):
    """--prodcheck-plan prints requests and sample sizes; nothing is sent, no secret resolved, no verdict written."""
    gate.config(more=f'error_rate = "< 1%"\n{SECRET}')
    outcome = gate.run("--prodcheck-plan")
    outcome.assert_is(0, "none", r"test_endpoint\[home\]\s+GET /", "< 1%: 299 to 1000 requests", "nothing is sent")
    assert gate.sent() == 0
    assert outcome.verdict is None


def test_plan_that_cannot_be_proven(gate):
    """A limit that needs more requests than the cap allows is exit 4, also for --prodcheck-plan."""
    gate.config(more='error_rate = "< 1%"\n[env.staging.requests]\nat_most = 100\n')
    for arguments in ((), ("--prodcheck-plan",)):
        gate.run(*arguments).assert_is(4, "none", "needs 299 requests", "at_most is 100")
    assert gate.sent() == 0


def test_plan_longer_than_its_deadline(gate):
    """A sample that cannot be sent within the deadline is exit 4."""
    gate.config(more='error_rate = "< 1%"\n[env.staging.requests]\nper_second = 10\n')
    gate.run("--prodcheck-deadline=5s").assert_is(4, "none", "needs 299 requests", "the deadline is 5 s")


RATES = "\n".join(f'e{n} = {{ path = "/", latency = "p99 < 1s" }}' for n in range(4))


def test_plan_larger_than_its_cap_together(gate):
    """Limits of one host that can be proven one by one, and not with what one run may send, are exit 4."""
    gate.config(endpoints=RATES)
    gate.run().assert_is(4, "none", r"http://\S+: its checks and limits need 1196 requests together", "at_most is 1000")
    gate.config(endpoints=RATES, more="[env.staging.requests]\nat_most = 1196\n")
    assert gate.run("--prodcheck-plan").status == 0
    gate.run("--prodcheck-deadline=10s").assert_is(
        4, "none", "need 1196 requests together, 12 s", "the deadline is 10 s"
    )


def test_a_limit_of_the_target_counts_what_its_checks_send(gate):
    """A rate over the whole host needs no requests beside those of its endpoints' own limits."""
    gate.config(more='error_rate = "< 1%"\n[env.staging.requests]\nat_most = 900', endpoints=RATES.rpartition("\n")[0])
    assert gate.run("--prodcheck-plan").status == 0


@pytest.mark.parametrize(
    "option",
    ["", "-config", "-only", "-revision", "-report", "-writes", "-deadline"],
)
@pytest.mark.parametrize("value", ["", " "], ids=["empty", "blank"])
def test_option_without_a_value(gate, option, value):
    """An option whose value is empty, as an unset shell variable leaves it, is exit 4."""
    gate.config(REVISION)
    gate.file("test_own.py", "def test_own(): ...\n")
    gate.file(".prodcheck/staging/verdict.json", '{"verdict": "pass"}')
    chosen = () if not option else ("--prodcheck=staging",)
    outcome = gate.pytest(*chosen, f"--prodcheck{option}={value}", ".")
    assert outcome.status == 4, outcome.text
    outcome.assert_says(f"--prodcheck{option} is empty")
    assert gate.sent() == 0
    assert not option or outcome.verdict["verdict"] == "unfinished" or option == "-report"


def test_only(gate):
    """--prodcheck-only narrows to targets, names what it left out, and contacts nothing else."""
    gate.config('[env.staging.http.app]\nurl = "URL"\n[env.staging.http.dead]\nurl = "http://127.0.0.1:9"\n')
    gate.run().assert_is(1, "fail")
    outcome = gate.run("--prodcheck-only=http.app")
    outcome.assert_is(0, "pass", "partial")
    assert outcome.left_out == {"http.dead": "--prodcheck-only"}
    gate.run("--prodcheck-only=http.ap").assert_is(
        4, "none", "no target http.ap", "known: .*http.app", "nothing was sent"
    )


def test_revision_settles(gate):
    """--prodcheck-revision waits until only that revision serves, and says how long."""
    gate.config(REVISION)
    gate.system.on("/version", *[{"commit": "old"}] * 3, {"commit": "new"})
    outcome = gate.run("--prodcheck-revision=new")
    outcome.assert_is(0, "pass", "revision new")
    assert outcome.verdict["revision"]["serving"] == ["new"]


def test_old_revision_serves(gate):
    """Where another revision still serves after `settle` the run is red and names it."""
    gate.config(REVISION.replace("3s", "200ms"))
    gate.system.on("/version", {"commit": "old"})
    outcome = gate.run("--prodcheck-revision=new")
    outcome.assert_is(1, "fail", "http.revision.old_version_serving", "old")
    assert outcome.verdict["revision"] | {"waited_s": 0} == {"expected": "new", "serving": ["old"], "waited_s": 0}


def test_revision_without_a_place(gate):
    """--prodcheck-revision in an environment that does not say where its revision is, is exit 4."""
    gate.run("--prodcheck-revision=new").assert_is(4, "none", "does not say where its revision is", "nothing was sent")


WRITE = (
    '[env.staging]\nwrites = ["create"]\n[env.staging.http]\nurl = "URL"\n[env.staging.http.endpoints.create]\n'
    'path = "/orders"\nmethod = "POST"\neffect = "write"\ncleanup = "none: a dry run"\njson = { tag = "{run}" }\n'
    'status = 201\n[env.staging.http.endpoints.home]\npath = "/"\n'
)


def test_writes(gate):
    """A declared write is sent where the environment permits it, and --prodcheck-writes=none takes that back."""
    gate.config(WRITE)
    gate.system.on("POST /orders", 201)
    outcome = gate.run()
    outcome.assert_is(0, "pass")
    assert (outcome.verdict["sent"]["writes"], gate.system.count("POST /orders")) == (1, 1)
    outcome = gate.run("--prodcheck-writes=none")
    outcome.assert_is(0, "pass")
    assert gate.system.count("POST /orders") == 1
    assert "writes" in outcome.left_out["http.create"]
    gate.run("--prodcheck-writes=delete").assert_is(4, "none", "does not permit delete", "nothing was sent")
    gate.run("--prodcheck-writes=create,").assert_is(4, "none", "write none to permit no write", "nothing was sent")


def test_write_is_not_repeated(gate):
    """A write that fails is not sent again by a rerun of its check."""
    gate.config(WRITE)
    gate.system.on("POST /orders", 500)
    gate.run("--reruns", "2").assert_is(1, "fail")
    assert gate.system.count("POST /orders") == 1


UNDONE = WRITE.replace('"none: a dry run"', '{ path = "/orders/{id}", status = 204 }')


def test_write_is_undone(gate):
    """What a declared write created is removed by its `cleanup`, which the plan shows and `sent` counts as a write."""
    gate.config(UNDONE)
    gate.system.on("POST /orders", Answer(201, {"id": 42}))
    gate.system.on("DELETE /orders/42", Answer(204, ""))
    gate.run("--prodcheck-plan").assert_says("POST /orders, then DELETE /orders/{id}")
    outcome = gate.run()
    outcome.assert_is(0, "pass")
    assert gate.system.asked.index("POST /orders") < gate.system.asked.index("DELETE /orders/42")
    assert outcome.verdict["sent"]["writes"] == 2


def test_write_that_stays(gate):
    """A clean-up that fails, and one for which the write's answer gives no id, are red: something may be left."""
    gate.config(UNDONE)
    gate.system.on("POST /orders", Answer(201, {"id": 42}))
    gate.system.on("DELETE /orders/42", 403)
    gate.run().assert_is(1, "fail", "http.cleanup.failed", "DELETE /orders/42 answers 403, expected 204")
    for answer in ({"number": 42}, {"id": "../users/1"}, {"id": ""}):
        gate.system.on("POST /orders", Answer(201, answer))
        gate.run().assert_is(1, "fail", "http.cleanup.failed", "gives no usable id for DELETE /orders/{id}")
    assert [asked for asked in gate.system.asked if asked.startswith("DELETE")] == ["DELETE /orders/42"]


def test_refused_write_needs_no_cleanup(gate):
    """A write that was refused created nothing: only the refusal is said."""
    gate.config(UNDONE)
    gate.system.on("POST /orders", Answer(403, {"id": 42}))
    outcome = gate.run()
    outcome.assert_is(1, "fail")
    assert "http.cleanup.failed" not in outcome.text
    assert not [asked for asked in gate.system.asked if asked.startswith("DELETE")]


def test_report(gate):
    """--prodcheck-report=DIR holds the verdict and the summary."""
    gate.run("--prodcheck-report=out/here").assert_is(0, "none")
    assert json.loads((gate.path / "out/here/verdict.json").read_text())["verdict"] == "pass"
    assert "pass" in (gate.path / "out/here/summary.md").read_text().lower()
    assert not (gate.path / ".prodcheck").exists()


def test_default_report_ignores_itself(gate):
    """The default report directory is ignored by git."""
    gate.run()
    assert (gate.path / ".prodcheck/.gitignore").read_text() == "*\n"


def test_usage_error_is_in_the_verdict_file(gate):
    """Exit 4 leaves `unfinished` with the reason, in place of an old verdict."""
    gate.file(".prodcheck/staging/verdict.json", '{"verdict": "pass"}')
    gate.config(more=SECRET)
    outcome = gate.run()
    outcome.assert_is(4, "none", "env:NO_SUCH_VARIABLE is not set")
    assert (outcome.verdict["verdict"], outcome.verdict["exit_status"]) == ("unfinished", 4)
    assert "NO_SUCH_VARIABLE" in outcome.verdict["error"]


@pytest.mark.parametrize("text", ["soon", "10", "-1s"])
def test_unreadable_deadline(gate, text):
    """A deadline that is no duration is exit 4."""
    gate.run(f"--prodcheck-deadline={text}").assert_is(4, "none", "--prodcheck-deadline")


def test_configuration_elsewhere(gate):
    """--prodcheck-config=PATH is read; one that is not there is exit 4 with the place that was looked at."""
    (gate.path / "prodcheck.toml").rename(gate.path / "other.toml")
    gate.run("--prodcheck-config=other.toml").assert_is(0, "pass")
    gate.run("--prodcheck-config=gone.toml").assert_is(4, "none", "gone.toml not found", "nothing was sent")


def test_configuration_above_the_working_directory(gate, monkeypatch):
    """Without an ini file the configuration is found upward from the working directory."""
    (gate.path / "deep/er").mkdir(parents=True)
    monkeypatch.chdir(gate.path / "deep/er")
    outcome = gate.run()
    assert outcome.status == 0
    assert gate.system.count("GET /") > 0


@pytest.mark.parametrize(
    "option",
    [
        "--prodcheck-config=x",
        "--prodcheck-plan",
        "--prodcheck-only=http",
        "--prodcheck-revision=1",
        "--prodcheck-revision=",
        "--prodcheck-report=out",
        "--prodcheck-writes=none",
        "--prodcheck-deadline=5s",
    ],
)
def test_options_without_an_environment(gate, option):
    """An option of the gate without --prodcheck is refused, not ignored."""
    gate.file("test_own.py", "def test_a(): ...\n")
    name = option.partition("=")[0]
    gate.pytest(option).assert_is(4, "none", f"{name} needs --prodcheck=ENV")


def test_options_in_an_ini_file(gate):
    """addopts take the options, too."""
    gate.file("pytest.ini", "[pytest]\naddopts = --prodcheck=staging --prodcheck-deadline=30s\n")
    gate.pytest().assert_is(0, "pass")


def test_a_hanging_target_does_not_hang_the_run(gate):
    """A request that is never answered ends at its own timeout and names the endpoint."""
    gate.config(endpoints='home = "/"\nslow = { path = "/slow", timeout = "300ms" }\n')
    gate.system.on("/slow", Answer(never=True))
    gate.run().assert_is(1, "fail", "GET /slow", r"no answer in 0\.3")


def test_nothing_leaves_no_old_verdict(gate):
    """Where the environment's name is empty, an earlier verdict in the report directory does not stay green."""
    gate.run("--prodcheck-report=out").assert_is(0, "none")
    assert gate.pytest("--prodcheck=", "--prodcheck-report=out").status == 4
    verdict = json.loads((gate.path / "out" / "verdict.json").read_text())
    assert (verdict["verdict"], verdict["exit_status"]) == ("unfinished", 4)


def test_demo_without_its_fault(gate):
    """`demo:` with nothing behind the colon is exit 4, not a healthy demo."""
    gate.pytest("--prodcheck=demo:").assert_is(4, "none", "names no fault", "prodcheck faults")


def test_only_leaves_out_what_a_test_asks(gate):
    """A test of the team's own that asks a target which --prodcheck-only leaves out is told so."""
    gate.file("checks/test_own.py", "def test_own(prodcheck_http):\n    prodcheck_http['b'].get('/')\n")
    gate.config(
        '[prodcheck]\nsuites = ["checks"]\n[env.staging.http.a]\nurl = "URL"\n[env.staging.http.b]\nurl = "URL"\n'
    )
    gate.run("--prodcheck-only=http.a").assert_is(1, "fail", "http.b is left out by --prodcheck-only: add it there")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_certificates_that_are_none(gate, workers):
    """A file that is no certificate is exit 4 at its line, nothing is sent, and the verdict file says so."""
    gate.config(more='tls = { ca = "prodcheck.toml" }')
    said = r"prodcheck\.toml:3: http\.tls\.ca: cannot be used: no certificate or crl found"
    gate.run(*workers).assert_is(4, "none", said, "nothing was sent", r'"exit_status": 4')
    assert gate.sent() == 0
