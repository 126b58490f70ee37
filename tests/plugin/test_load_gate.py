"""Load through the whole gate: real Locust against a small system, from `-m load` to the verdict."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pytest
from small_system import Answer

sys.path.append(str(Path(__file__).parents[1] / "targets"))
import kubeconfigs
from small_server import serving
from watched_namespace import namespace

LOAD = '\n[env.staging.load]\nconsent = true\nusers = 4\nduration = "2s"\ntimeout = "2s"\n'
FILE = """
from locust import FastHttpUser, constant, task

class Browser(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def home(self):
        self.client.get("/")
"""


def configured(gate, load: str, keys: str = "", **changes: str) -> None:
    """An http target with one endpoint, and load."""
    gate.config(more=keys, **changes)
    file = gate.path / "prodcheck.toml"
    file.write_text(file.read_text("utf-8") + LOAD + load, "utf-8")


def test_a_scenario_and_its_limits_pass(gate):
    """`-m load` runs the Locust file and the shipped one, and says what was sent (A48, C3, C4, C41, C46, C47)."""
    gate.file("load/browse.py", FILE)
    configured(
        gate, 'scenarios = { own = "load/browse.py", declared = "browse" }\nlimits = ["p50 < 1s", "errors < 20%"]\n'
    )
    outcome = gate.run("-m", "load")
    outcome.assert_is(0, "pass")
    assert set(outcome.words) == {"test_load[own]", "test_load[declared]", "test_limits"}
    assert outcome.verdict["sent"]["load"] > 100
    assert outcome.verdict["complete"] is False


def test_errors_are_not_fast_answers(gate):
    """Errors at once make neither a good p95 nor a good rate (T9; fg-load-errors-fast)."""
    gate.system.on("/", Answer(200), Answer(200), Answer(503))
    configured(
        gate,
        'scenarios = "browse"\nlimits = "errors < 1%"\nabort = "errors < 90%"\n',
        endpoints="home = { path = '/', status = [200] }",
    )
    outcome = gate.run("-m", "load", "--prodcheck-only=load")
    assert outcome.status == 1
    outcome.assert_says("load.run.aborted|over_limit")


def test_few_requests_prove_nothing(gate):
    """A rate needs its sample: a handful of requests is insufficient, exit 6 (T10; fg-load-few-samples)."""
    gate.file("load/few.py", FILE.replace("constant(0.02)", "constant(1.0)"))
    configured(gate, 'scenarios = "load/few.py"\nlimits = "errors < 1%"\n')
    outcome = gate.run("-m", "load")
    outcome.assert_is(6, "insufficient", "requests are needed for < 1 %")


def test_no_requests_fail(gate, assert_required):
    """A load run that sent nothing is red."""
    gate.file("load/none.py", FILE.replace('self.client.get("/")', "pass"))
    configured(gate, 'scenarios = "load/none.py"\nlimits = "errors < 1%"\n')
    assert_required("fg-load-zero-requests", gate.run("-m", "load"))


def test_a_target_that_is_not_ready_blocks_load(gate):
    """Load stands above all layers: nothing is sent to what is down."""
    gate.file("load/browse.py", FILE)
    configured(gate, 'scenarios = "load/browse.py"\n')
    file = gate.path / "prodcheck.toml"
    file.write_text(file.read_text("utf-8").replace(gate.system.url, "http://127.0.0.1:9"), "utf-8")
    outcome = gate.run("-m", "load")
    assert outcome.status == 1
    assert outcome.words["test_load[browse]"] == "blocked"
    assert gate.system.asked == []


def test_secrets_reach_a_scenario_and_no_process_list(gate, monkeypatch, tmp_path_factory):
    """A variable with a secret is there in a scenario, and neither in arguments nor in the environment of any process
    (leak-ps-arguments, leak-ps-environ)."""
    said = tmp_path_factory.mktemp("said") / "seen"
    monkeypatch.setenv("API_KEY", "pXs7Qx9-very-secret-value")
    gate.file("load/secret.py", FILE.replace("    @task", _SPY.format(said=str(said)) + "    @task"))
    configured(gate, 'scenarios = "load/secret.py"\n', keys='headers = { X-Key = "env:API_KEY" }\n')
    outcome = gate.run("-m", "load", "-s")
    outcome.assert_is(0, "pass")
    assert said.read_text() == "pXs7Qx9-very-secret-value [] "
    assert "very-secret" not in outcome.text


_SPY = """
    def on_start(self):
        import os
        from pathlib import Path
        shown = [Path("/proc/self", name).read_bytes() for name in ("cmdline", "environ")]
        leaks = [one for one in shown if b"very-secret" in one]
        Path("{said}").write_text(os.environ["API_KEY"] + " " + repr(leaks) + " ")
        print("the key is", os.environ["API_KEY"])

"""


def test_locust_that_is_not_installed_names_the_extra(gate):
    """One line that says what to install."""
    gate.file("load/browse.py", FILE)
    gate.file("conftest.py", _HIDDEN)
    configured(gate, 'scenarios = "load/browse.py"\n')
    gate.run("-m", "load", "-p", "conftest").assert_is(1, "fail", r"pip install 'pytest-prodcheck\[load\]'")


_HIDDEN = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "locust" else found(name, *more)
"""


def test_a_syntax_error_has_its_line(gate):
    """Before any request, and before Locust is started."""
    gate.file("load/bad.py", "x = (\n")
    configured(gate, 'scenarios = "load/bad.py"\n')
    outcome = gate.run("-m", "load", "--prodcheck-only=load")
    outcome.assert_is(1, "fail", r"load\.scenario\.invalid", r"bad\.py:1")
    assert gate.system.asked == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('scenarios = "load/none.py"', "there is no file load/none.py"),
        ('scenarios = "brows"', "neither a Locust file nor a shipped scenario; did you mean browse?"),
        ('scenarios = "graphql"', "graphql asks a target of that kind, and there is none"),
        ('scenarios = "browse"\nmemory = "> 10%"', "not an upper limit of a share: '> 10%'; write it like '< 10%'"),
        ('scenarios = "browse"\nmemory = "< 10%"', "memory is watched in a cluster of Kubernetes, and there is none"),
        ('scenarios = { a = { file = "browse", users = 5000 } }', "5000 users exceed the cap of 1000"),
        ('scenarios = { a = { file = "browse", rate = 2000 } }', "2000 arrivals a second exceed the cap of 1000"),
        ('scenarios = { a = { file = "browse", duration = "2h" } }', "7200 s exceed the cap of 1800 s"),
        ('scenarios = { a = { file = "browse", warm_up = "2s" } }', "the warm-up is as long as the run"),
        ('scenarios = { a = { file = "browse", rate = 5, pacing = "1s" } }', "pacing is of users"),
        ('scenarios = "browse"\nrate = 5', "users and rate contradict each other"),
        ('scenarios = "browse"\nlimits = "p95 > 5s"', "p95 has an upper limit"),
        ('scenarios = "browse"\nabort = "mean < 5s"', "load is aborted by errors or a quantile"),
        ('scenarios = "browse"\nlatency = "< 5s"', "limits of load stand in limits"),
    ],
)
def test_what_cannot_be_meant_has_its_line(gate, line, says):
    """Exit 4, with file and line, before anything is sent."""
    configured(gate, line + "\n")
    outcome = gate.run("-m", "load")
    assert outcome.status == 4
    assert says in outcome.text
    assert "prodcheck.toml:" in outcome.text
    assert gate.system.asked == []


