"""Scenarios that are not run, and what is not sent: one clear cause each, before any request."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from load_lab import BROWSE, Known, Lab

HTTP = "from locust import FastHttpUser, HttpUser, User, task\n\n"
TASK = "class U({base}):\n    @task\n    def t(self):\n        {body}\n"


def scenario(body: str, base: str = "FastHttpUser") -> str:
    """A Locust file whose one task has this body."""
    return HTTP + TASK.format(base=base, body=body)


BAD = {
    "syntax": ("x = (\n", "load.scenario.invalid", "scenario1.py:1"),
    "raises": ("raise RuntimeError('boom')\n", "load.scenario.invalid", "scenario1.py:1: RuntimeError: boom"),
    "exits": ("import sys\nsys.exit(3)\n", "load.scenario.invalid", "scenario1.py:2: SystemExit"),
    "no_user": ("x = 1\n", "load.scenario.empty", "no user class"),
    "no_task": (HTTP + "class U(FastHttpUser):\n    pass\n", "load.scenario.empty", "class U has no tasks"),
    "foreign_host": (
        HTTP + "class U(FastHttpUser):\n    host = 'https://other.test'\n    @task\n    def t(self): pass\n",
        "load.request.refused",
        "host other.test of U is not configured",
    ),
    "foreign_url": (
        scenario("self.client.get('http://other.test/')"), "load.request.refused", "host other.test is not conf",
    ),
    "foreign_url_of_requests": (
        scenario("self.client.get('http://other.test/')", "HttpUser"), "load.request.refused", "other.test",
    ),
    "writes": (scenario("self.client.post('/api/goals', json={})"), "load.request.refused", "scenario scenario writes"),
    "writes_by_requests": (
        scenario("self.client.delete('/api/1')", "HttpUser"), "load.request.refused", "scenario scenario writes",
    ),
    "writes_beside_locust": (
        scenario("import requests; requests.post(self.host + '/x')"),
        "load.request.refused", "scenario scenario writes",
    ),
    "own_socket": (
        scenario("import socket; socket.create_connection(('127.0.0.1', 9))", "User"),
        "load.request.refused", "127.0.0.1:9",
    ),
    "own_name": (
        scenario("import socket; socket.create_connection(('other.test', 80))", "User"),
        "load.request.refused", "other.test",
    ),
    "mutation_by_requests": (
        scenario("self.client.post('/graphql', json={'query': 'mutation { a }'})", "HttpUser"),
        "load.request.refused", "POST /graphql",
    ),
    "mutation_in_a_batch": (
        scenario("self.client.post('/graphql', json=[{'query': '{ a }'}, {'query': 'mutation { a }'}])"),
        "load.request.refused", "POST /graphql",
    ),
    "mutation": (
        scenario("self.client.post('/graphql', json={'query': 'mutation { a }'})"),
        "load.request.refused", "POST /graphql",
    ),
    "mutation_by_get": (
        scenario("self.client.get('/anything?query=mutation%20%7B%20a%20%7D')"),
        "load.request.refused", "GET /anything",
    ),
    "mutation_by_get_of_requests": (
        scenario("self.client.get('/graphql', params={'query': 'mutation { a }'})", "HttpUser"),
        "load.request.refused", "GET /graphql",
    ),
    "another_method_by_header": (
        scenario("self.client.get('/x', headers={'X-HTTP-Method-Override': 'DELETE'})"),
        "load.request.refused", "header x-http-method-override makes the server act on another method",
    ),
    "another_method_by_header_of_requests": (
        scenario("self.client.get('/x', headers={'x_http_method_override': 'DELETE'})", "HttpUser"),
        "load.request.refused", "header x_http_method_override",
    ),
    "another_method_by_header_of_ours": (
        "from locust import task\nfrom pytest_prodcheck.load import QuickUser\n\nclass U(QuickUser):\n    @task\n"
        "    def t(self):\n        self.client.request('GET', '/x', headers={'X-Original-URL': '/admin'})\n",
        "load.request.refused", "header X-Original-URL",
    ),
    "another_method_by_our_clients_own_header": (
        "from locust import task\nfrom pytest_prodcheck.load import QuickUser\n\nclass U(QuickUser):\n    @task\n"
        "    def t(self):\n        self.client.headers['X-HTTP-Method'] = 'DELETE'\n        self.client.get('/x')\n",
        "load.request.refused", "header X-HTTP-Method",
    ),
    "mutation_by_get_whose_parameter_is_encoded": (
        scenario("self.client.get('/graphql?%71uery=mutation%20%7B%20a%20%7D')"),
        "load.request.refused", "GET /graphql",
    ),
    "writes_when_it_is_loaded": (
        "import os, requests\nrequests.post(os.environ['PRODCHECK_TEST_URL'] + '/x')\n" + scenario("pass"),
        "load.request.refused", "POST /x",
    ),
    "another_client": (
        scenario("import httpx2; httpx2.post(self.host + '/x')", "User"),
        "load.request.refused", "a client whose requests cannot be seen",
    ),
    "a_socket_of_its_own": (
        scenario("import socket; from urllib.parse import urlsplit as of; at = of(self.host)\n"
                 "        one = socket.create_connection((at.hostname, at.port))\n"
                 "        one.sendall(b'POST /x HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'); one.recv(9)", "User"),
        "load.request.refused", "a client whose requests cannot be seen",
    ),
    "asyncio": (
        scenario("import asyncio; from urllib.parse import urlsplit as of; at = of(self.host)\n"
                 "        asyncio.run(asyncio.open_connection(at.hostname, at.port))", "User"),
        "load.request.refused", "a client whose requests cannot be seen",
    ),
    "a_spawned_process": (
        scenario("import multiprocessing as m; m.get_context('spawn').Process(target=print).start()", "User"),
        "load.request.refused", "start a process",
    ),
    "a_process": (
        scenario("import subprocess; subprocess.run(['curl', '-sXPOST', self.host + '/x'])", "User"),
        "load.request.refused", "starts one, for which neither hosts nor caps hold",
    ),
    "a_shell": (
        scenario("import os; os.system('curl -sXPOST ' + self.host + '/x')", "User"),
        "load.request.refused", "starts one, for which neither hosts nor caps hold",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named_and_nothing_is_sent(
    name: str, serve: Callable[..., Known], lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The scenario's own file and line, or what it wanted (load-target-not-configured, load-writing-scenario)."""
    text, code, says = BAD[name]
    server = serve()
    monkeypatch.setenv("PRODCHECK_TEST_URL", server.url)
    run = lab.run(lab.order(text, server.url, graphql=("/graphql",)))
    assert (run.ending, run.code) == ("failed", code)
    assert says in run.message
    assert run.samples == 0
    assert server.seen() == []


