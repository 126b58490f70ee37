"""The websocket target against real servers: what opens, what is said and heard, how long it stands, who may come."""

from __future__ import annotations

import itertools
import ssl
import struct
import threading
import time
from types import SimpleNamespace

import pytest
import trustme
import websocket_server
from raw_server import answering, raw_server
from test_websocket import accepting, frame, saying
from websocket_server import ORIGIN, TOKENS, idle_proxy, prober
from websockets.frames import Opcode

from pytest_prodcheck.config.models import Requests, WebsocketStep
from pytest_prodcheck.criteria import websocket_opening, websocket_stability, websocket_steps
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.targets.forgery import Unmade
from pytest_prodcheck.targets.guard import websocket as guard

WELCOME = {"name": "welcome", "expect": {"type": "welcome"}}
ECHO = {"name": "echo", "send": {"type": "echo", "text": "a"}, "effect": "read", "expect": {"type": "echoed"}}
JOIN = {"name": "join", "send": {"type": "join", "room": "r1", "who": "{client}"}, "effect": "write",
        "expect": {"type": "joined", "who": "{client}"}, "within": 1.0, "heard_by": "all"}  # fmt: skip
NOTE = {"name": "note", "send": {"type": "note", "text": "note {client}"}, "effect": "write",
        "expect": {"type": "noted", "text": "note {client}"}, "within": 0.6, "unheard_by": "colleague"}  # fmt: skip


@pytest.fixture
def server():
    """One server and its address."""
    one = websocket_server.Server()
    with one.serving() as url:
        yield SimpleNamespace(server=one, url=url, port=int(url.rpartition(":")[2]))


@pytest.fixture
def ask(server, tmp_path):
    """A prober of a path; its connections end with the test."""
    made = []

    def asked(path, **keys):
        made.append(prober(tmp_path, f"{server.url}/{path}", **keys))
        return made[-1]

    yield asked
    for one in made:
        one.leave()
        one._wire.stop()
        one._wire.close()


def opened(one):
    """Findings about readiness."""
    return websocket_opening.ready(one.ready(), one.table)


def stepped(one, name):
    """Findings about one step."""
    step = next(step for step in one.table.steps if step.name == name)
    return websocket_steps.judge(one.probe("test_step", name, "", 1), one.table, step, "websocket")


def held(one):
    """Findings about a hold."""
    return websocket_stability.judge(one.probe("test_stable", "", "", 1).observations[0], one.table)


def codes(findings):
    """Cause codes."""
    return [one.code for one in findings]


def test_it_opens_and_answers(ask):
    """Handshake, subprotocol, ping; the figures are there (C25, D22)."""
    one = ask("app", subprotocol="plan.v1", **{"as": "member"})
    evidence = one.ready()
    assert websocket_opening.ready(evidence, one.table) == []
    seen = evidence.observations[0]
    assert (seen.status, seen.data["subprotocol"], seen.user) == (101, "plan.v1", "member")
    assert 0 < seen.data["ping"] < 2
    assert set(seen.phases) >= {"tcp", "first_byte"}


