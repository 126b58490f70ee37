"""False greens by configuration: what promises nothing, or cannot be read, is exit 4 and nothing is sent."""

from __future__ import annotations

HTTP = '[env.staging.http]\nurl = "URL"\nendpoints.home = "/"\n'


def test_misspelt_environment(gate, assert_required):
    """An environment that does not exist is refused with the nearest one that does."""
    gate.environment = "stagign"
    assert_required("fg-env-typo", gate.run())
    assert gate.sent() == 0


def test_environment_without_target(gate, assert_required):
    """An environment that declares no target is refused."""
    gate.config('[env.staging]\nkind = "staging"\n')
    assert_required("fg-empty-config", gate.run())


def test_no_configuration_file(gate, assert_required):
    """Without prodcheck.toml the places that were looked at are listed."""
    (gate.path / "prodcheck.toml").unlink()
    assert_required("fg-no-config-file", gate.run())


def test_misspelt_key(gate, assert_required):
    """An unknown key is refused with the nearest known one, never ignored."""
    gate.config(more='latancy = ["p95 < 500ms"]')
    assert_required("fg-config-key-typo", gate.run())
    assert gate.sent() == 0


def test_extends_in_a_circle(gate, assert_required):
    """Environments that extend each other are refused, with the circle."""
    gate.config('[env.staging]\nextends = "base"\n[env.base]\nextends = "staging"\n' + HTTP)
    assert_required("fg-extends-cycle", gate.run())


def test_empty_secret(gate, assert_required):
    """A reference that gives the empty string is not a secret."""
    gate.config(
        '[env.staging.database]\ndsn = "postgresql://app:{env:PG_PASSWORD}@127.0.0.1:9/x"\ntables = ["goals"]\n'
    )
    assert_required("fg-secret-env-empty", gate.run(env={"PG_PASSWORD": ""}))


def test_unset_secret_in_a_header(gate, assert_required):
    """A user whose token is not there is refused before the anonymous request that would pass."""
    gate.config(
        '[env.staging.users.member]\ngrant = "static"\ntoken = "env:API_TOKEN"\nopaque = true\n'
        '[env.staging.http]\nurl = "URL"\nendpoints.home = { path = "/", as = "member" }\n'
    )
    assert_required("fg-secret-env-unset-in-header", gate.run())
    assert gate.sent() == 0


def test_test_needs_a_target_that_is_not_configured(gate, assert_required):
    """A user's test that needs a target which the environment lacks is exit 4, not skipped."""
    gate.file("test_own.py", "import pytest\n@pytest.mark.rls('goals')\ndef test_x(prodcheck_database): ...\n")
    assert_required("fg-required-target-not-configured", gate.run("test_own.py"))
    assert gate.sent() == 0


def test_contract_of_no_table(gate, assert_required):
    """`tables = []` promises nothing and is refused."""
    gate.config('[env.staging.database]\ndsn = "env:DSN"\ntables = []\n')
    assert_required("fg-contract-zero-tables", gate.run(env={"DSN": "postgresql://127.0.0.1:9/x"}))


def test_rls_of_no_table(gate, assert_required):
    """`rls.tables = []` promises nothing and is refused."""
    gate.config('[env.staging.database]\ndsn = "env:DSN"\n[env.staging.database.rls]\ntables = []\n')
    assert_required("fg-empty-policy-list", gate.run(env={"DSN": "postgresql://127.0.0.1:9/x"}))


def test_two_checks_with_one_id(gate, assert_required):
    """Two endpoints whose names give one id are refused, with both lines."""
    gate.config(endpoints='"api health" = "/a"\n"api-health" = "/b"\n')
    assert_required("fg-duplicate-check-ids", gate.run())


def test_limit_without_unit(gate, assert_required):
    """A limit without a unit is refused, with the one that is probably meant."""
    gate.config(more='latency = ["p95 < 500"]')
    assert_required("fg-threshold-unit", gate.run())
