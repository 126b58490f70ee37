"""What runs: ids pasted back from anywhere, every way to distribute, and layouts that could lose the suites."""

from __future__ import annotations

import pytest
from harness import Gate

HOME = "prodcheck.toml::http::test_endpoint[home]"
ALL = {"test_ready": "pass", "test_endpoint[home]": "pass"}


@pytest.mark.parametrize("folder", [".", "deep/er"])
def test_id_pasted_back(gate, folder, monkeypatch):
    """An id of the verdict selects that check from any directory; the verdict is partial."""
    (gate.path / folder).mkdir(parents=True, exist_ok=True)
    (gate.path / "pytest.ini").touch()
    monkeypatch.chdir(gate.path / folder)
    outcome = gate.run(HOME)
    outcome.assert_is(0, "pass", "partial")
    assert outcome.words == {"test_endpoint[home]": "pass"}
    assert outcome.left_out == {"prodcheck.toml::http::test_ready": "paths or ids"}


def test_id_of_a_configuration_elsewhere(gate):
    """With --prodcheck-config the ids still begin with prodcheck.toml, whatever the file is called, also for --lf."""
    (gate.path / "conf").mkdir()
    (gate.path / "prodcheck.toml").rename(gate.path / "conf/gate.toml")
    gate.system.on("/", "ok", 500, 500)
    first = gate.run("--prodcheck-config=conf/gate.toml")
    assert first.words == {"test_ready": "pass", "test_endpoint[home]": "fail"}
    outcome = gate.run("--prodcheck-config=conf/gate.toml", HOME)
    assert outcome.words == {"test_endpoint[home]": "fail"}
    gate.system.on("/", "ok")
    again = gate.run("--prodcheck-config=conf/gate.toml", "--lf")
    again.assert_is(0, "pass", "partial")
    assert again.words == {"test_endpoint[home]": "pass"}
    assert again.left_out == {"prodcheck.toml::http::test_ready": "--lf"}


def test_demo_id_beside_a_configuration_of_ones_own(gate):
    """For the demo, ids mean the demo's checks, beside the user's own prodcheck.toml; everything else is left out."""
    gate.environment = "demo"
    outcome = gate.run("prodcheck.toml::http::test_endpoint[login]")
    outcome.assert_is(0, "pass", "partial")
    assert outcome.words == {"test_endpoint[login]": "pass"}
    assert gate.sent() == 0


def test_one_step_of_a_session_alone(gate):
    """Whoever listens in another step is logged in: a pasted id is judged as the whole gate judges it."""
    gate.environment = "demo"
    outcome = gate.run("prodcheck.toml::websocket::test_step[count]")
    outcome.assert_is(0, "pass", "partial")
    assert outcome.words == {"test_step[count]": "pass"}


@pytest.mark.parametrize("dist", ["load", "loadscope", "loadfile", "loadgroup", "worksteal"])
def test_distributed(gate, dist):
    """Every way to distribute gives the same checks, sent once, and the same verdict."""
    gate.config(endpoints="".join(f'e{number} = "/{number}"\n' for number in range(6)))
    for number in range(6):
        gate.system.on(f"/{number}", 500 if number == 3 else 200)
    outcome = gate.run("-n", "4", f"--dist={dist}")
    outcome.assert_is(1, "fail")
    assert outcome.words == {"test_ready": "pass", **{f"test_endpoint[e{n}]": "pass" for n in range(6)}} | {
        "test_endpoint[e3]": "fail"
    }
    assert all(gate.system.count(f"GET /{number}") <= 2 for number in range(6))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("-n", "2", "--dist=each"), "--dist each"), (("--tx", "ssh=host//python=python3", "-d"), "--tx ssh")],
    ids=["each", "remote"],
)
def test_refused_distributions(gate, arguments, said):
    """Checks that would run several times, or elsewhere, are refused before anything is sent."""
    gate.run(*arguments).assert_is(4, "none", said, "nothing was sent")
    assert gate.sent() == 0


@pytest.mark.parametrize(
    ("ini", "arguments"),
    [
        ("python_files = check_*.py", ()),
        ("python_functions = should_*", ()),
        ("", ("--import-mode=importlib",)),
        ("testpaths = elsewhere", ()),
        ("norecursedirs = * .*", ()),
        ("collect_imported_tests = false", ()),
        ("addopts = --strict-markers --strict-config -p no:cacheprovider", ()),
        ("addopts = --ignore=prodcheck.toml --ignore-glob=*.toml", ()),
        ("", ("-p", "no:terminal")),
        ("", (".",)),
        ("", ("prodcheck.toml",)),
    ],
)
def test_settings_of_the_project(gate, ini, arguments):
    """No setting of the project that narrows collection loses a shipped check."""
    gate.file("pytest.ini", f"[pytest]\n{ini}\n")
    gate.file("elsewhere/test_own.py", "def test_own(): ...\n")
    gate.file("staging/readme.txt", "a directory with the environment's name")
    outcome = gate.run(*arguments)
    outcome.assert_is(0, "pass")
    assert ALL.items() <= outcome.words.items()
    assert outcome.verdict["complete"] is True


