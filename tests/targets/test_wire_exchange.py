"""Phases, reuse of connections, proxies, cookies: the wire against servers that behave."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from dataclasses import replace

import pytest
import trustme
from raw_server import OK, always, get, raw_server, wire_to

from pytest_prodcheck.config.models import Requests, Tls


def closing_after_one(connection, server):
    """Answers once, promises to keep the connection, and closes it."""
    if server.read(connection):
        connection.sendall(OK)


def test_phases_are_the_servers_own_time():
    """First byte and body are what the server took, within a few milliseconds; set-up is on new connections only."""

    def script(connection, server):
        while server.read(connection):
            time.sleep(0.1)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no")
            time.sleep(0.05)
            connection.sendall(b"k")

    with raw_server(script) as server, wire_to(server.url()) as wire:
        first, second = wire.send(get(server.url())), wire.send(get(server.url()))
    assert server.connections == 1
    assert set(first.phases) == {"dns", "tcp", "first_byte", "body"}
    assert set(second.phases) == {"first_byte", "body"}
    for seen in (first, second):
        assert seen.phases["first_byte"] == pytest.approx(0.1, abs=0.03)
        assert seen.phases["body"] == pytest.approx(0.05, abs=0.03)
        assert seen.latency <= seen.wall


def test_sequential_requests_share_one_connection():
    """Twenty requests in a row need one connection; an answer that closes needs one each."""
    with raw_server(always()) as server, wire_to(server.url()) as wire:
        assert all(wire.send(get(server.url())).status == 200 for _ in range(20))
    assert server.connections == 1
    last = OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    with raw_server(always(last, close=True)) as server, wire_to(server.url()) as wire:
        assert all(wire.send(get(server.url())).status == 200 for _ in range(3))
    assert server.connections == 3


def test_idle_connection_that_was_closed_is_not_used():
    """A connection that the server has closed meanwhile is seen as closed, for reads and writes alike."""
    with raw_server(closing_after_one) as server, wire_to(server.url()) as wire:
        write = replace(get(server.url()), method="POST", effect="write", body=b"{}")
        for request in (get(server.url()), get(server.url()), write, write):
            assert wire.send(request).status == 200
            time.sleep(0.02)
    assert server.connections == 4
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("fields", "asked"), [({}, 3), ({"once": True}, 2), ({"method": "POST", "effect": "write", "body": b"{}"}, 2)]
)
def test_only_a_read_is_sent_again(fields, asked):
    """A connection that breaks under the request is replaced for a read, never for a write or a once-only request."""

    def script(connection, server):
        server.read(connection)
        connection.sendall(OK)
        server.read(connection)  # and closes without an answer

    with raw_server(script) as server, wire_to(server.url()) as wire:
        assert wire.send(get(server.url())).status == 200
        seen = wire.send(replace(get(server.url()), **fields))
    assert len(server.requests) == asked
    assert seen.error == ("" if asked == 3 else "tcp.reset")


def test_sent_and_writes_are_counted():
    """What was sent is counted once each, by all threads together, and never beyond the cap."""
    with raw_server(always()) as server, wire_to(server.url(), caps=Requests(at_most=12)) as wire:
        write = replace(get(server.url()), method="POST", effect="write")
        threads = [threading.Thread(target=lambda: [wire.send(write) for _ in range(5)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (wire.sent, wire.writes) == (12, 12)
        assert wire.send(get(server.url())).error == "stopped"
    assert len(server.requests) == 12


def test_429_holds_the_host_back():
    """After a 429 the next request waits as long as Retry-After says."""
    answers = [b"HTTP/1.1 429 Slow\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n", OK]

    def script(connection, server):
        while server.read(connection):
            connection.sendall(answers.pop(0))

    with raw_server(script) as server, wire_to(server.url()) as wire:
        begin = time.monotonic()
        assert [wire.send(get(server.url())).status for _ in range(2)] == [429, 200]
        assert time.monotonic() - begin >= 0.99


def test_a_long_error_body_keeps_its_end():
    """A traceback says its reason in its last line: it is kept beside the beginning, for errors only, and scrubbed."""
    secret = b"dummy-session-3f9a1c7e5b"
    body = b"Traceback\n" + b"  File x, line 1\n" * 400 + b'UndefinedTable: relation "tasks" ' + secret
    head = b"set-cookie: sid=" + secret + b"\r\ncontent-length: " + str(len(body)).encode() + b"\r\n\r\n"
    for status, kept in ((b"500 No", True), (b"404 No", False)):
        with raw_server(always(b"HTTP/1.1 " + status + b"\r\n" + head + body)) as server, wire_to(server.url()) as wire:
            end = wire.send(get(server.url())).data.get("end", "")
        assert ('relation "tasks"' in end) == kept
        assert secret.decode() not in end


def test_cookies_are_kept_apart_by_jar_and_are_secrets():
    """A user's cookie comes back for that user alone; no observation holds its value."""
    secret = b"dummy-session-3f9a1c7e5b"
    answer = (
        b"HTTP/1.1 500 No\r\nset-cookie: sid=" + secret + b"; Path=/\r\ncontent-length: 33\r\n\r\nyour sid=" + secret
    )
    with raw_server(always(answer)) as server, wire_to(server.url()) as wire:
        seen = [wire.send(get(server.url(), jar=jar)) for jar in ("ann", "ann", "bob", "")]
    assert [secret in raw for raw in server.requests] == [False, True, False, False]
    for one in seen:
        assert secret.decode() not in str(one.as_json())
        assert one.excerpt