GOOD = {
    "a_declared_post": "self.client.post('/validate', json={})",
    "a_query": "self.client.post('/graphql', json={'query': 'query Q { tasks { id } }'})",
    "a_query_by_requests": "self.client.post('/graphql', json={'query': 'query Q { tasks { id } }'})",
    "a_get": "self.client.get('/x?y=1')",
    "a_search": "self.client.get('/x?query=mutation+rates', headers={'X-Request-Id': '1'})",
    "a_query_by_get": "self.client.get('/graphql?query=%7B%20tasks%20%7B%20id%20%7D%20%7D')",
}


@pytest.mark.parametrize("name", GOOD)
def test_reads_pass(name: str, serve: Callable[..., Known], lab: Lab) -> None:
    """What the environment declares as a read is sent."""
    server = serve(delays=[0.01])
    order = lab.order(
        scenario(GOOD[name], "HttpUser" if "requests" in name else "FastHttpUser"),
        server.url,
        graphql=("/graphql",),
        posts=("POST /validate",),
        duration=1.0,
    )
    run = lab.run(order)
    assert run.ending == "finished", run.message
    assert run.samples == len(server.seen()) > 0


def test_a_permitted_write_is_sent(serve: Callable[..., Known], lab: Lab) -> None:
    """A scenario that is declared as a write, where it is permitted."""
    server = serve(delays=[0.05])
    run = lab.run(lab.order(scenario("self.client.post('/api/goals', json={})"), server.url, writes=True, duration=1.0))
    assert run.ending == "finished"
    assert {row[3] for row in server.seen()} == {"POST /api/goals"}


def test_users_without_wait_may_not_exceed_the_cap(serve: Callable[..., Known], lab: Lab) -> None:
    """500 users who never wait, and 20 requests a second: not run (load-over-cap)."""
    server = serve()
    text = BROWSE.replace("constant(0.01)", "constant(0)")
    run = lab.run(lab.order(text, server.url, users=500, per_second=20))
    assert run.code == "load.request.refused"
    assert "500 users of Browser without wait may exceed 20 requests/s" in run.message
    assert server.seen() == []


