"""The http prober against real servers: readiness, declared endpoints, a broken token, revision samples.

Rows of the runbooks: (A6, B25, B60, B61, D14).
"""

from __future__ import annotations

import socket
from contextlib import contextmanager

import pytest
from small_server import serving

from pytest_prodcheck.config.models import HttpTarget, Requests, Revision
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria import readiness
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.http import REVISION_SAMPLES, HttpProber
from pytest_prodcheck.targets.wire import Wire

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzbW9rZSJ9.ZHVtbXktc2lnbmF0dXJlLW9mLWEtdG9rZW4"


@contextmanager
def prober(url, **endpoints):
    """A prober of one host with these endpoints; `member` has a token."""
    table = HttpTarget.model_validate({"url": url, "timeout": 5, "endpoints": endpoints})
    wire = Wire(Requests(), Redactor(), "0" * 32)
    wire.open("http", table, (url,), {}, None)
    try:
        yield HttpProber(wire, "http", table, lambda user: {"authorization": f"Bearer {TOKEN}"}, 4), wire
    finally:
        wire.close()


@pytest.fixture
def server():
    """A small server on a real socket."""
    with serving() as server:
        yield server


def paths(server):
    """The paths that were asked, in order."""
    return [asked.path for asked in server.asked]


def test_health_path_is_asked_first(server):
    """Of the declared endpoints, the one that is named like a health check tells readiness."""
    server.routes["GET /healthz"] = (200, {}, {})
    with prober(server.url, tasks={"path": "/tasks"}, up={"path": "/healthz"}) as (http, _):
        evidence = http.ready()
    assert paths(server) == ["/healthz"]
    assert evidence.observations[-1].expected


@pytest.mark.parametrize("status", [502, 503])
def test_gateway_answer_is_looked_behind(server, status):
    """A gateway's 502 or 503 on one route is no answer of the host; a second route is asked. On all: it stands."""
    page = (status, {"content-type": "text/html"}, "<h1>Bad Gateway</h1>")
    server.routes |= {"GET /a": page, "GET /b": (200, {}, {}), "GET /c": page}
    with prober(server.url, a={"path": "/a"}, b={"path": "/b"}, c={"path": "/c"}) as (http, _):
        assert http.ready().observations[-1].status == 200
    server.routes["GET /b"] = page
    server.asked.clear()
    with prober(server.url, a={"path": "/a"}, b={"path": "/b"}, c={"path": "/c"}) as (http, _):
        assert [seen.status for seen in http.ready().observations] == [status] * 3
    assert paths(server) == ["/a", "/b", "/c"]


def test_address_that_refuses_is_seen():
    """Of a host with two addresses, the one where nothing listens is named, though the other answers
    (fg-http-one-of-two-addresses)."""
    with serving() as server, prober(server.url.replace("127.0.0.1", "two.example")) as (http, wire):
        port = http.origin.port
        wire.resolver._known["two.example", port] = [
            (socket.AF_INET, "127.0.0.1", port),
            (socket.AF_INET, "127.0.0.2", port),
        ]
        evidence = http.ready()
    assert evidence.observations[-1].error == ""
    assert evidence.facts["addresses"] == {"127.0.0.2": "tcp.refused"}
    (found,) = readiness.http("http", evidence)
    assert (found.code, found.severity) == ("http.address.partly_down", "error")
    assert found.message.startswith("1 of the host's addresses gives no connection (127.0.0.2: ")


def test_localhost_has_one_listener(server):
    """`localhost` resolves to ::1 and 127.0.0.1; that only one listens is no finding."""
    with prober(server.url.replace("127.0.0.1", "localhost")) as (http, _):
        evidence = http.ready()
    assert evidence.facts["addresses"] == {}
    assert evidence.observations[-1].status == 404


def test_retries_are_counted(server):
    """A declared retry is sent as a further attempt, and both are kept."""
    answers = [(500, {}, {}), (200, {}, {})]
    server.routes["GET /a"] = lambda asked: answers.pop(0)
    with prober(server.url, a={"path": "/a", "retries": 2}) as (http, _):
        seen = http.endpoint("a")
    assert [(one.status, one.attempt) for one in seen] == [(500, 1), (200, 2)]


def test_undeclared_redirect_is_chased_for_a_loop(server):
    """A redirect that nobody declared stays one; where it goes in a circle, that is its error."""
    server.routes |= {"GET /a": (302, {"location": "/b"}, ""), "GET /b": (302, {"location": "/a"}, "")}
    server.routes["GET /c"] = (302, {"location": "/d"}, "")
    with prober(server.url, a={"path": "/a"}, c={"path": "/c"}) as (http, _):
        assert [(one.status, one.error) for one in http.endpoint("a")] == [(302, "redirect.loop")]
        assert [(one.status, one.error) for one in http.endpoint("c")] == [(302, "")]


