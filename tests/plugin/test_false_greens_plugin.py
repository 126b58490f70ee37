"""False greens by other plugins and by the code of tests: the gate sets the exit status last."""

from __future__ import annotations

import pytest


@pytest.fixture
def broken(gate):
    """A gate whose only endpoint answers 500."""
    gate.config(endpoints='b = "/b"\n')
    gate.system.on("/b", 500)
    return gate


def test_plugin_switched_off(gate, assert_required):
    """With -p no:prodcheck the option itself is unknown to pytest: 4, never a green."""
    gate.file("pytest.ini", "[pytest]\naddopts = -p no:prodcheck\n")
    assert_required("fg-plugin-disabled", gate.run(env={"PRODCHECK_ENV": "staging"}))


def test_variable_alone_starts_nothing(gate):
    """No environment variable starts a gate: without --prodcheck nothing is sent."""
    gate.file("test_own.py", "def test_a(): ...\n")
    outcome = gate.pytest(env={"PRODCHECK_ENV": "staging", "PRODCHECK": "staging"})
    outcome.assert_is(0, "none")
    assert gate.sent() == 0


def test_hook_sets_the_exit_status(broken, assert_required):
    """A conftest that sets the session's exit status to 0 is overruled, and named."""
    broken.file("conftest.py", "def pytest_sessionfinish(session):\n    session.exitstatus = 0\n")
    assert_required("fg-user-exit-status", broken.run())


def test_failed_suppressed(broken, assert_required):
    """--suppress-tests-failed-exit-code does not make a failed gate green."""
    broken.file("pytest.ini", "[pytest]\naddopts = --suppress-tests-failed-exit-code\n")
    assert_required("fg-suppress-failed", broken.run())


def test_pass_on_retry(gate, assert_required):
    """What passed only on a rerun is degraded, and says what the first answer was."""
    gate.config(endpoints='b = "/b"\n')
    gate.system.on("/b", "ok", 500, "ok")
    assert_required("fg-reruns-flap", gate.run("--reruns", "3"))


def test_pass_on_retry_where_degraded_fails(gate):
    """`degraded = "fail"` makes a pass on retry exit 1."""
    gate.config('[env.staging]\ndegraded = "fail"\n[env.staging.http]\nurl = "URL"\nendpoints.b = "/b"\n')
    gate.system.on("/b", "ok", 500, "ok")
    gate.run("--reruns", "1").assert_is(1, "degraded")


def test_exceptions_swallowed(broken, assert_required):
    """A conftest that swallows what a body raises hides no finding."""
    broken.file(
        "conftest.py",
        "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_call(item):\n"
        "    try:\n        return (yield)\n    except Exception:\n        return None\n",
    )
    broken.file(
        "checks/test_own.py", "def test_own(prodcheck_http):\n    assert prodcheck_http.get('/').status_code == 201\n"
    )
    assert_required("fg-call-swallowed", broken.run())
    broken.run("checks").assert_is(1, "fail", "test_own", "201")


def test_fixture_of_the_same_name(broken):
    """A conftest's own `prodcheck_http` and `check` give shipped checks nothing: they observe with the gate's."""
    broken.file(
        "conftest.py",
        "import pytest\n\nclass Blind:\n    def observe(self, check): ...\n\n"
        "@pytest.fixture\ndef prodcheck_http():\n    return Blind()\n\n"
        "@pytest.fixture\ndef check():\n    return None\n",
    )
    broken.run().assert_is(1, "fail", "GET /b answered 500")


def test_pytest_exit_with_zero(gate, assert_required):
    """pytest.exit(returncode=0) in a fixture is a run that ended early: red."""
    gate.file(
        "conftest.py",
        "import pytest\n@pytest.fixture(autouse=True)\ndef ends(request):\n    yield\n"
        "    if 'ready' in request.node.nodeid:\n        pytest.exit('done', returncode=0)\n",
    )
    assert_required("fg-pytest-exit-zero", gate.run())


def test_assertions_stripped(gate, assert_required):
    """Where assertions are disabled no test could fail: refused."""
    gate.file(
        "checks/test_own.py", "def test_own(prodcheck_http):\n    assert prodcheck_http.get('/x').status_code == 200\n"
    )
    assert_required("fg-assert-stripped", gate.run("--assert=plain", "checks", env={"PYTHONOPTIMIZE": "1"}))
    assert gate.sent() == 0


def test_returns_instead_of_asserting(gate, assert_required):
    """A 5xx is a finding although the test asserts nothing."""
    gate.system.on("/x", 503)
    gate.file("checks/test_own.py", "def test_own(prodcheck_http):\n    return prodcheck_http.get('/x').is_success\n")
    assert_required("fg-return-false", gate.run("checks"))


THREAD = """
import threading, pytest
{mark}
def test_x(prodcheck_http):
    def look():
        assert prodcheck_http.get('/').status_code == 201
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
"""


@pytest.mark.parametrize(
    ("mark", "options"),
    [
        ("", ()),
        ("", ("-W", "ignore")),
        ("@pytest.mark.filterwarnings('ignore')", ()),
        ("", ("-p", "no:threadexception")),
    ],
    ids=["plain", "warnings-ignored", "marked", "no-threadexception"],
)
def test_exception_in_a_thread(gate, assert_required, mark, options):
    """An exception in a thread of a test fails it, whatever becomes of pytest's warning."""
    gate.file("checks/test_own.py", THREAD.format(mark=mark))
    assert_required("fg-thread-exception", gate.run("checks", *options))


LOSSY = """
import datetime, pytest
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if "home" in item.nodeid:
        report.when_utc = datetime.datetime.now()
    return report
"""


def test_lost_report(gate, assert_required):
    """A report that a worker cannot send is missed by the controller."""
    gate.file("lossy.py", LOSSY)
    assert_required("fg-xdist-lost-report", gate.run("-n", "2", "-p", "lossy", env={"PYTHONPATH": str(gate.path)}))


def test_worker_dies(gate, assert_required):
    """A worker that dies names the check that it was running and the last operation that was sent."""
    gate.system.on("/x", "ok")
    gate.file(
        "checks/test_own.py",
        "import os\ndef test_dies(prodcheck_http):\n    prodcheck_http.get('/x')\n    os._exit(0)\n",
    )
    assert_required("fg-xdist-worker-crash", gate.run("-n", "2", "checks"))


def test_virtual_environment_in_the_project(gate, assert_required):
    """With the plugin's suites in .venv inside the project, the gate's checks run all the same."""
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(gate.path / ".venv")], check=True)
    for arguments in ((), (".",)):
        outcome = gate.run(*arguments)
        assert_required("fg-venv-inside-project", outcome)
        assert set(outcome.words) == {"test_ready", "test_endpoint[home]"}
    gate.system.on("/", "ok", 500)
    gate.run().assert_is(1, "fail", "500")
