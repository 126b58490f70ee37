"""The shipped scenarios, and users of ours in ordinary Locust files, also under plain `locust`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from load_lab import Known, Lab
from websockets.sync.server import ServerConnection
from websockets.sync.server import serve as websocket_server

from pytest_prodcheck.load.order import Order, Read, Session

QUICK = """
from locust import constant, task
from pytest_prodcheck.load import QuickUser, headers

class Quick(QuickUser):
    wait_time = constant(0.02)
    as_ = {user!r}

    @task
    def home(self):
        self.client.get("/quick")
"""


def shipped(lab: Lab, url: str, **changes: object) -> Order:
    """The order of a shipped scenario."""
    order = lab.order("", url, duration=1.5, per_second=200, users=2, **changes)
    return Order(**{name: getattr(order, name) for name in Order.__slots__} | {"file": ""})


def test_declared_reads_are_sent_by_weight_as_their_users(serve: Callable[..., Known], lab: Lab) -> None:
    """Each with its own headers, statuses and user."""
    server = serve(statuses=[200])
    reads = (
        Read("/often", "GET", f"{server.url}/often", {"X-A": "1"}, weight=9, user="member"),
        Read("/seldom", "GET", f"{server.url}/seldom", status=(404,)),
    )
    run = lab.run(shipped(lab, server.url, reads=reads, credentials={"member": {"authorization": "Bearer t"}}))
    found = lab.samples(run)
    names = [found.names[number] for part in found.parts for number in part.name]
    rows = [row for part in found.parts for row in zip(part.name, part.error, strict=True)]
    wrong = [found.names[number] for number, error in rows if error]
    assert run.ending == "finished", run.message
    assert names.count("GET /often") > 3 * names.count("GET /seldom") > 0
    assert set(wrong) == {"GET /seldom"}  # 200 is none of its statuses


def test_an_answer_of_graphql_with_errors_is_an_error(serve: Callable[..., Known], lab: Lab) -> None:
    """Also where its status is 200; here it is no JSON at all."""
    server = serve(statuses=[200], delays=[0.01])
    body = json.dumps({"query": "query Q { a }"})
    reads = (Read("query Q", "POST", f"{server.url}/graphql", {}, body, graphql=True),)
    run = lab.run(shipped(lab, server.url, reads=reads, graphql=("/graphql",)))
    found = lab.samples(run)
    assert len(found) > 0
    assert [one.kind for one in found.errors] == ["", "assertion"]
    assert "no JSON" in found.errors[1].message


@pytest.fixture
def sockets() -> Iterator[tuple[str, list[str]]]:
    """A WebSocket server that keeps what the handshakes said."""
    said: list[str] = []

    def handle(connection: ServerConnection) -> None:
        said.append(connection.request.headers.get("authorization", "") if connection.request else "")
        for _ in connection:
            pass

    with websocket_server(handle, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}", said
        server.shutdown()
        thread.join()


def test_sessions_of_websockets_are_opened_and_pinged(sockets: tuple[str, list[str]], lab: Lab) -> None:
    """Connect and ping are measured apart."""
    url, said = sockets
    sessions = (Session("websocket", f"{url}/ws", {"authorization": "Bearer t"}, hold=0.1),)
    run = lab.run(shipped(lab, url, sessions=sessions))
    found = lab.samples(run)
    assert (run.ending, run.raised) == ("finished", 0), (run.message, run.notes)
    assert set(found.names) == {"WS connect websocket", "WS ping websocket"}
    assert not any(error for part in found.parts for error in part.error)
    assert set(said) == {"Bearer t"}


def test_a_quick_user_is_guarded_and_logged_in(serve: Callable[..., Known], lab: Lab) -> None:
    """What it sends is recorded like any other's; another host and a write are refused."""
    server = serve(delays=[0.002])
    order = lab.order(QUICK.format(user="member"), server.url, credentials={"member": {"X-Token": "t"}}, duration=1.0)
    run = lab.run(order)
    assert run.ending == "finished", run.message
    assert lab.samples(run).names == ("GET /quick",)
    writes = QUICK.format(user="").replace('self.client.get("/quick")', 'self.client.request("POST", "/quick", b"x")')
    refused = lab.run(lab.order(writes, server.url, duration=1.0))
    assert refused.code == "load.request.refused"
    assert "POST /quick" not in {row[3] for row in server.seen()}


def test_a_user_without_a_token_is_named(serve: Callable[..., Known], lab: Lab) -> None:
    """Nothing is sent as nobody where somebody is meant."""
    server = serve()
    run = lab.run(lab.order(QUICK.format(user="ghost"), server.url, duration=1.0))
    assert run.samples == 0
    assert run.ending == "failed" or run.raised > 0 or "ghost" in str(run.notes)
    assert server.seen() == []


def test_the_same_file_runs_under_plain_locust(serve: Callable[..., Known], tmp_path: Path) -> None:
    """With PRODCHECK naming the environment that its users are of."""
    server = serve(delays=[0.002])
    (tmp_path / "prodcheck.toml").write_text(
        '[env.staging]\nkind = "local"\n[env.staging.users.member]\ngrant = "static"\ntoken = "env:TOKEN"\n'
        f'[env.staging.http]\nurl = "{server.url}"\nendpoints.home = "/home"\n'
    )
    (tmp_path / "quick.py").write_text(
        QUICK.format(user="member")
        + "\nfrom pytest_prodcheck.load import Reads\n\nclass All(Reads):\n    abstract = False\n"
        "    wait_time = constant(0.02)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "locust", "-f", "quick.py", "--headless", "-u", "2", "-r", "10", "-t", "3s",
         "-H", server.url, "--only-summary"],
        cwd=tmp_path, env={**os.environ, "PRODCHECK": "staging", "TOKEN": "t0ken-of-a-member"}, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {row[3] for row in server.seen()} == {"GET /quick", "GET /home"}, done.stderr
