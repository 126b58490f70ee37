"""`extends`, families and defaults: what an environment comes to."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pytest_prodcheck.config import loader
from pytest_prodcheck.config.models import AuthTarget, Environment, HttpTarget, LogsTarget
from pytest_prodcheck.errors import ConfigError

BASE = """
[env._base]
deadline = "60s"
writes = ["order"]
[env._base.http]
url = "https://base.test"
latency = ["< 2s", "p95 < 500ms"]
headers = { X-A = "1", X-B = "2" }
security_headers = "owasp"
[env._base.http.endpoints]
home = "/"
order = { path = "/o", method = "POST", effect = "write", cleanup = "none: test" }
[env._base.graphql]
url = "https://base.test/graphql"
ide = true
[[env._base.accepted]]
code = "a.b.c"
reason = "X-1"
until = 2026-12-01
"""


def load(folder: Path, toml: str, name: str = "staging") -> Environment:
    """One environment of a file."""
    (folder / "prodcheck.toml").write_text(toml, "utf-8")
    return loader.load(folder / "prodcheck.toml", name, date(2026, 11, 24))


def http(environment: Environment, target: str = "http") -> HttpTarget:
    """An http target of it."""
    found = environment.targets[target]
    assert isinstance(found, HttpTarget)
    return found


def test_tables_merge_and_lists_replace(tmp_path: Path) -> None:
    """A child adds keys to tables; a list is the child's alone."""
    child = '[env.staging]\nextends = "_base"\n[env.staging.http]\nlatency = ["< 1s"]\nheaders = { X-B = "3" }\n'
    found = http(load(tmp_path, BASE + child))
    assert (found.latency, found.headers) == (("< 1s",), {"X-A": "1", "X-B": "3"})
    assert found.url == "https://base.test"


def test_false_removes_a_key_and_a_table(tmp_path: Path) -> None:
    """A removed limit, endpoint and target are gone."""
    child = (
        '[env.staging]\nextends = "_base"\ngraphql = false\n'
        "[env.staging.http]\nlatency = false\nendpoints.home = false\n"
    )
    environment = load(tmp_path, BASE + child)
    assert list(environment.targets) == ["http"]
    assert http(environment).latency == ()
    assert list(http(environment).endpoints) == ["order"]


def test_false_is_a_value_where_the_key_is_a_boolean(tmp_path: Path) -> None:
    """`ide = false` is a promise, not a removal."""
    child = '[env.staging]\nextends = "_base"\n[env.staging.graphql]\nide = false\nrequired = false\n'
    target = load(tmp_path, BASE + child).targets["graphql"]
    assert (getattr(target, "ide", None), target.required) == (False, False)


def test_false_is_a_value_inside_a_document(tmp_path: Path) -> None:
    """JSON has `false` too: an inherited expectation is replaced, not dropped."""
    toml = (
        '[env.base.http]\nurl = "https://a.test"\nendpoints.a = { path = "/", expect = { ready = "yes" } }\n'
        '[env.staging]\nextends = "base"\n[env.staging.http.endpoints.a]\nexpect.ready = false\n'
    )
    assert http(load(tmp_path, toml)).endpoints["a"].expect == {"ready": False}


def test_false_is_a_value_where_it_says_that_nothing_is_judged(tmp_path: Path) -> None:
    """Of logs: over an inherited promise it is not the default; a key that may be absent is removed."""
    base = '[env._base.logs]\nfile = "a.log"\ntraffic = "> 9"\npersonal_data = "error"\nslow = "1s"\n'
    own = '[env.staging]\nextends = "_base"\n[env.staging.logs]\ntraffic = false\npersonal_data = false\nslow = false\n'
    logs = load(tmp_path, base + own).targets["logs"]
    assert isinstance(logs, LogsTarget)
    assert (logs.traffic, logs.personal_data, logs.slow) == (False, False, None)


def test_logs_without_an_address_are_those_of_the_cluster(tmp_path: Path) -> None:
    """A table is a family only where a table in it has an address."""
    cluster = '[env.staging.cluster]\ncontext = "staging"\n'
    plain = load(tmp_path, cluster + "[env.staging.logs]\n").targets
    members = '[env.staging.logs]\nlevel = "fatal"\n[env.staging.logs.app]\nfile = "a.log"\n'
    family = load(tmp_path, cluster + members).targets
    assert list(plain) == ["cluster", "logs"]
    assert list(family) == ["cluster", "logs.app"]
    assert isinstance(family["logs.app"], LogsTarget)
    assert family["logs.app"].level == "fatal"


def test_writes_and_accepted_are_never_inherited(tmp_path: Path) -> None:
    """What one environment permits or accepts says nothing about another."""
    environment = load(tmp_path, BASE + '[env.staging]\nextends = "_base"\n')
    assert (environment.writes, environment.accepted) == ((), ())
    assert not environment.permits("http", "order", http(environment).endpoints["order"])
    assert environment.permits("http", "home", http(environment).endpoints["home"])