def test_it_opens_over_tls(tmp_path):
    """wss, by a root of its own; an unknown root has its cause."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with websocket_server.Server().serving(context) as url:
        good = prober(tmp_path, f"{url}/app", tls={"ca": str(tmp_path / "ca.pem")})
        assert opened(good) == []
        assert good.ready().observations[0].data["certificate"]
        assert codes(opened(prober(tmp_path, f"{url}/app"))) == ["http.tls.untrusted"]


@pytest.mark.parametrize(
    ("path", "keys", "code"),
    [
        ("status/401", {"as": "member"}, "websocket.token.rejected"),
        ("status/403", {"as": "member"}, "websocket.token.rejected"),
        ("status/403", {}, "websocket.handshake.refused"),
        ("status/404", {}, "websocket.endpoint.not_found"),
        ("status/426", {}, "websocket.upgrade.blocked"),
        ("status/400/page", {}, "websocket.upgrade.blocked"),
        ("status/200/page", {}, "websocket.upgrade.blocked"),
        ("status/429", {}, "http.rate_limited.by_us"),
        ("status/502", {}, "http.upstream.crashed"),
        ("status/503", {}, "http.upstream.none"),
        ("status/500", {}, "http.application.unhandled_exception"),
        ("status/302", {}, "websocket.handshake.refused"),
        ("at-once", {"as": "member"}, "websocket.token.rejected"),
        ("app", {"subprotocol": "plan.v2"}, "websocket.subprotocol.mismatch"),
        ("app", {"protocol": "socket.io"}, "websocket.protocol.mismatch"),
        ("mute", {"protocol": "socket.io"}, "websocket.server.silent"),
        ("engine", {}, ""),
    ],
)
def test_what_does_not_open_has_its_cause(ask, path, keys, code):
    """Statuses of a handshake, closes at once, subprotocols, protocols (C25, E2)."""
    assert codes(opened(ask(path, timeout=0.5, **keys))) == ([code] if code else [])


@pytest.mark.parametrize(
    ("path", "keys", "codes_"),
    [
        ("status/401", {"status": [401]}, []),
        ("status/403", {"status": [401]}, ["websocket.handshake.refused"]),
        ("app", {"status": [401]}, ["websocket.handshake.not_refused"]),
        ("status/502", {"status": [401]}, ["http.upstream.crashed"]),
        ("at-once", {"close": [4401]}, []),
        ("at-once", {"close": [1008]}, ["websocket.handshake.not_refused"]),
        ("app", {"close": [4401], "timeout": 0.6}, ["websocket.handshake.not_refused"]),
        ("status/401", {"close": [4401]}, ["websocket.handshake.refused"]),
    ],
)
def test_a_promised_refusal(ask, path, keys, codes_):
    """`status` and `close` are how it must be refused (E2)."""
    assert codes(opened(ask(path, **keys))) == codes_


@pytest.mark.parametrize(
    ("path", "keys"),
    [("bearer", {"as": "member"}), ("query", {"query": {"token": "user:member"}}),
     ("first", {"first": {"type": "auth", "token": "{user:member}"}, "steps": [WELCOME]})],
)  # fmt: skip
def test_who_we_are(ask, path, keys):
    """By header, by parameter, by the first message (E2)."""
    one = ask(path, **keys)
    assert opened(one) == []
    assert stepped(one, "welcome") == [] if "steps" in keys else True


def test_nobody_asks_for_who_has_no_token(ask):
    """A refusal shows that the server is there; whose token is missing is said elsewhere."""
    assert opened(ask("bearer", **{"as": "stranger"})) == []
    assert codes(opened(ask("status/404", **{"as": "stranger"}))) == ["websocket.endpoint.not_found"]


def test_a_session(ask, server):
    """Every client takes every step, other messages are skipped, a broadcast is heard by all (C26)."""
    one = ask("app", clients=3, steps=[WELCOME, ECHO, JOIN], close=[1000, 1005])
    assert [stepped(one, name) for name in ("welcome", "echo", "join")] == [[], [], []]
    assert websocket_steps.close(one.probe("test_close", "", "", 1), one.table, "websocket") == []
    assert len(server.server.heard) == 6
    joined = one.probe("test_step", "join", "", 1).observations
    assert [len(seen.data["heard_by"]) for seen in joined] == [1, 2, 3]
    assert one._wire.writes == 3


def test_a_write_is_sent_once(ask, server):
    """A later attempt of a session with a write gets what the first one saw."""
    one = ask("app", steps=[JOIN | {"heard_by": "sender"}])
    one.probe("test_step", "join", "", 1)
    one.probe("test_step", "join", "", 2)
    assert len(server.server.heard) == 1


def test_a_write_is_undone(ask, server):
    """Its cleanup is said before the goodbye."""
    one = ask("app", steps=[JOIN | {"heard_by": "sender", "cleanup": {"type": "leave", "room": "r1"}}])
    assert stepped(one, "join") == []
    until = time.monotonic() + 5
    while len(server.server.heard) < 2 and time.monotonic() < until:
        time.sleep(0.01)
    assert server.server.heard[-1] == '{"type": "leave", "room": "r1"}'


def test_a_broadcast_is_lost(ask):
    """Two replicas without an adapter: some clients hear it, others do not (C26)."""
    (found,) = stepped(ask("lost", clients=3, steps=[JOIN]), "join")
    assert (found.code, found.severity) == ("websocket.broadcast.lost_between_replicas", "error")
    assert "not heard by 1" in found.message or "not heard by 2" in found.message


def test_a_broadcast_that_nobody_hears_is_no_lost_one(ask):
    """Then the message itself is not answered."""
    quiet = JOIN | {"within": 0.3}
    assert codes(stepped(ask("mute", clients=2, steps=[quiet]), "join")) == ["websocket.answer.missing"]


@pytest.mark.parametrize(("path", "found"), [("app", []), ("mixed", ["websocket.users.mixed"] * 2)])
def test_users_are_apart(ask, path, found):
    """User B does not receive user A's event, nor A user B's (E44)."""
    one = ask(path, steps=[WELCOME, NOTE], **{"as": "member"})
    assert codes(stepped(one, "note")) == found


def test_nothing_proves_isolation_where_the_other_hears_nothing_at_all(ask):
    """Users of whom one does not hear its own event are not proven apart (E44)."""
    found = stepped(ask("mute", steps=[NOTE], **{"as": "member"}), "note")
    assert codes(found) == ["websocket.answer.missing"] * 2


@pytest.mark.parametrize(
    ("path", "keys", "code"),
    [
        ("fallback", {"fallback": ["has cannot think"]}, "websocket.handler.fallback"),
        ("calls-itself-fallback", {}, "websocket.handler.fallback"),
        ("mute", {}, "websocket.answer.missing"),
        ("fallback", {}, "websocket.answer.unexpected"),
        ("engine", {}, "websocket.protocol.mismatch"),
        ("large", {}, "websocket.message.too_big"),
    ],
)
def test_what_is_not_answered_has_its_cause(ask, path, keys, code):
    """Fallbacks (E3), silence, something else, another protocol, a gigabyte."""
    step = ECHO | {"within": 0.5}
    if path == "engine":
        step = WELCOME | {"within": 0.5}
    (found,) = stepped(ask(path, steps=[step], **keys), step["name"])
    assert found.code == code, found


CLOSES = {
    1000: "websocket.connection.closed", 1001: "websocket.server.going_away", 1008: "websocket.token.rejected",
    1009: "websocket.message.too_big", 1011: "websocket.server.internal_error", 1012: "websocket.server.going_away",
    1013: "websocket.server.overloaded", 4401: "websocket.token.rejected", 4403: "websocket.token.rejected",
    4429: "websocket.server.overloaded", 4999: "websocket.connection.closed",
}  # fmt: skip


@pytest.mark.parametrize("code", CLOSES)
def test_codes_of_a_close(ask, server, code):
    """Each is the cause that it stands for; what comes after is not reached, for the same cause (C25)."""

    async def closing(connection):
        await server.server.close_with(connection, code)

    server.server.closing = closing
    one = ask("closing", steps=[ECHO, ECHO | {"name": "again"}])
    (found,) = stepped(one, "echo")
    assert (found.code, str(code) in found.message) == (CLOSES[code], True)
    assert [found.code for found in stepped(one, "again")] == [CLOSES[code]]


def test_a_hold(ask):
    """Idle connections and a busy one stand; a ping is a read (C25, C49, D44; ws-ok-ping)."""
    one = ask("app", clients=2, hold=1.0)
    began = time.monotonic()
    (seen,) = one.probe("test_stable", "", "", 1).observations
    assert websocket_stability.judge(seen, one.table) == []
    assert [row["busy"] for row in seen.data["held"]] == [False, False, True]
    assert all(row["age"] >= 1.0 for row in seen.data["held"])
    assert time.monotonic() - began >= 1.0


def test_an_idle_time_out(ask, server, tmp_path):
    """A proxy that cuts what is idle: the connection that is pinged stands (R24)."""
    with idle_proxy(server.port, 0.9) as port:
        (found,) = held(prober(tmp_path, f"ws://127.0.0.1:{port}/app", clients=2, hold=2.4))
    assert found.code == "websocket.connection.idle_timeout"
    assert 0.8 <= found.data["seconds"] <= 1.9
    assert found.data["codes"] == "2 × 1006 no closing handshake"


def test_a_time_out_of_the_platform(ask):
    """All end at the same age, busy or not (E4, R24)."""
    (found,) = held(ask("aged", clients=3, hold=2.4))
    assert found.code == "websocket.connection.platform_timeout"
    assert 1.1 <= found.data["seconds"] <= 2.0


def test_a_restart(ask):
    """All end at the same moment: that is no time-out (R24)."""
    assert codes(held(ask("restarts", clients=3, hold=3.2))) == ["websocket.server.going_away"]


def test_a_handler_that_fails_later(ask):
    """1011 is told by its code, not by its age."""
    (found,) = held(ask("fails-later", clients=2, hold=1.6))
    assert (found.code, found.data["text"]) == ("websocket.server.internal_error", "relation tasks does not exist")


@pytest.mark.parametrize(("path", "found"), [("app", []), ("once", ["websocket.reconnect.refused"])])
def test_coming_again(ask, server, path, found):
    """Who left may come again (C25)."""
    one = ask(path)
    if path == "once":
        one.ready()
    assert codes(websocket_steps.reconnects(one.probe("test_reconnects", "", "", 1), one.table)) == found


@pytest.mark.parametrize(("path", "found"), [("own-origin", []), ("app", ["websocket.origin.ignored"])])
def test_a_foreign_origin(ask, server, path, found):
    """A page of another site is refused; our own Origin is sent otherwise."""
    one = ask(path, origin=ORIGIN, foreign_origin="refused")
    assert opened(one) == []
    assert server.server.asked[-1].headers["Origin"] == ORIGIN
    (seen,) = one.probe("test_foreign_origin", "", "", 1).observations
    assert codes(websocket_steps.foreign_origin(seen)) == found


def closing(code):
    """A script: accepts, and closes by a code."""
    return saying([frame(struct.pack("!H", code), Opcode.CLOSE)], end=False)


def status(code):
    """A script: answers the handshake by a status."""
    return answering([b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % code])


NO_REFUSALS = {
    "429": (status(429), "http.rate_limited.by_us"), "408": (status(408), "websocket.handshake.refused"),
    "503": (status(503), "websocket.handshake.refused"), "1011": (closing(1011), "websocket.server.internal_error"),
    "1012": (closing(1012), "websocket.server.going_away"), "1013": (closing(1013), "websocket.server.overloaded"),
    "cut": (saying([]), "websocket.connection.dropped"), "silent": (saying([], end=False), "websocket.server.silent"),
    "broken": (saying([b"\xc1\x02xx"], end=False), "websocket.protocol.broken"),
}  # fmt: skip


@pytest.mark.parametrize("name", [*NO_REFUSALS, "400", "403", "404", "1000", "1008", "4403"])
def test_what_refuses_no_origin(tmp_path, name):
    """A server that is busy, breaks, goes away or falls silent says nothing of who asked; 403 and 1008 do."""
    known = NO_REFUSALS.get(name)
    script = known[0] if known else status(int(name)) if int(name) < 1000 else closing(int(name))
    with raw_server(script) as server:
        one = prober(tmp_path, server.url("/", "ws"), timeout=0.5, foreign_origin="refused")
        (seen,) = one.probe("test_foreign_origin", "", "", 1).observations
        one._wire.stop()
        one._wire.close()
    found = websocket_steps.foreign_origin(seen)
    assert [(one.code, one.severity) for one in found] == ([(known[1], "insufficient")] if known else [])


class Forging:
    """Tokens that no server may take."""

    def tokens(self, name, good):
        """One of each name."""
        if name == "unknown_kid":
            raise Unmade("no published key")
        return [f"{name}-{good}"]

    def keys(self):
        """None."""


@pytest.mark.parametrize(
    ("path", "keys", "accepted"),
    [
        ("bearer", {"as": "member"}, []),
        ("query", {"query": {"token": "user:member"}, "as": "member"}, []),
        ("first", {"first": {"token": "user:member"}, "as": "member", "steps": [WELCOME | {"within": 0.5}]}, []),
        ("ignores", {"as": "member", "steps": [WELCOME]}, ["none", "tampered"]),
    ],
)
def test_bad_tokens(ask, path, keys, accepted):
    """None and a tampered one are refused by a status or a close; or they are accepted (E2)."""
    one = ask(path, refuses=["none", "tampered", "unknown_kid"], forger=Forging(), **keys)
    facts = one.probe("test_refuses", "", "member", 1).facts
    assert facts["good"].expected
    taken = [name for name, seen in facts["refusals"] if seen.data["accepted"]]
    assert (taken, facts["unmade"]) == (accepted, {"unknown_kid": "no published key"})
    assert {seen.status for _, seen in facts["refusals"]} == ({101} if accepted else {401})


def test_silence_is_no_refusal(ask, server):
    """A bad token that gets nothing at all is not proven to be refused; one that gets an error is (E2)."""

    async def moody(connection):
        if TOKENS["member"] == connection.request.headers.get("Authorization", "").removeprefix("Bearer "):
            await server.server.app(connection)
        if server.server.words:
            await connection.send(server.server.words)
        await connection.wait_closed()

    server.server.moody = moody
    for words, status, error in (
        ("", None, "timeout"), ('{"error": "who are you"}', 401, ""), ('{"type": "error", "id": 1}', 401, ""),
        ("403", 401, ""), ('{"type": "hello", "user": "anonymous", "errors": []}', None, "timeout"),
        ('{"type": "hello", "errorCount": 0, "text": "no error yet"}', None, "timeout"),
    ):  # fmt: skip
        server.server.words = words
        keys = {"as": "member", "steps": [WELCOME | {"within": 0.5}]}
        one = ask("moody", refuses=["tampered"], forger=Forging(), **keys)
        shown = dict(one.probe("test_refuses", "", "member", 1).facts["refusals"])
        assert (shown["tampered"].status, shown["tampered"].error) == (status, error)
        assert not shown["tampered"].data["accepted"]


def test_what_expects_nothing_must_survive(ask, server):
    """A close that follows what is sent is seen, also where no answer is expected."""

    async def closing(connection):
        await server.server.close_with(connection, 1011)

    server.server.closing = closing
    step = {"name": "tell", "send": {"type": "tell"}, "effect": "read"}
    assert codes(stepped(ask("closing", steps=[step]), "tell")) == ["websocket.server.internal_error"]
    assert stepped(ask("app", steps=[step]), "tell") == []


def test_samples(ask, server):
    """A read step, and a ping, are asked again on one connection that stands."""
    one = ask("app", steps=[WELCOME, ECHO])
    again = one.repeater("test_step", "echo", "")
    seen = [again() for _ in range(5)] + [one.repeaters()[0]() for _ in range(5)]
    assert all(sample.expected and sample.kind == "sample" and 0 < sample.latency < 2 for sample in seen)
    assert len(server.server.asked) == 2
    assert one.repeater("test_step", "welcome", "") is None


def test_samples_of_a_dead_connection_are_errors(ask, server):
    """And the next one opens another."""

    async def closing(connection):
        await server.server.close_with(connection, 1011)

    server.server.closing = closing
    again = ask("closing", steps=[ECHO]).repeater("test_step", "echo", "")
    assert [(seen.error, seen.expected) for seen in (again(), again())] == [("tcp.reset", False)] * 2


def test_caps_hold(ask):
    """More connections than may stand are not opened; requests are counted (§6)."""
    crowd = ask("app", clients=4, requests=Requests(in_flight=3), steps=[WELCOME])
    (found,) = stepped(crowd, "welcome")
    assert (found.severity, "in_flight" in found.message) == ("insufficient", True)
    used = ask("app", steps=[WELCOME], requests=Requests(at_most=1))
    assert opened(used) == []
    assert [one.severity for one in stepped(used, "welcome")] == ["insufficient"]


def test_what_stands_takes_no_place_of_a_request(ask):
    """A hold leaves all of `in_flight` to others."""
    one = ask("app", clients=2, hold=1.5, requests=Requests(in_flight=4))
    thread = threading.Thread(target=one.probe, args=("test_stable", "", "", 1))
    thread.start()
    try:
        time.sleep(1.0)
        assert one._caps._slots._value == 4
    finally:
        thread.join(10)


def test_a_stopped_run_ends_everything(ask):
    """Connections that stand are cut, and nothing is said of the server."""
    one = ask("app", clients=2, hold=30.0)
    threading.Timer(0.5, one._wire.stop).start()
    began = time.monotonic()
    (seen,) = one.probe("test_stable", "", "", 1).observations
    assert time.monotonic() - began < 10
    assert [found.severity for found in websocket_stability.judge(seen, one.table)] == ["insufficient"]
    assert [thread.name for thread in threading.enumerate() if "prodcheck-websocket" in thread.name] == []


def test_only_what_is_declared_is_sent(ask):
    """An undeclared frame, a write that is not permitted: nothing goes out (ws-emit-undeclared)."""
    one = ask("app", steps=[ECHO, JOIN | {"heard_by": "sender"}], permitted=False)
    for step in (WebsocketStep(name="vote", send={"value": 8}, effect="read"), one.table.steps[1]):
        with pytest.raises(Refused):
            guard.check(one.table, step, ())
    guard.check(one.table, one.table.steps[0], ())
    for what in ("send", "vote", "close"):
        with pytest.raises(Refused):
            one.query(what, 1, 1.0, "")
    assert stepped(one, "echo") == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X-HTTP-Method-Override": "DELETE"}, {"X-Original-URL": "/admin"}, {"Content-Length": "30"},
        {"Transfer-Encoding": "chunked"}, {"Host": "other.example"}, {"X-Name": "a\r\nX-Other: b"},
    ],
    ids=lambda headers: next(iter(headers)),
)  # fmt: skip
def test_no_header_makes_a_handshake_something_else(ask, server, headers):
    """What a request of HTTP may not carry, the handshake may not either: nothing of it is sent."""
    one = ask("app", headers=headers, steps=[WELCOME])
    assert codes(opened(one)) == codes(stepped(one, "welcome")) == ["http.request.refused"]
    assert (server.server.asked, one._wire.refused) == ([], 2)


def test_a_token_with_a_line_break_is_our_own_mistake(ask, monkeypatch):
    """It is not sent, not in what is said, and no fault of the server's."""
    monkeypatch.setitem(TOKENS, "member", "dummy-token-0123456789\n")
    one = ask("app", **{"as": "member"})
    found = opened(one)
    assert codes(found) == ["http.request.refused"]
    assert "dummy-token" not in repr(found)