def test_a_writing_scenario_needs_its_name_in_writes(gate):
    """Declared and not permitted here: it is left out, and says so (load-writing-scenario)."""
    gate.file("load/write.py", FILE.replace("get(", "post("))
    configured(gate, 'scenarios.add = { file = "load/write.py", effect = "write" }\nscenarios.see = "browse"\n')
    outcome = gate.run("-m", "load")
    outcome.assert_is(0, "pass")
    assert outcome.left_out["load.add"] == "a write that `writes` does not permit here"
    assert not [line for line in gate.system.asked if line.startswith("POST")]


def test_workers_of_xdist_share_one_run(gate):
    """Two workers judge one run of a scenario."""
    configured(gate, 'scenarios = "browse"\nlimits = "errors < 20%"\n')
    outcome = gate.run("-m", "load", "-n", "2")
    outcome.assert_is(0, "pass")
    assert set(outcome.words) == {"test_load[browse]", "test_limits"}


@pytest.fixture
def cluster(tmp_path):
    """The kubeconfig of a namespace whose one pod is quiet."""
    with serving() as server:
        namespace(server, [0], [100])
        yield kubeconfigs.write(tmp_path / "kubeconfig", server.url)


def test_memory_that_was_seen_too_seldom_is_not_proven(gate, cluster):
    """It is looked at while load runs, and two seconds tell nothing of a leak (C24)."""
    load = 'scenarios = "browse"\nmemory = "< 10%"\n'
    table = (
        f'[env.staging.cluster]\nkubeconfig = "{cluster}"\ncontext = "lab"\nnamespace = "plan-prod"\nwiring = false\n'
    )
    configured(gate, load + table)
    outcome = gate.run("-m", "load")
    assert outcome.words["test_memory"] == "insufficient", outcome.text
    assert outcome.words["test_load[browse]"] != "insufficient"
    outcome.assert_says(r"no container's memory was seen while load ran|was seen \d+ times: too few to tell")


def test_nothing_is_left_on_disk(gate, monkeypatch, tmp_path):
    """Samples are kept until the verdict is written, and no longer."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    look = f"import pathlib\nheld = list(pathlib.Path({str(tmp_path)!r}).glob('prodcheck-load-*'))\n"
    gate.file("load/browse.py", look + "pathlib.Path('held').write_text(str(len(held)))\n" + FILE)
    configured(gate, 'scenarios = "load/browse.py"\n')
    gate.run("-m", "load").assert_is(0, "pass")
    assert (gate.path / "held").read_text() == "1"
    assert not list(tmp_path.glob("prodcheck-load-*"))
