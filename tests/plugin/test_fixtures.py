"""The fixtures in users' own tests: what they answer, record and refuse; alone, in threads and under xdist."""

from __future__ import annotations

import pytest
from small_system import Answer

FAMILY = '[env.staging.http.app]\nurl = "URL"\n[env.staging.http.other]\nurl = "URL"\n'


def own(gate, body: str, fixtures: str = "prodcheck_http", head: str = "import pytest\n") -> None:
    """A test of the team's own."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    gate.file("checks/test_own.py", f"{head}def test_own({fixtures}):\n{lines}")


REFUSED = "import pytest_prodcheck.errors as e\nwith pytest.raises(e.Refused): "

GOOD = {
    "get": "assert prodcheck_http.get('/').text == 'ok'",
    "params": "assert prodcheck_http.get('/', params={'a': 'b'}).status_code == 200",
    "json": "assert prodcheck_http.get('/json').json() == {'a': 1}",
    "not-found": "assert prodcheck_http.get('/gone').status_code == 404",
    "head": "assert prodcheck_http.head('/').status_code == 405 or True",
    "redirect": "assert prodcheck_http.get('/old').status_code == 302",
    "follow": "assert prodcheck_http.get('/old', follow_redirects=True).text == 'ok'",
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    assert [r.text for r in pool.map(prodcheck_http.get, ['/'] * 16)] == ['ok'] * 16"
    ),
    "refused-post": REFUSED + "prodcheck_http.request('POST', '/x')",
    "refused-host": REFUSED + "prodcheck_http.get('http://other.test/')",
    "refused-port": REFUSED + "prodcheck_http.get('http://127.0.0.1:1/')",
    "declared-request": "with pytest.raises(LookupError): prodcheck_http._ask('endpoint', 'home')",
    "refused-dots": REFUSED + "prodcheck_http.get('/json/../gone')",
    "network-path": "assert prodcheck_http.get('//other.test/').status_code == 404",
    "url-in-query": "assert prodcheck_http.get('/login?next=https://other.test/').status_code == 200",
    "colon-in-path": "assert prodcheck_http.get('/items:recent').status_code == 200",
    "query-alone": "assert prodcheck_http.get('?page=2').text == 'ok'",
    "absolute": "assert prodcheck_http.get(prodcheck_http.get('/').request.url).text == 'ok'",
    "lower-case": "assert prodcheck_http.request('get', '/').text == 'ok'",
}


@pytest.fixture
def programmed(gate):
    """A gate on a system with a few more routes."""
    gate.system.on("/json", {"a": 1})
    gate.system.on("/old", Answer(302, "", {"Location": "/"}))
    gate.system.on("/login", 200)
    gate.system.on("/items:recent", 200)
    gate.system.on("HEAD /", 200)
    return gate


@pytest.mark.parametrize("case", GOOD)
def test_http(programmed, case):
    """`prodcheck_http` gives ordinary responses, and refuses what is not a read of a configured host."""
    own(programmed, GOOD[case])
    outcome = programmed.run("checks")
    outcome.assert_is(0, "pass")
    assert not [asked for asked in programmed.system.asked if asked.startswith("POST")]
    assert outcome.verdict["sent"]["refused"] == ("refused" in case)


def test_refusal_that_is_not_caught(programmed):
    """A refusal fails the test that asked, says why and what to do, and nothing was sent."""
    own(programmed, "prodcheck_http.request('DELETE', '/x')")
    programmed.run("checks").assert_is(1, "fail", "refused, not sent", "DELETE")
    assert "DELETE /x" not in programmed.system.asked


REFUSED_ENDPOINTS = (
    'over = { path = "/o", headers = { X-HTTP-Method-Override = "DELETE" } }\n'
    'body = { path = "/b", json = { a = 1 } }\n'
    'method = { path = "/m", query = { _method = "DELETE" } }\n'
    'mutation = { path = "/api", method = "POST", effect = "read", json = { query = "mutation { a }" } }\n'
)


def test_declared_request_that_is_refused(gate):
    """A declared request that the guard refuses is red with its cause and the guard's reason; it is not sent."""
    gate.config(endpoints=f'home = "/"\n{REFUSED_ENDPOINTS}')
    outcome = gate.run()
    reasons = "Method-Override is denied", "GET with a body is refused", "_method is denied", "contains a mutation"
    outcome.assert_is(1, "fail", "http.request.refused", *reasons)
    assert [cause["code"] for cause in outcome.verdict["causes"]] == ["http.request.refused"]
    assert set(gate.system.asked) == {"GET /"}
    assert outcome.verdict["sent"]["refused"] == 4


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "Host", "Transfer-Encoding"])
def test_target_headers_are_judged(gate, header):
    """Headers beside a target's url are judged as those of a request: they cannot make a DELETE of every GET."""
    gate.config(more=f'headers = {{ {header} = "DELETE" }}')
    outcome = gate.run()
    outcome.assert_says(f"header {header} is")
    assert outcome.status == 1
    assert not gate.system.asked


