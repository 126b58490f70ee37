"""False greens by configuration: what promises nothing, or cannot be read, is exit 4 and nothing is sent."""

from __future__ import annotations

HTTP = '[env.staging.http]\nurl = "URL"\nendpoints.home = "/"\n'


def test_misspelt_environment(gate, required):
    """An environment that does not exist is refused with the nearest one that does."""
    gate.environment = "stagign"
    required("fg-env-typo", gate.run())
    assert gate.sent() == 0


def test_environment_without_target(gate, required):
    """An environment that declares no target is refused."""
    gate.config('[env.staging]\nkind = "staging"\n')
    required("fg-empty-config", gate.run())


def test_no_configuration_file(gate, required):
    """Without prodcheck.toml the places that were looked at are listed."""
    (gate.path / "prodcheck.toml").unlink()
    required("fg-no-config-file", gate.run())


def test_misspelt_key(gate, required):
    """An unknown key is refused with the nearest known one, never ignored."""
    gate.config(more='latancy = ["p95 < 500ms"]')
    required("fg-config-key-typo", gate.run())
    assert gate.sent() == 0


def test_extends_in_a_circle(gate, required):
    """Environments that extend each other are refused, with the circle."""
    gate.config('[env.staging]\nextends = "base"\n[env.base]\nextends = "staging"\n' + HTTP)
    required("fg-extends-cycle", gate.run())


def test_empty_secret(gate, required):
    """A reference that gives the empty string is not a secret."""
    gate.config(
        '[env.staging.database]\ndsn = "postgresql://app:{env:PG_PASSWORD}@127.0.0.1:9/x"\ntables = ["goals"]\n'
    )
    required("fg-secret-env-empty", gate.run(env={"PG_PASSWORD": ""}))


def test_unset_secret_in_a_header(gate, required):
    """A user whose token is not there is refused before the anonymous request that would pass."""
    gate.config(
        '[env.staging.users.member]\ngrant = "static"\ntoken = "env:API_TOKEN"\nopaque = true\n'
        '[env.staging.http]\nurl = "URL"\nendpoints.home = { path = "/", as = "member" }\n'
    )
    required("fg-secret-env-unset-in-header", gate.run())
    assert gate.sent() == 0


def test_test_needs_a_target_that_is_not_configured(gate, required):
    """A user's test that needs a target which the environment lacks is exit 4, not skipped."""
    gate.file("test_own.py", "import pytest\n@pytest.mark.rls('goals')\ndef test_x(prodcheck_database): ...\n")
    required("fg-required-target-not-configured", gate.run("test_own.py"))
    assert gate.sent() == 0


def test_contract_of_no_table(gate, required):
    """`tables = []` promises nothing and is refused."""
    gate.config('[env.staging.database]\ndsn = "env:DSN"\ntables = []\n')
    required("fg-contract-zero-tables", gate.run(env={"DSN": "postgresql://127.0.0.1:9/x"}))


def test_rls_of_no_table(gate, required):
    """`rls.tables = []` promises nothing and is refused."""
    gate.config('[env.staging.database]\ndsn = "env:DSN"\n[env.staging.database.rls]\ntables = []\n')
    required("fg-empty-policy-list", gate.run(env={"DSN": "postgresql://127.0.0.1:9/x"}))


def test_two_checks_with_one_id(gate, required):
    """Two endpoints whose names give one id are refused, with both lines."""
    gate.config(endpoints='"api health" = "/a"\n"api-health" = "/b"\n')
    required("fg-duplicate-check-ids", gate.run())


def test_limit_without_unit(gate, required):
    """A limit without a unit is refused, with the one that is probably meant."""
    gate.config(more='latency = ["p95 < 500"]')
    required("fg-threshold-unit", gate.run())
