"""False greens by selection: checks that are skipped, dropped, deselected or stopped are never a green."""

from __future__ import annotations

import pytest
from harness import Gate

SUPPRESS = "[pytest]\naddopts = --suppress-no-test-exit-code\n"
TWO = 'a = "/a"\nb = "/b"\n'


def items_hook(gate: Gate, body: str) -> None:
    """A conftest whose `pytest_collection_modifyitems` does `body`."""
    gate.file("conftest.py", f"import pytest\ndef pytest_collection_modifyitems(config, items):\n    {body}\n")


def test_nothing_selected_by_k(gate, assert_required):
    """All deselected by -k is exit 5, also under --suppress-no-test-exit-code."""
    gate.file("pytest.ini", SUPPRESS)
    assert_required("fg-all-deselected-k", gate.run("-k", "no_such_name"))
    assert gate.sent() == 0


def test_nothing_selected_by_m(gate, assert_required):
    """All deselected by -m is exit 5, and the verdict is fail."""
    assert_required("fg-all-deselected-m", gate.run("-m", "nightly"))


def test_everything_skipped(gate, assert_required):
    """A conftest that skips every check proves nothing."""
    items_hook(gate, "[item.add_marker(pytest.mark.skip('not today')) for item in items]")
    assert_required("fg-all-skipped", gate.run())


def test_one_check_skipped(gate, assert_required, postgres):
    """A conftest that skips one check of many makes the run red."""
    gate.config('[env.staging.database]\ndsn = "env:DSN"\n[env.staging.database.rls]\ntables = ["goals"]\n')
    items_hook(gate, "[item.add_marker(pytest.mark.skip('slow')) for item in items if 'test_rls' in item.nodeid]")
    assert_required("fg-one-required-skipped", gate.run(env={"DSN": postgres.dsn()}))


def test_everything_expected_to_fail(gate, assert_required):
    """xfail never hides a finding of a shipped check."""
    gate.system.on("/b", 500)
    gate.config(endpoints=TWO.replace('"/a"', '"/"'))
    items_hook(gate, "[item.add_marker(pytest.mark.xfail(strict=False)) for item in items]")
    assert_required("fg-conftest-xfail", gate.run())


def test_a_hook_drops_a_check(gate, assert_required):
    """A check that a conftest removes without saying so is missed."""
    items_hook(gate, "items[:] = [item for item in items if 'home' not in item.nodeid]")
    assert_required("fg-conftest-drops-items", gate.run())


def test_deselect_in_addopts(gate, assert_required, postgres):
    """A check that --deselect in addopts takes away is missed."""
    gate.config('[env.staging.database]\ndsn = "env:DSN"\nlogins = { app = "env:APP" }\n')
    gate.file("pytest.ini", "[pytest]\naddopts = --deselect prodcheck.toml::database::test_login\n")
    outcome = gate.run(env={"DSN": postgres.dsn(), "APP": postgres.dsn("app", "wrong")})
    assert_required("fg-deselect-option", outcome)


def test_last_failed_after_blocked(gate, assert_required, postgres):
    """--lf runs blocked checks again, so that what was hidden behind the block is seen."""
    gate.config(head='[env.staging.database]\ndsn = "env:DSN"\ntables = ["goals"]\n')
    first = gate.run(env={"DSN": "postgresql://127.0.0.1:9/x"})
    assert (first.status, first.words["test_tables"]) == (1, "blocked")
    second = gate.run("--lf", env={"DSN": postgres.dsn()})
    assert_required("fg-lf-after-blocked", second)
    assert second.words["test_tables"] == "fail"


def test_stepwise(gate, assert_required):
    """A run that --stepwise began in the middle is partial and says what it did not execute."""
    gate.config(endpoints=TWO)
    gate.system.on("/a", "ok")
    gate.system.on("/b", 500)
    gate.run("--sw")
    gate.system.on("/a", 500)
    gate.system.on("/b", "ok")
    assert_required("fg-stepwise", gate.run("--sw"))


def test_exit_first(gate, assert_required):
    """-x lists what it did not execute; nothing is absent as if it were fine."""
    gate.config(endpoints=TWO)
    gate.system.on("/a", 500)
    outcome = gate.run("-x")
    assert_required("fg-exitfirst", outcome)
    assert outcome.left_out == {"prodcheck.toml::http::test_endpoint[b]": "stopped: -x"}
    assert outcome.verdict["complete"] is False


def test_collect_only(gate, assert_required):
    """--collect-only says that nothing was sent and writes no verdict."""
    assert_required("fg-collect-only", gate.run(env={"PYTEST_ADDOPTS": "--co"}))
    assert gate.sent() == 0


@pytest.mark.parametrize("option", ["--setup-plan", "--setup-only"])
def test_setup_only(gate, assert_required, option):
    """--setup-plan and --setup-only execute no check: red."""
    gate.file("pytest.ini", f"[pytest]\naddopts = {option}\n")
    gate.config(endpoints='b = "/b"\n')
    gate.system.on("/b", 500)
    outcome = gate.run()
    if option == "--setup-plan":
        assert_required("fg-setup-plan", outcome)
    outcome.assert_is(1, "fail", rf"0 checks executed \({option}\)")


@pytest.mark.parametrize(("option", "said"), [("-x", "stopped by -x"), ("--maxfail=1", "stopped by -x")])
def test_exit_first_with_workers(gate, option, said):
    """-x under xdist is a failed run that was stopped by -x, and no Ctrl-C."""
    gate.config(endpoints='a = "/a"\nb = "/b"\nc = "/c"\n')
    for path in ("/a", "/b", "/c"):
        gate.system.on(path, "ok", 500)
    gate.run("-n", "2", option).assert_is(1, "fail", said)