def test_broken_token_is_refused_or_seen(server):
    """A changed signature must be refused; where it passes, the same without a token tells whether anybody may."""
    good = f"Bearer {TOKEN}"
    server.routes["GET /me"] = lambda asked: (200 if asked.headers.get("authorization") == good else 401, {}, {})
    with prober(server.url, me={"path": "/me", "as": "member"}) as (http, _):
        seen = http.probe("test_broken_token_refused", "me", "", 1).observations
        assert [(one.status, one.expected) for one in seen] == [(200, True), (401, True)]
        server.routes["GET /me"] = (200, {}, {})
        seen = http.probe("test_broken_token_refused", "me", "", 1).observations
    assert [(one.status, one.expected) for one in seen] == [(200, True), (200, False), (200, False)]


def test_refused_user_is_asked_again(server):
    """A user's undeclared 401 is asked again until replicas have shown both faces, or it is the same all the time."""
    turns = [401, 401, 200, 401]
    server.routes["GET /me"] = lambda asked: (turns.pop(0), {}, {})
    server.routes["GET /admin"] = (401, {}, {})
    with prober(server.url, me={"path": "/me", "as": "member"}, admin={"path": "/admin", "as": "member"}) as (http, _):
        seen = http.probe("test_endpoint", "me", "", 1).observations
        assert [(one.status, one.kind) for one in seen] == [
            (401, "declared"), (401, "readiness"), (200, "readiness"), (401, "readiness"),
        ]  # fmt: skip
        assert len(http.probe("test_endpoint", "admin", "", 1).observations) == 9


def test_only_a_read_that_a_user_was_refused_is_asked_again(server):
    """A declared 401, an anonymous one and a write are asked once; a host where all are refused a bounded number."""
    server.routes |= {"GET /me": (401, {}, {}), "POST /me": (401, {}, {})}
    write = {"path": "/me", "method": "POST", "effect": "write", "as": "member", "cleanup": "none: nothing is kept"}
    declared = {"path": "/me", "as": "member", "status": 401}
    many = {f"me{number}": {"path": "/me", "as": "member"} for number in range(9)}
    with prober(server.url, declared=declared, anonymous={"path": "/me"}, write=write, **many) as (http, _):
        for name in ("declared", "anonymous", "write"):
            assert len(http.endpoint(name)) == len(http.probe("test_endpoint", name, "", 1).observations) == 1
        again = [len(http.probe("test_endpoint", name, "", 1).observations) - 1 for name in many]
    assert again == [8, 8, 8, 8, 0, 0, 0, 0, 0]


def test_revision_is_sampled(server):
    """Several answers in a row, so that two replicas of different builds both get their word."""
    server.routes["GET /version"] = (200, {}, {"revision": "1"})
    with prober(server.url) as (http, _):
        seen = http.revision(Revision(path="/version", at="revision", expected="1"))
    assert [one.status for one in seen] == [200] * REVISION_SAMPLES
    assert len(server.asked) == REVISION_SAMPLES


def test_declared_redirect_into_a_circle_is_asked_once(server):
    """Where redirects are followed anyway, a circle is seen without asking for it again."""
    server.routes |= {"GET /a": (302, {"location": "/b"}, ""), "GET /b": (302, {"location": "/a"}, "")}
    with prober(server.url, a={"path": "/a", "follow": True}) as (http, _):
        assert [one.error for one in http.endpoint("a")] == ["redirect.loop"]
    assert paths(server) == ["/a", "/b"]


def test_acting_get_is_sent_once(server):
    """A GET that is declared as a write is never asked again, not even to look where its redirect leads."""
    server.routes["GET /purge"] = (302, {"location": "/purge"}, "")
    purge = {"path": "/purge", "effect": "write", "cleanup": "none: a cache"}
    with prober(server.url, purge=purge) as (http, wire):
        assert [(one.status, one.error) for one in http.probe("test_endpoint", "purge", "", 1).observations] == [
            (302, "")
        ]
        assert (paths(server), wire.writes) == (["/purge"], 1)


@pytest.mark.parametrize("method", ["POST", "DELETE", "GET"])
def test_a_request_of_a_test_is_judged_as_a_read(server, method):
    """What a test hands over cannot call itself declared."""
    request = HttpRequest("http", method, f"{server.url}/logout", declared=True, effect="write")
    with prober(server.url) as (http, _), pytest.raises(Refused):
        http.send(request)
    assert not server.asked