def own_suite(gate: Gate, text: str = "def test_own(prodcheck_http):\n    prodcheck_http.get('/')\n") -> None:
    """A configuration that names the team's own suite."""
    gate.config('[prodcheck]\nsuites = ["checks/"]\n[env.staging.http]\nurl = "URL"\nendpoints.home = "/"\n')
    gate.file("checks/test_own.py", text)
    gate.file("test_unit.py", "def test_unit(): raise SystemExit('unit tests are not the gate')\n")


def test_own_suites_run_with_the_gate(gate):
    """The team's own suites run with the gate, with fixtures of their conftest; unit tests beside them do not."""
    own_suite(gate, "def test_own(prodcheck_http, path):\n    prodcheck_http.get(path)\n")
    gate.file("checks/conftest.py", "import pytest\n@pytest.fixture\ndef path(): return '/'\n")
    outcome = gate.run()
    outcome.assert_is(0, "pass")
    assert outcome.words == ALL | {"test_own": "pass"}
    assert outcome.verdict["complete"] is True


@pytest.mark.parametrize(
    ("ini", "text"),
    [("python_files = check_*.py", "def test_own(): ...\n"), ("", "VALUE = 1\n")],
    ids=["python_files", "no-test"],
)
def test_own_suite_without_a_test(gate, ini, text):
    """A suite that is named and holds no test is refused: it would prove nothing."""
    own_suite(gate, text)
    gate.file("pytest.ini", f"[pytest]\n{ini}\n")
    gate.run().assert_is(4, "none", r"suites: checks/ holds no test", "nothing was sent")
    assert gate.sent() == 0


@pytest.mark.parametrize(
    "text",
    [
        "import pytest\npytest.skip('later', allow_module_level=True)\n",
        "import pytest\npytest.importorskip('no_such_module')\ndef test_own(): ...\n",
        "import pytest\n@pytest.mark.parametrize('n', [])\ndef test_own(n): ...\n",
        "import pytest\n@pytest.mark.skip('later')\ndef test_own(): ...\n",
        "import pytest\ndef test_own(): pytest.skip('later')\n",
    ],
    ids=["module", "importorskip", "no-parameters", "mark", "body"],
)
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_own_test_that_skips(gate, text, workers):
    """A test of the team's own that skips itself proves nothing: insufficient, exit 6."""
    own_suite(gate)
    gate.file("checks/test_more.py", text)
    gate.run(*workers).assert_is(6, "insufficient", "skipped by itself")


def test_own_test_that_cannot_be_collected(gate):
    """A module that cannot be imported is red, and pytest's own status is kept."""
    own_suite(gate, "import no_such_module\n")
    outcome = gate.run()
    assert outcome.status in (1, 2)
    outcome.assert_says("no_such_module")
    assert outcome.word == "fail"


def test_changed_order(gate):
    """Limits of a whole target run last, whatever a hook makes of the order."""
    gate.config(more='latency = ["< 5s"]')
    gate.file("conftest.py", "def pytest_collection_modifyitems(items):\n    items.reverse()\n")
    outcome = gate.run("-v")
    outcome.assert_is(0, "pass")
    assert outcome.text.index("test_endpoint") < outcome.text.index("http::test_latency")


LOADED = """
import pytest
@pytest.mark.load
def test_heavy(): ...
@pytest.mark.smoke
def test_light(): ...
@pytest.mark.soak
@pytest.mark.smoke
def test_long(): ...
"""


@pytest.mark.parametrize(
    ("expression", "run"),
    [
        ("", {"test_light"}),
        ("load", {"test_heavy"}),
        ("load or smoke", {"test_heavy", "test_light"}),
        ("not soak", {"test_light"}),
        ("smoke", {"test_light"}),
        ("not contract", {"test_light"}),
        ("smoke and soak", {"test_long"}),
        ("load or soak", {"test_heavy", "test_long"}),
    ],
)
def test_opt_in_marks(gate, expression, run):
    """`load` and `soak` run only where the -m expression is true with the mark and false without it."""
    gate.config(more="[env.staging.load]\nconsent = true\n")
    gate.file("checks/test_own.py", LOADED)
    outcome = gate.run("checks", *(("-m", expression) if expression else ()))
    assert set(outcome.words) == run
    assert outcome.verdict["complete"] is False


