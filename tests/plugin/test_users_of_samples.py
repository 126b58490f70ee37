"""No request of a check that acts as a user is sent before that user has a token, or without one."""

from __future__ import annotations

import pytest
from small_system import Answer

CONFIG = """
[env.staging]
writes = ["login"]
[env.staging.users.member]
grant = "login"
login = { path = "/login", json = { user = "smoke", password = "env:PASSWORD" } }
keep = "token"
opaque = true
[env.staging.http]
url = "URL"
error_rate = "< 10%"
security_headers = { X-Content-Type-Options = "nosniff" }
[env.staging.http.endpoints]
tasks = { path = "/tasks", as = "member" }
"""
SAFE = {"X-Content-Type-Options": "nosniff"}


@pytest.fixture
def anonymous(gate):
    """Requests to /tasks that came without a token; the login takes a while."""
    seen: list[str] = []

    def tasks(headers):
        known = any(name.lower() == "authorization" for name in headers)
        seen.extend([] if known else ["/tasks"])
        return Answer(200, "[]", SAFE) if known else Answer(401, "who?", SAFE)

    gate.config(CONFIG)
    gate.system.on("/tasks", tasks)
    gate.system.on("/", Answer(200, "ok", SAFE))
    gate.system.on("POST /login", Answer(200, {"token": "opaque-token-value-1"}, delay=0.5))
    return seen


OWN = """
def test_own(prodcheck_http):
    assert prodcheck_http.get("/tasks", as_="member").status_code == 200
"""
PASSWORD = {"PASSWORD": "login-password-1"}


@pytest.mark.parametrize("arguments", [(), ("-k", "test_error_rate"), ("-k", "test_security_headers")])
def test_login_first(gate, anonymous, arguments):
    """Header checks and samples wait for the login, also where nothing else is selected."""
    outcome = gate.run(*arguments, env=PASSWORD)
    assert outcome.status == 0, outcome.text
    assert gate.system.count("GET /tasks") > 0
    assert anonymous == []


def test_no_login_no_samples(gate, anonymous):
    """Where the login failed, its endpoints are blocked, and no sample of theirs is an error of the host."""
    gate.config(CONFIG.replace("endpoints]", 'endpoints]\nhome = "/"'))
    gate.system.on("POST /login", Answer(500, "broken"))
    outcome = gate.run(env=PASSWORD)
    assert outcome.words["test_endpoint[tasks]"] == "blocked"
    assert outcome.words["test_error_rate"] == "pass"
    assert outcome.words["test_security_headers"] != "fail"
    assert anonymous == []


@pytest.mark.parametrize("arguments", [(), ("-k", "test_endpoint")])
def test_failed_login_is_the_cause(gate, anonymous, arguments):
    """A login that fails is a failed check and the cause of what it blocks, also where there is no auth target."""
    gate.system.on("POST /login", Answer(500, "broken"))
    outcome = gate.run(*arguments, env=PASSWORD)
    outcome.assert_is(1, "fail")
    assert outcome.words["test_token[member]"] == "fail"
    assert outcome.words.get("test_error_rate", "blocked") == "blocked"
    cause = outcome.verdict["causes"][0]
    assert cause["code"] == outcome.checks["prodcheck.toml::http::test_endpoint[tasks]"]["blocked_by"]
    assert "prodcheck.toml::http::test_endpoint[tasks]" in cause["explains"]


def test_own_test_is_blocked_by_the_login(gate, anonymous):
    """A test of the team's own that acts as a user without a token is blocked by the login, and no second cause."""
    gate.file("checks/test_own.py", OWN)
    gate.config(CONFIG + '[prodcheck]\nsuites = ["checks"]\n')
    gate.system.on("POST /login", Answer(500, "broken"))
    for arguments in ((), ("-n", "2")):
        outcome = gate.run(*arguments, env=PASSWORD)
        outcome.assert_is(1, "fail")
        assert outcome.words["test_own"] == "blocked"
        assert len(outcome.verdict["causes"]) == 1
        assert "checks/test_own.py::test_own" in outcome.verdict["causes"][0]["explains"]


ISSUER = """
[env.staging.users.member]
grant = "client_credentials"
client_id = "gate"
client_secret = "env:PASSWORD"
opaque = true
[env.staging.auth]
issuer = "URL"
[env.staging.http]
url = "URL"
endpoints.tasks = { path = "/tasks", as = "member" }
"""


def test_only_without_the_provider(gate, anonymous):
    """`--prodcheck-only=http` does not judge the provider, and still gets from it the tokens that endpoints need."""
    gate.config(ISSUER)
    url = gate.system.url
    gate.system.on("/.well-known/openid-configuration", {"issuer": url, "token_endpoint": f"{url}/token"})
    gate.system.on("POST /token", {"access_token": "opaque-token-value-1", "token_type": "Bearer", "expires_in": 60})
    outcome = gate.run("--prodcheck-only=http", env=PASSWORD)
    outcome.assert_is(0, "pass", "partial")
    assert outcome.words["test_endpoint[tasks]"] == "pass"
    assert outcome.left_out == {"auth": "--prodcheck-only"}
    assert (anonymous, gate.system.count("POST /token")) == ([], 1)