def test_the_cap_holds(serve: Callable[..., Known], lab: Lab) -> None:
    """Requests wait for their turn, and the wait is in no response time."""
    server = serve()
    run = lab.run(lab.order(BROWSE, server.url, users=5, per_second=20, duration=2.0))
    assert run.samples == len(server.seen()) <= 20 * 2 + 8
    assert any("waited for the cap of 20 a second" in note for note in run.notes)
    times = sorted(took for part in lab.samples(run).parts for took in part.response)
    assert times[len(times) // 2] < 50_000


def test_the_cap_holds_beside_locust_too(serve: Callable[..., Known], lab: Lab) -> None:
    """A client that is not Locust's own goes past its figures, and not past the cap."""
    server = serve()
    text = scenario("import requests; requests.get(self.host + '/')", "User")
    lab.run(lab.order(text, server.url, users=5, per_second=20, duration=2.0))
    assert 0 < len(server.seen()) <= 20 * 2 + 8


def test_what_the_system_is_asked_is_no_process_of_the_scenario(serve: Callable[..., Known], lab: Lab) -> None:
    """Libraries that look for other libraries ask ldconfig."""
    text = "import ctypes.util\nctypes.util.find_library('c')\n" + scenario("self.client.get('/')")
    run = lab.run(lab.order(text, serve(delays=[0.01]).url, duration=1.0))
    assert run.ending == "finished", run.message
    assert run.samples > 0


def test_a_task_that_raises_is_counted_and_placed(serve: Callable[..., Known], lab: Lab) -> None:
    """It tested nothing: the run says where, and the requests before it are there."""
    server = serve(delays=[0.01])
    run = lab.run(lab.order(scenario("self.client.get('/'); {}['nope']"), server.url, duration=1.0))
    assert run.raised > 0
    assert any("scenario1.py:6: KeyError" in note for note in run.notes)
    assert run.samples > 0


def test_no_request_is_an_empty_run(serve: Callable[..., Known], lab: Lab) -> None:
    """A run that sends nothing is not finished well (fg-load-zero-requests)."""
    from pytest_prodcheck.criteria import load

    run = lab.run(lab.order(scenario("raise ValueError"), serve().url, duration=1.0))
    found = {one.code: one for one in load.judge(run, lab.samples(run), ("errors < 1%",), {}, "load")}
    assert "empty load run: 0 requests" in found["load.run.empty"].message
    assert found["load.scenario.raised"].severity == "error"


def test_a_scenario_that_ends_locust_itself_is_not_finished_well(serve: Callable[..., Known], lab: Lab) -> None:
    """A run that is cut short by its own scenario proves less than it was to prove."""
    body = "self.client.get('/'); self.environment.runner.quit()"
    run = lab.run(lab.order(scenario(body), serve(delays=[0.01]).url, duration=20.0))
    assert (run.ending, run.code) == ("failed", "load.generator.failed")
    assert "by the scenario itself" in run.message


def test_a_shape_of_the_file_itself_is_not_used(serve: Callable[..., Known], lab: Lab) -> None:
    """It would go around the caps: users, rate and stages of the configuration hold, and the run says so."""
    shape = (
        "\nfrom locust import LoadTestShape\n\nclass S(LoadTestShape):\n    def tick(self):\n        return (50, 50)\n"
    )
    run = lab.run(lab.order(BROWSE + shape, serve(delays=[0.01]).url, users=2, duration=2.0))
    assert run.ending == "finished"
    assert max(second.users for second in run.seconds) == 2
    assert any("LoadTestShape is not used" in note for note in run.notes)


def test_a_scenario_that_prints_without_end_is_ended(serve: Callable[..., Known], lab: Lab) -> None:
    """The disk of the runner is not its to fill."""
    body = "self.client.get('/'); print('x' * 8_000_000)"
    run = lab.run(lab.order(scenario(body), serve(delays=[0.01]).url, duration=30.0))
    assert run.ending == "failed"
    assert "printed more than 64 MB" in run.message


@pytest.mark.parametrize("base", ["FastHttpUser", "HttpUser"])
def test_a_server_that_never_answers_gives_errors_and_no_latency(
    base: str, serve: Callable[..., Known], lab: Lab
) -> None:
    """Waits end by the timeout of the configuration; all of them are errors, and nothing is fast (fg-load-nan)."""
    from pytest_prodcheck.criteria import load

    run = lab.run(lab.order(scenario("self.client.get('/')", base), serve(delays=[60]).url, timeout=0.4, duration=2.0))
    found = lab.samples(run)
    assert run.ending == "finished", run.message
    assert len(found) > 0
    assert {found.errors[number].kind for part in found.parts for number in part.error} == {"timeout"}
    assert "error" in {one.severity for one in load.judge(run, found, ("p95 < 500ms",), {}, "load")}


@pytest.mark.parametrize("base", ["FastHttpUser", "HttpUser"])
def test_an_untrusted_certificate_is_an_error(base: str, lab: Lab, tls_server: str) -> None:
    """Locust's FastHttpUser verifies nothing by itself; here it does."""
    run = lab.run(lab.order(scenario("self.client.get('/')", base), tls_server, duration=1.0))
    found = lab.samples(run)
    assert len(found) > 0
    assert {found.errors[number].kind for part in found.parts for number in part.error} == {"tls.untrusted"}


def test_the_authority_of_the_environment_is_trusted(lab: Lab, tls_server: str, authority: str) -> None:
    """By all three users."""
    for base in ("FastHttpUser", "HttpUser", "QuickUser"):
        text = scenario("self.client.get('/')", base).replace(
            "\n\n", "\nfrom pytest_prodcheck.load import QuickUser\n", 1
        )
        run = lab.run(lab.order(text, tls_server, ca=authority, duration=1.0))
        found = lab.samples(run)
        assert len(found) > 0, (base, run.message, run.notes)
        assert found.errors[1:] == (), base
