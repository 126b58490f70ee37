"""Servers that mean harm or are broken: one classified observation each, in time, bounded and clean."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import threading
import time
import tracemalloc
from dataclasses import replace

import pytest
from raw_server import OK, always, answering, get, raw_server, wire_to

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.observation import ERROR_CLASSES
from pytest_prodcheck.targets.exchange import BODY_LIMIT

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
BOMB = gzip.compress(bytes(64 * 1024 * 1024), 9)


def said(data, pause=0.0, end=True):
    """A script: reads a request, says the pieces, and closes or waits for the test's end."""
    return answering([data] if isinstance(data, bytes) else lambda _: data(), pause, end)


def asked(script, **fields):
    """The observation of one GET, and how long it took."""
    with raw_server(script) as server, wire_to(server.url()) as wire:
        begin = time.monotonic()
        return wire.send(get(server.url(), **fields)), time.monotonic() - begin


def first(head, *rest):
    """A body's pieces: the head, and then the last piece for ever."""
    return lambda: itertools.chain([head, *rest[:-1]], itertools.repeat(rest[-1]))


SIZED, OPEN = HEAD + b"content-length: 104857600\r\n\r\n", HEAD + b"\r\n"
CHUNK = b"10000\r\n" + bytes(1 << 16) + b"\r\n"
PACKED = HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB)
MANY = b"".join(b"x-%d: a\r\n" % number for number in range(1000))
BROKEN = {
    "100 MB": (said(first(SIZED, bytes(1 << 20))), "body.too_large"),
    "endless": (said(first(OPEN, bytes(1 << 16))), "body.too_large"),
    "endless chunks": (said(first(CHUNKED, CHUNK)), "body.too_large"),
    "gzip bomb": (said(PACKED + BOMB), "body.too_large"),
    "garbage": (said(b"\x00\xff\x1b[31m<script>alert(1)</script>\r\n\r\n"), "protocol"),
    "ssh": (said(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol"),
    "status of letters": (said(b"HTTP/1.1 abc OK\r\n\r\n"), "protocol"),
    "header of 100 KB": (said(HEAD + b"x-big: " + b"a" * 100_000 + b"\r\ncontent-length: 0\r\n\r\n"), "protocol"),
    "1,000 headers": (said(HEAD + MANY + b"\r\n"), "protocol"),
    "length too long": (said(HEAD + b"content-length: 10\r\n\r\nshort"), "body.truncated"),
    "garbage chunks": (said(CHUNKED + b"zz\r\nnonsense\r\n"), "body.truncated"),
    "chunks end early": (said(CHUNKED + b"5\r\nhel"), "body.truncated"),
    "closed at once": (lambda connection, server: None, "tcp.reset"),
    "closed after the request": (said(b""), "tcp.reset"),
    "closed in the status": (said(b"HTTP/1."), "protocol"),
    "endless interim answers": (said(first(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50)), "timeout"),
    "endless continues": (said(first(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50)), "timeout"),
    "endless trailer": (said(first(CHUNKED + b"0\r\n", b"x: y\r\n" * 50)), "timeout"),
    "never answers": (said(b"", end=False), "timeout"),
    "head never ends": (said(HEAD + b"x: ", end=False), "timeout"),
    "drips the head": (said(first(HEAD, b"x"), pause=0.05), "timeout"),
    "drips a body of known length": (said(first(SIZED, b"x"), pause=0.05), "timeout"),
    "drips a body without length": (said(first(OPEN, b"x"), pause=0.05), "timeout"),
    "drips chunks": (said(first(CHUNKED, b"1\r\nx\r\n"), pause=0.05), "timeout"),
    "body without length never ends": (said(OPEN + b"hello", end=False), "timeout"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_answer_is_one_classified_observation_in_time(case):
    """Whatever a server says, there is one observation of a known class soon after the deadline at the latest."""
    script, error = BROKEN[case]
    seen, took = asked(script, timeout=0.5 if error == "timeout" else 5.0)
    assert seen.error == error
    assert seen.error in ERROR_CLASSES
    assert not seen.expected
    assert took < (0.5 + 0.5 if error == "timeout" else 5.0)
    assert seen.size <= BODY_LIMIT
    assert len(seen.message) <= 500
    assert len(seen.excerpt) <= 2000
    assert (seen.message + seen.excerpt).replace("\n", "").isprintable()


def test_memory_is_bounded():
    """A body of two-byte chunks, which cost forty times their size in a list, stays near the limit of what is read."""
    tracemalloc.start()
    try:
        seen, _ = asked(said(first(CHUNKED, b"2\r\nxx\r\n" * 8192)), timeout=1.0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen.error in ("body.too_large", "timeout")
    assert peak < 3 * BODY_LIMIT


def test_controls_and_markup_do_not_get_through():
    """ANSI, null bytes and bidirectional marks in status text, headers and body are gone from what is kept."""
    body = "\x1b]0;owned\x07\x00\u202edeneaf <script>alert(1)</script>".encode()
    answer = b"HTTP/1.1 500 \x1b[31mno\r\nx-evil: a\x1b[2Jb\x00c\x9b\r\ncontent-length: %d\r\n\r\n" % len(body) + body
    seen, _ = asked(said(answer))
    assert seen.status == 500
    kept = seen.excerpt + seen.message + "".join(seen.headers) + "".join(seen.headers.values())
    assert kept
    assert kept.isprintable()


def test_short_length_does_not_poison_the_next_answer():
    """Bytes behind the declared end of an answer are not taken for the answer to the next request."""
    smuggled = OK + b"HTTP/1.1 500 Smuggled\r\ncontent-length: 4\r\n\r\nevil"

    def script(connection, server):
        while server.read(connection):
            connection.sendall(smuggled[: len(OK)])
            time.sleep(0.01)  # its own packet, so that it is not read with the first answer
            with contextlib.suppress(OSError):
                connection.sendall(smuggled[len(OK) :])

    with raw_server(script) as server, wire_to(server.url()) as wire:
        first = wire.send(get(server.url()))
        time.sleep(0.05)
        second = wire.send(get(server.url()))
    assert [first.status, second.status] == [200, 200]
    assert server.connections == 2


def test_early_hints_are_not_the_answer():
    """103 Early Hints is skipped; the final answer is judged and the connection stays in step."""
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"
    with raw_server(always(hints + OK)) as server, wire_to(server.url()) as wire:
        seen = [wire.send(get(server.url())) for _ in range(2)]
    assert [one.status for one in seen] == [200, 200]
    assert [one.body for one in seen] == [b"ok", b"ok"]


def routes(**answers):
    """A script that answers by path; unknown paths give 200."""

    def script(connection, server):
        while request := server.read(connection):
            path = request.split(b" ")[1].decode()
            connection.sendall(answers.get(path.strip("/").split("?")[0], OK))

    return script


def to(location, status=302):
    """A redirect as raw bytes."""
    return b"HTTP/1.1 %d Moved\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n" % (status, location.encode())


def test_redirects_in_a_circle_end():
    """A circle is named with its paths; each URL was asked at most twice."""
    with raw_server(routes(a=to("/b"), b=to("/c"), c=to("/a"))) as server, wire_to(server.url()) as wire:
        seen = wire.send(get(server.url("/a"), follow=True))
    assert seen.error == "redirect.loop"
    assert seen.message == "redirect loop /a → /b → /c → /a"
    assert len(server.requests) == 3


def test_redirect_chain_is_bounded():
    """A chain that never repeats ends after ten redirects."""
    answers = {f"r{n}": to(f"/r{n + 1}") for n in range(30)}
    with raw_server(routes(**answers)) as server, wire_to(server.url()) as wire:
        seen = wire.send(get(server.url("/r0"), follow=True))
    assert seen.error == "redirect.loop"
    assert len(server.requests) == 11


def test_same_path_with_another_query_is_no_loop():
    """A login that comes back to its path with a query has not gone in a circle."""
    hops = {"/a?n=1": to("/b"), "/b": to("/a?n=2"), "/a?n=2": OK}

    def script(connection, server):
        while request := server.read(connection):
            connection.sendall(hops[request.split(b" ")[1].decode()])

    with raw_server(script) as server, wire_to(server.url()) as wire:
        seen = wire.send(get(server.url("/a?n=1"), follow=True))
    assert (seen.status, seen.error) == (200, "")
    assert seen.data["redirects"] == ["/a", "/b"]


def test_slow_redirects_share_one_deadline():
    """Ten hops of 0.2 s each do not take ten times the timeout."""

    def script(connection, server):
        for number in itertools.count():
            if not server.read(connection) or server.over.wait(0.2):
                return
            connection.sendall(to(f"/{number}"))

    seen, took = asked(script, timeout=0.5, follow=True)
    assert seen.error == "timeout"
    assert took < 1.0


@pytest.mark.parametrize(
    "location",
    [
        "http://example.com/",
        "http://169.254.169.254/latest/meta-data/",
        "//example.com/",
        "file:///etc/passwd",
        "gopher://x/",
        "https:\\\\evil",
    ],
)
def test_redirect_elsewhere_is_refused(location):
    """Another host, the metadata address, another scheme: not followed, and said so."""
    with raw_server(routes(a=to(location))) as server, wire_to(server.url()) as wire:
        seen = wire.send(get(server.url("/a"), follow=True))
        assert seen.error == "redirect.refused"
        assert wire.refused == 1
    assert len(server.requests) == 1
    assert len(seen.message) <= 500


def test_post_is_not_repeated_by_a_redirect():
    """A 307 after a POST does not send the body to a path that is not declared."""
    with raw_server(routes(a=to("/b", 307))) as server, wire_to(server.url()) as wire:
        request = get(server.url("/a"), follow=True)
        seen = wire.send(replace(request, method="POST", body=b"{}", effect="write"))
    assert seen.error == "redirect.refused"
    assert len(server.requests) == 1


def test_authorization_stays_with_its_origin():
    """A redirect to another configured origin is followed without the user's token and cookie."""
    headers = {"authorization": "Bearer dummy-token-1", "x-trace": "1"}
    with (
        raw_server(always()) as other,
        raw_server(routes(a=to(other.url("/b")))) as server,
        wire_to(server.url(), other.url()) as wire,
    ):
        seen = wire.send(get(server.url("/a"), follow=True, headers=headers))
    assert seen.status == 200
    assert b"dummy-token-1" in server.requests[0]
    assert b"dummy-token-1" not in other.requests[0]
    assert b"x-trace: 1" in other.requests[0]


@pytest.mark.parametrize("value", ["²", "-1", "9" * 400, "soon", "1e9", ""])
def test_retry_after_of_any_form_is_survived(value):
    """A Retry-After that is no number is one second; a huge one is a minute; none raises."""
    answer = b"HTTP/1.1 429 Slow\r\nretry-after: %s\r\ncontent-length: 0\r\n\r\n" % value.encode("latin-1")
    seen, _ = asked(said(answer))
    assert (seen.status, seen.error) == (429, "")


def test_refused_request_is_never_sent():
    """What the guard refuses raises, and the server sees nothing."""
    with raw_server(always()) as server, wire_to(server.url()) as wire:
        with pytest.raises(Refused):
            wire.send(get("http://example.com/"))
        assert (wire.refused, wire.sent) == (1, 0)
    assert server.connections == 0


def test_stop_ends_what_is_under_way_without_blaming_the_server():
    """Stopping ends a waiting exchange at once, as stopped; nothing is sent afterwards."""
    seen = []
    with raw_server(said(HEAD + b"\r\nhello", end=False)) as server, wire_to(server.url()) as wire:
        threads = [threading.Thread(target=lambda: seen.append(wire.send(get(server.url())))) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.15)
        begin = time.monotonic()
        wire.stop()
        for thread in threads:
            thread.join(2)
        assert time.monotonic() - begin < 0.5
        seen.append(wire.send(get(server.url())))
    assert [one.error for one in seen] == ["stopped"] * 5
    assert len(server.requests) == 4