@pytest.mark.parametrize(
    ("document", "refused"),
    [("subscription S { a }", False), ("query Q { a }", False), ("mutation M { a }", True), ("{", True)],
)
def test_documents_of_reads(ask, document, refused):
    """Over graphql-transport-ws a read is a query or a subscription, by its document."""
    step = {"name": "s", "send": {"type": "subscribe", "id": "1", "payload": {"query": document}}, "effect": "read"}
    table = ask("app", protocol="graphql-ws", steps=[step]).table
    if refused:
        with pytest.raises(Refused):
            guard.check(table, table.steps[0], ())
    else:
        guard.check(table, table.steps[0], ())


@pytest.mark.parametrize("kind", ["start", "connection_init", "SUBSCRIBE", ""])
def test_a_read_that_may_be_an_operation_is_none(ask, kind):
    """`start` is what the protocol before this one calls `subscribe`: its document must read, too."""
    payload = {"query": "mutation M { a }"}
    step = {"name": "s", "send": {"type": kind, "id": "1", "payload": payload}, "effect": "read"}
    table = ask("app", protocol="graphql-ws", steps=[step]).table
    with pytest.raises(Refused):
        guard.check(table, table.steps[0], ())
    step["send"] = {"type": "complete", "id": "1"}
    table = ask("app", protocol="graphql-ws", steps=[step]).table
    guard.check(table, table.steps[0], ())


