"""Other ways around a verdict: each hook or option here makes plain pytest green, and never the gate."""

from __future__ import annotations

import pytest

TOOK_AWAY = {
    "cleared": "def pytest_collection_modifyitems(items):\n    items.clear()\n",
    "trylast": (
        "import pytest\n@pytest.hookimpl(trylast=True)\ndef pytest_collection_modifyitems(items):\n    del items[1:]\n"
    ),
    "said": (
        "def pytest_collection_modifyitems(config, items):\n"
        "    config.hook.pytest_deselected(items=items[1:])\n    del items[1:]\n"
    ),
    "finish": "def pytest_collection_finish(session):\n    del session.items[1:]\n",
    "protocol": "def pytest_runtest_protocol(item):\n    return True if 'home' in item.nodeid else None\n",
    "loop": "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_runtestloop(session):\n    return True\n",
    "itemcollected": (
        "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_pycollect_makeitem(collector, name):\n"
        "    items = yield\n    return [] if name == 'test_endpoint' else items\n"
    ),
    "should-stop": "def pytest_runtest_logfinish(nodeid, location):\n    raise SystemExit(0)\n",
    "stop": (
        "import pytest\n@pytest.fixture(autouse=True)\ndef stops(request):\n    yield\n"
        "    request.session.shouldstop = 'enough'\n"
    ),
    "call": "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem):\n    return True\n",
    "makereport": (
        "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        "    report = yield\n    report.outcome = 'passed'\n    return report\n"
    ),
    "logreport": (
        "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_logreport(report):\n"
        "    report.outcome = 'passed'\n"
    ),
    "skip-in-fixture": "import pytest\n@pytest.fixture(autouse=True)\ndef skips():\n    pytest.skip('no')\n",
    "skip-in-setup": "import pytest\ndef pytest_runtest_setup(item):\n    pytest.skip('no')\n",
    "skipif": (
        "import pytest\ndef pytest_collection_modifyitems(items):\n"
        "    [item.add_marker(pytest.mark.skipif(True, reason='no')) for item in items]\n"
    ),
    "xfail-not-run": (
        "import pytest\ndef pytest_collection_modifyitems(items):\n"
        "    [item.add_marker(pytest.mark.xfail(run=False)) for item in items]\n"
    ),
}


@pytest.mark.parametrize("hook", TOOK_AWAY)
@pytest.mark.parametrize("as_plugin", [False, True], ids=["conftest", "plugin"])
def test_hooks_that_take_checks_away(gate, hook, as_plugin):
    """A hook that keeps a broken check from being executed or judged leaves the run red."""
    gate.config(endpoints='home = "/b"\n')
    gate.system.on("/b", 500)
    gate.file("taker.py" if as_plugin else "conftest.py", TOOK_AWAY[hook])
    outcome = gate.run(*(("-p", "taker") if as_plugin else ()), env={"PYTHONPATH": str(gate.path)})
    assert outcome.status in (1, 3)
    assert outcome.word == "fail"


ENDED = {
    "cmdline": "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_cmdline_main(config):\n    return 0\n",
    "start": "import pytest\ndef pytest_sessionstart(session):\n    pytest.exit('no', returncode=0)\n",
    "collection": "import pytest\ndef pytest_collection(session):\n    pytest.exit('no', returncode=0)\n",
    "finish": (
        "import pytest\n@pytest.hookimpl(tryfirst=True)\ndef pytest_sessionfinish(session):\n"
        "    pytest.exit('no', returncode=0)\n"
    ),
    "wrapped-finish": (
        "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_sessionfinish(session):\n"
        "    yield\n    session.exitstatus = 0\n"
    ),
    "unconfigure": "def pytest_unconfigure(config):\n    config._session_status = 0\n    raise SystemExit(0)\n",
    "cleanup": (
        "def pytest_sessionfinish(session):\n"
        "    session.config.add_cleanup(lambda: setattr(session, 'exitstatus', 0))\n"
    ),
    "interrupt": "def pytest_runtest_logstart(nodeid):\n    raise KeyboardInterrupt\n",
    "internal": "def pytest_runtest_logstart(nodeid):\n    raise RuntimeError('mine')\n",
}


@pytest.mark.parametrize("hook", ENDED)
def test_hooks_that_end_the_session(gate, hook):
    """A hook that ends the session, or sets its status, at any moment leaves the run red."""
    gate.config(endpoints='home = "/b"\n')
    gate.system.on("/b", 500)
    gate.file("ender.py", ENDED[hook])
    outcome = gate.run("-p", "ender", env={"PYTHONPATH": str(gate.path)})
    assert outcome.status != 0
    assert outcome.word in ("fail", "none")


@pytest.mark.parametrize(
    "part", ["prodcheck-gate", "prodcheck-run", "prodcheck-judging", "prodcheck-scrubbing", "prodcheck-threads"]
)
def test_parts_switched_off(gate, part):
    """A part of the gate that -p no: switches off is refused."""
    gate.run("-p", f"no:{part}").assert_is(4, "none", f"no:{part}")
    assert gate.sent() == 0


@pytest.mark.parametrize("plugin", ["runner", "main", "python", "session", "skipping", "unittest", "mark"])
def test_parts_of_pytest_switched_off(gate, plugin):
    """Without a part of pytest that runs tests, a broken system is not green."""
    gate.config(endpoints='home = "/b"\n')
    gate.system.on("/b", 500)
    assert gate.run("-p", f"no:{plugin}").status != 0


@pytest.mark.parametrize("option", ["--help", "--version", "--markers", "--fixtures", "--fixtures-per-test", "--co"])
def test_options_that_only_list(gate, option):
    """What only lists sends nothing, resolves no secret and reaches no verdict."""
    gate.config(more='headers = { X-Key = "env:NO_SUCH_VARIABLE" }')
    outcome = gate.run(option)
    outcome.assert_is(0, "none")
    assert gate.sent() == 0
    assert outcome.verdict is None


@pytest.mark.parametrize("option", ["--fixtures", "--co", "--prodcheck-plan"])
def test_listing_leaves_no_old_green(gate, option):
    """What only lists turns an old green verdict into an unfinished one, so that a later step cannot read it."""
    gate.file(".prodcheck/staging/verdict.json", '{"verdict": "pass", "exit_status": 0}')
    assert gate.run(option).word == "none"
