"""WebSockets through a whole run: writes that are permitted or not, tests of the team's own, what no output says."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from harness import Gate

sys.path.append(str(Path(__file__).parents[1] / "targets"))

from websocket_server import TOKENS, Server

CONFIG = """
[env.staging]
writes = [WRITES]
[env.staging.users]
member = { grant = "static", token = "env:MEMBER", opaque = true }
[env.staging.websocket]
url = "ADDRESS/app"
as = "member"
clients = 2
timeout = "2s"
latency = "p95 < 1s"
[[env.staging.websocket.steps]]
name = "welcome"
expect = { type = "welcome", user = "member" }
[[env.staging.websocket.steps]]
name = "echo"
send = { type = "echo", text = "{run}" }
effect = "read"
expect = { type = "echoed" }
[[env.staging.websocket.steps]]
name = "join"
send = { type = "join", room = "{run}", who = "{client}" }
effect = "write"
expect = { who = "{client}" }
within = "2s"
heard_by = "all"
[[env.staging.websocket.steps]]
name = "again"
expect = { type = "joined" }
within = "300ms"
"""
ENVIRON = {"MEMBER": TOKENS["member"]}


@pytest.fixture
def server() -> Iterator[Server]:
    """A server, with its address as `url`."""
    one = Server()
    with one.serving() as url:
        one.url = url  # type: ignore[attr-defined]
        yield one


def configured(gate: Gate, server: Server, text: str = CONFIG, writes: str = '"join"') -> None:
    """The gate on the server."""
    gate.config(text.replace("ADDRESS", server.url).replace("WRITES", writes))  # type: ignore[attr-defined]


def joined(server: Server) -> int:
    """How many joins have arrived."""
    return sum(json.loads(text)["type"] == "join" for text in server.heard)


def test_a_permitted_write_is_sent_once_by_each_client(gate: Gate, server: Server) -> None:
    """Also under workers, and where a failing check is run again (C26)."""
    configured(gate, server)
    outcome = gate.run("-n", "2", "--reruns", "2", env=ENVIRON)
    assert joined(server) == 2
    assert outcome.words["test_step[join]"] == "pass"
    assert outcome.words["test_step[again]"] == "fail"
    assert outcome.verdict is not None
    assert outcome.verdict["sent"]["writes"] == 2


@pytest.mark.parametrize(("writes", "arguments"), [("", ()), ('"join"', ("--prodcheck-writes=none",))])
def test_a_write_that_is_not_permitted_is_left_out(
    gate: Gate, server: Server, writes: str, arguments: tuple[str, ...]
) -> None:
    """It, and what comes after it; the report says so, and nothing of it is sent (C26)."""
    configured(gate, server, writes=writes)
    outcome = gate.run(*arguments, env=ENVIRON)
    outcome.assert_is(0, "pass")
    assert set(outcome.left_out) == {"websocket.join", "websocket.again"}
    assert joined(server) == 0
    assert outcome.verdict is not None
    assert outcome.verdict["sent"]["writes"] == 0


def test_the_plan_says_what_is_sent_and_how_long(gate: Gate, server: Server) -> None:
    """Nothing is sent for it."""
    configured(gate, server, CONFIG.replace("clients = 2", 'clients = 2\nhold = "40s"'))
    outcome = gate.run("--prodcheck-plan")
    outcome.assert_says(
        "hold 2 clients idle and one that is pinged for 40 s", r"send \(write\) and expect on 2 clients"
    )
    assert (outcome.status, server.asked) == (0, [])


def test_a_hold_beyond_the_deadline_is_refused(gate: Gate, server: Server) -> None:
    """Before anything is sent (exit 4)."""
    configured(gate, server, CONFIG.replace("clients = 2", 'clients = 2\nhold = "40s"'))
    outcome = gate.run("--prodcheck-deadline=40s", env=ENVIRON)
    outcome.assert_says("a hold of 40 s")
    assert (outcome.status, server.asked) == (4, [])


OWN = """
import pytest
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.request import HttpRequest

@pytest.mark.parametrize("n", range(3))
def test_own(prodcheck_websocket, n):
    assert prodcheck_websocket.connect() == ""
    assert 0 < prodcheck_websocket.ping(as_="member") < 5
    noise, welcome = prodcheck_websocket.receive(2, as_="member")
    assert welcome == {"type": "welcome", "user": "member"}
    assert len(prodcheck_websocket.receive(5, within=0.3)) == 2
    with pytest.raises(Refused, match="declared as a read"):
        prodcheck_websocket._ask("send", HttpRequest("websocket", "GET", "http://127.0.0.1/vote"))
    with pytest.raises(LookupError):
        prodcheck_websocket._ask("probe", "test_step", "join", "", 1)
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_a_test_of_the_teams_own(gate: Gate, server: Server, workers: tuple[str, ...]) -> None:
    """Connects, pings, receives; sends nothing (ws-emit-undeclared)."""
    configured(gate, server)
    gate.file("checks/test_own.py", OWN)
    outcome = gate.run(*workers, "checks", env=ENVIRON)
    outcome.assert_is(0, "pass")
    assert server.heard == []


def test_a_test_that_swallows_a_failed_connection_is_red(gate: Gate, server: Server) -> None:
    """What a fixture could not open is a finding of the test, whether it looked or not."""
    configured(gate, server)
    gate.config((gate.path / "prodcheck.toml").read_text().replace("/app", "/status/502"))
    gate.file(
        "checks/test_own.py",
        "import pytest\nfrom pytest_prodcheck.errors import TargetError\n"
        "def test_own(prodcheck_websocket):\n    with pytest.raises(TargetError): prodcheck_websocket.connect()\n",
    )
    assert gate.run("checks", env=ENVIRON).word in ("fail", "blocked")


def test_no_output_has_the_token(gate: Gate, server: Server) -> None:
    """A token in the address, which the server's close repeats, is in no output, in no form."""
    token = "colleague+token/0123456789=="
    text = CONFIG.replace('as = "member"', 'query = { token = "user:member" }').replace("/app", "/query")
    configured(gate, server, text)
    outcome = gate.run("--showlocals", "-vv", "--junitxml=out.xml", env={"MEMBER": token})
    outcome.assert_is(1, "fail", "websocket.token.rejected", "bad token")
    written = [path.read_text("utf-8", "replace") for path in gate.path.rglob("*") if path.is_file()]
    forms: Mapping[str, str] = {"as it is": token, "in an address": quote(token, safe=""), "its beginning": token[:14],
                                "encoded": base64.b64encode(token.encode()).decode()[:24]}  # fmt: skip
    for name, form in forms.items():
        assert all(form not in said for said in (outcome.text, *written)), name