@pytest.mark.parametrize("table", ["", '[env.staging.load]\nscenarios = ["browse"]\n'], ids=["absent", "unsaid"])
@pytest.mark.parametrize("expression", ["load", "load or smoke", "soak", "smoke and soak"])
def test_load_needs_consent(gate, expression, table):
    """Without `consent = true`, `-m load` is exit 4 and nothing is sent (A48; load-no-consent)."""
    gate.config(more=table)
    gate.file("checks/test_own.py", LOADED)
    outcome = gate.run("checks", "-m", expression)
    assert outcome.status == 4
    assert "environment staging does not consent to load" in outcome.text
    assert gate.system.asked == []


def test_load_that_is_not_asked_for_is_left_out_and_the_run_complete(gate):
    """A gate without -m is whole: load is opt-in, and the verdict says that it was not run (C41)."""
    gate.config(more='[env.staging.load]\nconsent = true\nscenarios = ["browse"]\n')
    outcome = gate.run()
    outcome.assert_is(0, "pass")
    assert outcome.verdict["complete"] is True
    assert [row["id"] for row in outcome.verdict["left_out"]] == ["prodcheck.toml::load::test_load[browse]"]


TEAM = "[prodcheck]\nsuites = ['checks']\n[env.staging.http]\nurl = 'URL'\nendpoints.home = '/'\n"


@pytest.mark.parametrize(
    ("option", "conftest", "name", "reason"),
    [
        ("--ignore=checks/sub/test_b.py", "", "checks/sub/test_b.py", "--ignore"),
        ("--ignore=checks/sub", "", "checks/sub", "--ignore"),
        ("--ignore-glob=*/test_b.py", "", "checks/sub/test_b.py", "--ignore-glob"),
        ("-q", "collect_ignore = ['sub/test_b.py']", "checks/sub/test_b.py", "collect_ignore"),
        ("-q", "collect_ignore_glob = ['su*']", "checks/sub", "collect_ignore"),
        (
            "-q",
            "def pytest_ignore_collect(collection_path):\n    return collection_path.name == 'test_b.py' or None",
            "checks/sub/test_b.py",
            "a hook",
        ),
        ("-opython_functions=check_*", "", "python_functions", "-o python_functions=check_*"),
    ],
)
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_tests_that_are_never_collected(gate, option, conftest, name, reason, workers):
    """Tests of the team that are never collected are named, and the verdict is not complete."""
    gate.config(TEAM)
    gate.file("checks/test_a.py", "def test_a(): ...\ndef check_a(): ...\n")
    gate.file("checks/sub/test_b.py", "def test_b(): assert False\ndef check_b(): ...\n")
    gate.file("checks/conftest.py", conftest)
    outcome = gate.run(option, *workers)
    outcome.assert_is(0, "pass", "partial")
    assert outcome.verdict["complete"] is False
    assert reason in outcome.left_out[name]


def test_directories_without_tests_are_not_missed(gate):
    """What pytest never enters, and what holds no test, narrows nothing."""
    gate.config(TEAM)
    gate.file("checks/test_a.py", "def test_a(): ...\n")
    gate.file("checks/.hidden/test_x.py", "def test_x(): assert False\n")
    gate.file("checks/helper/check.py", "")
    gate.file("checks/conftest.py", "collect_ignore = ['helper']")
    outcome = gate.run()
    outcome.assert_is(0, "pass")
    assert outcome.verdict["complete"] is True


def test_plan_file_alone_beside_suites(gate):
    """The plan file as the only path leaves the team's own suites out; they are not called empty."""
    gate.config(head='[prodcheck]\nsuites = ["checks/"]\n')
    gate.file("checks/test_own.py", "def test_own(): pass\n")
    outcome = gate.run("prodcheck.toml")
    outcome.assert_is(0, "pass")
    assert "test_own" not in outcome.words


def test_a_shipped_check_stands_where_pytest_itself_would_find_it(gate):
    """Path, line and name in every report are those of its function, although they are looked for once a function."""
    gate.config(endpoints='a = "/"\nb = "/"\n')
    gate.file(
        "conftest.py",
        "def pytest_collection_finish(session):\n"
        "    for item in session.items:\n"
        "        said = item.location\n"
        "        del item.location\n"
        "        print(item.name, 'stands where it says' if item.location == said else said)\n",
    )
    names = ("test_ready", r"test_endpoint\[a\]", r"test_endpoint\[b\]")
    gate.run("-s").assert_is(0, "pass", *(f"{name} stands where it says" for name in names))