def test_every_request_names_us(programmed):
    """Every request carries our user agent with the run's id, and a traceparent of the same run."""
    own(programmed, "prodcheck_http.get('/')")
    programmed.run("checks")
    agents = {row["user-agent"] for row in programmed.system.headers}
    assert len(agents) == 1
    assert agents.pop().startswith("prodcheck/")
    assert all(row["traceparent"].startswith("00-") for row in programmed.system.headers)


def test_timeout_that_a_test_swallows(gate, assert_required):
    """A request that got no answer is a finding although the test swallowed the error."""
    gate.system.on("/x", Answer(never=True))
    own(gate, "try:\n    prodcheck_http.get('/x', timeout=0.3)\nexcept Exception:\n    pass")
    assert_required("fg-http-timeout-swallowed", gate.run("checks"))


def test_families(gate):
    """`prodcheck_http["app"]` is a member of a family; a family alone says which members there are."""
    gate.config(FAMILY)
    own(
        gate, "assert prodcheck_http['app'].get('/').text == 'ok'\nassert prodcheck_http['other'].get('/').text == 'ok'"
    )
    gate.run("checks").assert_is(0, "pass")
    own(gate, "prodcheck_http.get('/')")
    gate.run("checks").assert_is(1, "fail", "choose one: prodcheck_http\\[..?app")
    own(gate, "prodcheck_http['nope']")
    gate.run("checks").assert_is(1, "fail", "http.nope is not a target", "http.app, http.other")


def test_environment(gate):
    """`prodcheck_env` is the frozen environment."""
    own(
        gate,
        "assert prodcheck_env.name == 'staging'\nassert set(prodcheck_env.targets) == {'http'}\n"
        "with pytest.raises(Exception, match='frozen'): prodcheck_env.name = 'x'",
        "prodcheck_env",
    )
    gate.run("checks").assert_is(0, "pass")


def test_under_xdist(gate):
    """Under xdist the fixtures work in every worker; one owner sends, and counts everything."""
    gate.file(
        "checks/test_own.py",
        "import pytest\n@pytest.mark.parametrize('n', range(6))\ndef test_own(prodcheck_http, n):\n"
        "    assert prodcheck_http.get('/').text == 'ok'\n",
    )
    outcome = gate.run("-n", "2", "checks")
    outcome.assert_is(0, "pass")
    assert outcome.verdict["sent"]["http"] == gate.sent() >= 6


def test_session_fixture_of_the_user(gate):
    """A session fixture that sends before any test runs gets its answer, and a 5xx there is not lost."""
    gate.system.on("/b", 500)
    own(gate, "assert state in (200, 500)", "state", (
        "import pytest\n@pytest.fixture(scope='session')\ndef state(prodcheck_http):\n"
        "    return prodcheck_http.get('/b').status_code\n"
    ))  # fmt: skip
    gate.run("checks").assert_is(1, "fail", "500")