@pytest.mark.parametrize("protocol", ["plain", "socket.io"])
def test_no_secret_comes_back(ask, protocol):
    """A close whose reason repeats the token is scrubbed of it, also while the protocol opens."""
    one = ask("query", query={"token": "user:colleague"}, protocol=protocol)
    evidence = one.ready()
    assert TOKENS["colleague"] not in repr(evidence.observations)
    (found,) = websocket_opening.ready(evidence, one.table)
    assert (found.code, TOKENS["colleague"] in repr(found)) == ("websocket.token.rejected", False)
    assert "bad token [redacted]" in found.message


_WORDS = b"<html>400 The plain HTTP request was sent to HTTPS port</html>"
TO_TLS = b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n%s" % (len(_WORDS), _WORDS)
HOSTILE = {
    "half a frame": (saying([b"\x81\x7e\xff"], end=False), "websocket.server.silent"),
    "nothing at all": (answering([], end=False), "websocket.handshake.hangs"),
    "the end": (answering([]), "http.tcp.reset"),
    "no HTTP": (answering([b"SSH-2.0-OpenSSH_9.6\r\n"]), "websocket.protocol.broken"),
    "a TLS port": (answering([TO_TLS]), "http.tls.protocol"),
    "another key": (answering(lambda head: [accepting(head, key=b"another")]), "websocket.protocol.broken"),
    "an extension": (
        answering(lambda head: [accepting(head, b"sec-websocket-extensions: permessage-deflate\r\n")]),
        "websocket.protocol.broken",
    ),
    "a subprotocol": (
        answering(lambda head: [accepting(head, b"sec-websocket-protocol: plan.v9\r\n")]),
        "websocket.subprotocol.mismatch",
    ),
    "fragments for ever": (
        saying(lambda _: itertools.chain([b"\x01\x00"], itertools.repeat(b"\x00\x00"))),
        "websocket.server.silent",
    ),
    "not UTF-8": (saying([frame(b"\xff\xfe")], end=False), "websocket.protocol.broken"),
    "compressed": (saying([bytes([0xC1, 2]) + b"xx"], end=False), "websocket.protocol.broken"),
    "pings for ever": (saying(lambda _: iter(lambda: frame(b"p", Opcode.PING), None)), "websocket.server.silent"),
    "messages for ever": (saying(lambda _: iter(lambda: frame(b"x" * 1000), None)), "websocket.message.flood"),
    "a gigabyte": (saying([b"\x81\x7f" + (10**9).to_bytes(8, "big")], end=False), "websocket.message.too_big"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_server_holds_us(tmp_path, name):
    """Each has one cause, in bounded time, and nothing is left running."""
    script, code = HOSTILE[name]
    with raw_server(script) as server:
        one = prober(tmp_path, server.url("/", "ws"), timeout=0.5, steps=[WELCOME | {"within": 0.5}])
        began = time.monotonic()
        found = opened(one)
        assert (codes(found), time.monotonic() - began < 8) == ([code], True), found
        stepped(one, "welcome")
        assert [thread.name for thread in threading.enumerate() if "prodcheck-websocket" in thread.name] == []
        one._wire.stop()
        one._wire.close()