@pytest.mark.parametrize("name", ["order", "http.order"])
def test_a_write_is_permitted_by_name(name: str, tmp_path: Path) -> None:
    """By its key, or with its target where that is clearer."""
    environment = load(tmp_path, BASE + f'[env.staging]\nextends = "_base"\nwrites = ["{name}"]\n')
    assert environment.permits("http", "order", http(environment).endpoints["order"])


def test_a_short_endpoint_can_be_extended_by_a_table(tmp_path: Path) -> None:
    """`home = "/"` is a table with nothing but a path."""
    child = '[env.staging]\nextends = "_base"\n[env.staging.http.endpoints.home]\nlatency = "< 1s"\n'
    home = http(load(tmp_path, BASE + child)).endpoints["home"]
    assert (home.path, home.latency) == ("/", ("< 1s",))


FAMILY = """
[env.staging]
timeout = "3s"
latency = "< 9s"
headers = { X-Env = "1" }
[env.staging.http]
latency = "< 2s"
headers = { X-Family = "2" }
[env.staging.http.app]
url = "https://a.test"
[env.staging.http.hasura]
url = "https://b.test"
latency = false
headers = { X-Env = "3" }
[env.staging.database]
dsn = "env:DSN"
"""


def test_a_family_shares_its_defaults_over_those_beside_kind(tmp_path: Path) -> None:
    """The target's own key wins over its family's, and that over the environment's; `false` removes either."""
    environment = load(tmp_path, FAMILY)
    assert list(environment.targets) == ["http.app", "http.hasura", "database"]
    app, hasura = http(environment, "http.app"), http(environment, "http.hasura")
    assert (app.latency, app.timeout, app.headers) == (("< 2s",), 3.0, {"X-Env": "1", "X-Family": "2"})
    assert (hasura.latency, hasura.headers) == ((), {"X-Env": "3", "X-Family": "2"})
    assert environment.targets["database"].latency == ("< 9s",)


def test_the_place_of_a_default_is_where_it_is_written(tmp_path: Path) -> None:
    """Messages about a shared key name the shared line."""
    environment = load(tmp_path, FAMILY)
    assert environment.where("http", "app", "latency") == "prodcheck.toml:7"
    assert environment.where("http", "app", "timeout") == "prodcheck.toml:3"
    assert environment.where("http", "app", "url") == "prodcheck.toml:10"


def test_a_shared_secret_without_an_issuer_means_hs256(tmp_path: Path) -> None:
    """RS256 would need public keys that come from nowhere."""
    target = load(tmp_path, "[env.staging.auth]\nsecret = 'env:JWT_SECRET'\n").targets["auth"]
    assert isinstance(target, AuthTarget)
    assert target.algorithms == ("HS256",)


def test_a_wrong_body_of_a_refused_login_is_no_secret(tmp_path: Path) -> None:
    """The interface's own example sends `not-a-token` and expects 401, and a POST that only expects 4xx is a read."""
    toml = (
        "[env.staging.http]\nurl = 'https://a.test'\n"
        "endpoints.v = { path = '/v', method = 'POST', json = { token = 'not-a-token' }, status = 401 }\n"
    )
    assert not http(load(tmp_path, toml)).endpoints["v"].writes


def test_tls_beside_kind_is_for_targets_that_speak_http(tmp_path: Path) -> None:
    """A default that no database can keep is none of its, and a database may be called tls."""
    toml = (
        "[env.staging]\ntls = { valid_for = '14d' }\n[env.staging.http]\nurl = 'https://a.test'\n"
        "[env.staging.database.tls]\ndsn = 'env:DSN'\n"
    )
    found = load(tmp_path, toml)
    assert http(found).tls.valid_for == 14 * 86400
    assert not hasattr(found.targets["database.tls"], "tls")


def test_a_removed_tls_of_a_database_promises_nothing(tmp_path: Path) -> None:
    """What `false` removes is not promised, and so not refused."""
    toml = (
        "[env._base.database]\ndsn = 'env:DSN'\ntls = { valid_for = '14d' }\n"
        "[env.staging]\nextends = '_base'\n[env.staging.database]\ntls = false\n"
    )
    assert set(load(tmp_path, toml).targets) == {"database"}


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """A contract beside the file is found from any working directory."""
    (tmp_path / "t.json").write_text('{"type": "object"}')
    (tmp_path / "ca.pem").write_text("pem")
    toml = (
        "[env.staging.http]\nurl = 'https://a.test'\ntls = { ca = 'ca.pem' }\n"
        "endpoints.a = { path = '/', schema = 't.json' }\n"
    )
    found = http(load(tmp_path, toml))
    assert (found.tls.ca, found.endpoints["a"].schema_) == (str(tmp_path / "ca.pem"), str(tmp_path / "t.json"))


def test_each_environment_is_judged_alone(tmp_path: Path) -> None:
    """A mistake in production does not stop staging, and stops production."""
    toml = "[env.staging.http]\nurl = 'https://a.test'\n[env.production.http]\nulr = 'x'\n"
    assert load(tmp_path, toml).name == "staging"
    with pytest.raises(ConfigError, match=r"did you mean url\?"):
        load(tmp_path, toml, "production")