@pytest.mark.parametrize(
    "fixture", ["prodcheck_http", "prodcheck_auth", "prodcheck_graphql", "prodcheck_database", "prodcheck_env"]
)
def test_without_the_option(gate, fixture):
    """Without --prodcheck a fixture asks for it in our own words."""
    gate.file("test_own.py", f"def test_own({fixture}): ...\n")
    outcome = gate.pytest()
    assert outcome.status != 0
    outcome.assert_says(f"{fixture} needs a deployed system: run pytest --prodcheck=ENV")


def test_database(gate, postgres):
    """`prodcheck_database` reads, refuses writes, and gives the catalog."""
    gate.config(head='[env.staging.database]\ndsn = "env:DSN"\n')
    own(
        gate,
        "import pytest_prodcheck.errors as e\nassert prodcheck_database.query('select 1 + %s', [1]) == [(2,)]\n"
        "assert prodcheck_database.catalog.database == 'postgres'\n"
        "with pytest.raises(e.Refused): prodcheck_database.query('delete from pg_class')\n"
        "with pytest.raises(e.TargetError, match='42P01'): prodcheck_database.query('select * from gone')",
        "prodcheck_database",
    )
    for workers in ((), ("-n", "2")):
        outcome = gate.run("checks", *workers, env={"DSN": postgres.dsn()})
        outcome.assert_is(0, "pass")
        assert outcome.verdict["sent"]["refused"] == 1


def test_catalog_is_the_tests_own(gate, postgres):
    """A test that changes its catalog does not change what the guard knows."""
    gate.config(head='[env.staging.database]\ndsn = "env:DSN"\n')
    own(
        gate,
        "import pytest_prodcheck.errors as e\ncatalog = prodcheck_database.catalog\n"
        "for name in ('relations', 'functions', 'roles', 'schemas', 'settings'): getattr(catalog, name).clear()\n"
        "assert prodcheck_database.catalog.roles and prodcheck_database.catalog.settings",
        "prodcheck_database",
    )
    gate.run("checks", env={"DSN": postgres.dsn()}).assert_is(0, "pass")


def test_database_password_does_not_show(gate, postgres):
    """The reader's password is nowhere in what a failing test shows."""
    gate.config(head='[env.staging.database]\ndsn = "env:DSN"\n')
    own(gate, "dsn = prodcheck_env.targets['database'].dsn\nassert dsn == ''", "prodcheck_database, prodcheck_env")
    outcome = gate.run("checks", "--showlocals", "-vv", env={"DSN": postgres.dsn()})
    outcome.assert_is(1, "fail")
    assert postgres.password not in outcome.text + str(outcome.verdict)


def test_graphql(gate):
    """`prodcheck_graphql` executes queries and refuses mutations before anything is sent."""
    gate.config('[env.staging.graphql]\nurl = "URL/graphql"\n')
    gate.system.on("POST /graphql", {"data": {"__typename": "query_root"}})
    own(
        gate,
        "import pytest_prodcheck.errors as e\n"
        "assert prodcheck_graphql.execute('{ __typename }').data == {'__typename': 'query_root'}\n"
        "with pytest.raises(e.Refused): prodcheck_graphql.execute('mutation { wipe }')",
        "prodcheck_graphql",
    )
    outcome = gate.run("checks")
    outcome.assert_is(0, "pass")
    assert gate.system.count("POST /graphql") == outcome.verdict["sent"]["http"]


@pytest.mark.parametrize("status", [404, 302, 401])
@pytest.mark.parametrize("mark", ["error_rate('< 5%')", "latency('p95 < 5s')"])
def test_sample_of_what_is_not_there(gate, status, mark):
    """Samples that are not answered by 2xx are errors: nobody else looks at them."""
    gate.system.on("/checkout", status)
    test = (
        f"import pytest\n@pytest.mark.{mark}\ndef test_own(prodcheck_http):\n    prodcheck_http.sample('/checkout')\n"
    )
    gate.file("checks/test_own.py", test)
    gate.run("checks").assert_is(1, "fail", f"answers {status}")