def proxying(refusal=b""):
    """A small proxy: tunnels CONNECT, forwards absolute URLs, or refuses everything."""

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def script(connection, server):
        head = server.read(connection)
        if refusal:
            connection.sendall(refusal)
            return
        method, target = head.split(b" ")[:2]
        place = target if method == b"CONNECT" else target.split(b"/")[2]
        host, _, port = place.decode().partition(":")
        with socket.create_connection((host, int(port))) as beyond:
            if method == b"CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                beyond.sendall(head)
            threading.Thread(target=pump, args=(beyond, connection), daemon=True).start()
            pump(connection, beyond)

    return script


def test_plain_http_goes_through_the_proxy():
    """An http:// target is asked by its absolute URL, through the proxy."""
    with (
        raw_server(always()) as server,
        raw_server(proxying()) as proxy,
        wire_to(server.url(), proxy=proxy.url()) as wire,
    ):
        assert wire.send(get(server.url("/x"))).status == 200
    assert proxy.requests[0].startswith(b"GET " + server.url("/x").encode() + b" HTTP/1.1")
    assert server.connections == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_proxy_is_told_who_asks(scheme):
    """User and password of the proxy's URL go to the proxy, as Basic credentials."""
    with raw_server(proxying(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")) as proxy:
        url = f"{scheme}://192.0.2.1/"
        with wire_to(url, proxy=proxy.url().replace("http://", "http://ann:p%40ss@").rstrip("/")) as wire:
            seen = wire.send(get(url))
    assert b"proxy-authorization: Basic YW5uOnBAc3M=" in proxy.requests[0]
    assert seen.error == "proxy"
    assert "p%40ss" not in seen.message
    assert "p@ss" not in seen.message


def test_proxy_credentials_stay_at_the_proxy(tmp_path):
    """The server behind a tunnel is not told them."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    with raw_server(always(), context) as server, raw_server(proxying()) as proxy:
        url, named = server.url("/x", "https"), proxy.url().replace("http://", "http://ann:pass@")
        with wire_to(url, proxy=named, tls=Tls(ca="ca.pem"), base=tmp_path) as wire:
            assert wire.send(get(url)).status == 200
    assert b"proxy-authorization" in proxy.requests[0].lower()
    assert b"proxy-authorization" not in b"".join(server.requests).lower()


def test_https_goes_through_a_tunnel(tmp_path):
    """An https:// target is verified end to end, through CONNECT; the proxy sees no request."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    with raw_server(always(), context) as server, raw_server(proxying()) as proxy:
        url = server.url("/secret-path", "https")
        with wire_to(url, proxy=proxy.url(), tls=Tls(ca="ca.pem"), base=tmp_path) as wire:
            seen = wire.send(get(url))
    assert seen.status == 200
    assert seen.data["certificate"]["names"] == ["127.0.0.1"]
    assert proxy.requests[0].startswith(b"CONNECT 127.0.0.1:")
    assert b"secret-path" not in b"".join(proxy.requests)


@pytest.mark.parametrize(
    ("refusal", "scheme"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", "https"),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", "http"),
        (b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", "https"),
        (b"nonsense\r\n\r\n", "https"),
    ],
)
def test_proxy_that_refuses_is_named(refusal, scheme):
    """A proxy that does not let us through is the proxy's failure, and named with its address."""
    with raw_server(proxying(refusal)) as proxy:
        url = f"{scheme}://192.0.2.1:8443/"
        with wire_to(url, proxy=proxy.url()) as wire:
            seen = wire.send(get(url))
    assert seen.error == "proxy"
    assert f"proxy http://127.0.0.1:{proxy.port}" in seen.message


def test_proxy_that_is_down_is_named():
    """Nothing listens at the proxy: the host behind it is not blamed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with wire_to("http://192.0.2.1/", proxy=f"http://127.0.0.1:{port}") as wire:
        assert wire.send(get("http://192.0.2.1/")).error == "proxy"


def test_proxy_that_drips_its_answer_is_in_time():
    """The total deadline holds while a tunnel is asked for, too."""

    def script(connection, server):
        server.read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not server.over.wait(0.05):
            connection.sendall(b"x: y\r\n")

    with raw_server(script) as proxy, wire_to("https://192.0.2.1/", proxy=proxy.url()) as wire:
        begin = time.monotonic()
        seen = wire.send(get("https://192.0.2.1/", timeout=0.5))
    assert seen.error == "proxy"
    assert time.monotonic() - begin < 1.0


def test_proxy_of_the_shell_is_not_used(monkeypatch):
    """HTTP_PROXY and HTTPS_PROXY of the environment change nothing."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with raw_server(always()) as server, wire_to(server.url()) as wire:
        assert wire.send(get(server.url())).status == 200
