"""A WebSocket in one thread (RFC 6455): what a server says, what it refuses, and that no server holds us."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager

import pytest
import trustme
from raw_server import answering, raw_server
from websockets.asyncio.server import serve
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidHeaderValue,
    InvalidStatus,
    NegotiationError,
    SecurityError,
)
from websockets.frames import Frame, Opcode

from pytest_prodcheck.targets.arrival import StampedSocket
from pytest_prodcheck.targets.websocket import ANSWER_AT_MOST, CLOSE_SECONDS, MESSAGE_AT_MOST, Channel

SPOKEN = "graphql-transport-ws"
PATIENCE = 0.4
LATE = PATIENCE + 2.0
"""Seconds that a hostile server is given, and that it must not get."""


class Library:
    """The library's own server, one task a connection, in a thread; `closes` are the codes its clients left with."""

    def __init__(self):
        self.closes, self.loop = [], asyncio.new_event_loop()

    async def handle(self, connection):
        """Answers as the path says."""
        with contextlib.suppress(ConnectionClosed):
            await getattr(self, connection.request.path.strip("/"))(connection)
        await connection.wait_closed()
        self.closes.append(connection.close_code)

    async def echo(self, connection):
        """Each message back."""
        async for message in connection:
            await connection.send(message)

    async def headers(self, connection):
        """What was asked with."""
        await connection.send(json.dumps(dict(connection.request.headers.raw_items())))

    async def ponged(self, connection):
        """A message as soon as its ping is answered."""
        await (await connection.ping(b"are you there"))
        await connection.send("you are")

    async def fragments(self, connection):
        """One message in pieces, of which one ends within a character."""
        await connection.send([b"{", "ä".encode()[:1], "ä".encode()[1:], b"}"], text=True)

    async def longest(self, connection):
        """As much as is taken, and one byte more."""
        await connection.send(b"x" * MESSAGE_AT_MOST)
        await connection.send([b"x" * MESSAGE_AT_MOST, b"x"])

    async def unauthorized(self, connection):
        """A message, and a goodbye at once behind it."""
        await connection.send("first")
        await connection.close(4401, "Unauthorized")

    @contextmanager
    def serving(self, context=None):
        """The address, for the length of the block."""
        port, up, stop = [], threading.Event(), asyncio.Event()

        async def main():
            serving = serve(
                self.handle, "127.0.0.1", 0, ssl=context, subprotocols=[SPOKEN], close_timeout=0.2, max_size=None
            )
            async with serving as server:
                port.append(server.sockets[0].getsockname()[1])
                up.set()
                await stop.wait()

        thread = threading.Thread(target=self.loop.run_until_complete, args=(main(),))
        thread.start()
        up.wait(5)
        yield f"{'wss' if context else 'ws'}://127.0.0.1:{port[0]}"
        self.loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        self.loop.close()


@pytest.fixture(scope="module")
def ca():
    """A root that the client trusts."""
    return trustme.CA()


def served(ca):
    """A server's TLS context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(params=["plain", "tls"])
def library(request, ca):
    """The library's server and its address, plain and over TLS."""
    server = Library()
    with server.serving(served(ca) if request.param == "tls" else None) as url:
        yield server, url


@contextmanager
def standing(url, ca=None):
    """A connection that stands, as the wire's do, TLS included."""
    scheme, _, rest = url.partition("://")
    stream = StampedSocket(socket.AF_INET, socket.SOCK_STREAM)
    stream.settimeout(5)
    stream.connect(("127.0.0.1", int(rest.partition("/")[0].rpartition(":")[2])))
    if scheme == "wss":
        context = ssl.create_default_context()
        ca.configure_trust(context)
        stream = context.wrap_socket(stream, server_hostname="127.0.0.1")
    with stream:
        yield stream


@contextmanager
def opened(url, ca=None, headers=None, timeout=5.0):
    """A channel on a connection of its own."""
    with standing(url, ca) as stream, Channel(stream, url, (SPOKEN,), headers or {}, timeout) as channel:
        yield channel


def soon(seconds=5.0):
    """A deadline."""
    return time.monotonic() + seconds


class Timed:
    """How long a block took."""

    def __enter__(self):
        self.begin = time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.begin


def accepting(head, more=b"", key=None):
    """The answer that opens a WebSocket, to a request's head."""
    asked = key or next(row[19:] for row in head.split(b"\r\n") if row.lower().startswith(b"sec-websocket-key: "))
    digest = hashlib.sha1(asked + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-accept: " + base64.b64encode(digest) + b"\r\n" + more + b"\r\n"
    )


def frame(data, opcode=Opcode.TEXT, fin=True):
    """A frame as a server sends it."""
    return Frame(opcode, data, fin).serialize(mask=False)


def flood(first, piece):
    """Pieces: the first one, and then the other for ever."""
    return lambda _: itertools.chain([first], itertools.repeat(piece))


def dribble(first, rest):
    """Pieces: the first one, and then the bytes of the rest, over and over, one at a time."""
    return lambda _: itertools.chain([first], (bytes([byte]) for byte in itertools.cycle(rest)))


def saying(pieces, pause=0.0, end=True):
    """A script: accepts, and says the pieces."""

    def spoken(head):
        return itertools.chain([accepting(head)], pieces(head) if callable(pieces) else pieces)

    return answering(spoken, pause, end)


def dribbling_record(context):
    """A script: TLS by hand; accepts, and says one record of TLS byte by byte for ever."""

    def script(connection, server):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls, head = context.wrap_bio(incoming, outgoing, server_side=True), b""
        while not head:
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                head = tls.read(65536)
            connection.sendall(outgoing.read())
            if not head:
                incoming.write(connection.recv(65536))
        tls.write(accepting(head))
        connection.sendall(outgoing.read())
        tls.write(frame(b"x" * 10_000))
        for byte in outgoing.read():
            connection.sendall(bytes([byte]))
            if server.over.wait(0.02):
                return

    return script


def test_a_conversation(library, ca):
    """Messages go and come in their order, over the sub-protocol that was offered; the goodbye is 1000."""
    server, url = library
    with opened(f"{url}/echo", ca) as channel:
        assert channel.subprotocol == SPOKEN
        for text in ("first", "zwölf", "x" * MESSAGE_AT_MOST, ""):
            channel.send(text)
            assert channel.recv(soon()) == text
    end = soon()
    while not server.closes and time.monotonic() < end:
        time.sleep(0.01)
    assert server.closes == [1000]


def test_what_is_asked_with(library, ca):
    """The given headers, the sub-protocol, the host; no extension, so that nothing is compressed."""
    _, url = library
    with opened(f"{url}/headers", ca, {"Authorization": "Bearer a.b.c", "user-agent": "prodcheck"}) as channel:
        sent = {name.lower(): value for name, value in json.loads(channel.recv(soon())).items()}
    assert (sent["authorization"], sent["user-agent"]) == ("Bearer a.b.c", "prodcheck")
    assert (sent["host"], sent["sec-websocket-protocol"]) == (url.partition("://")[2], SPOKEN)
    assert "sec-websocket-extensions" not in sent


def test_one_thread_does_it(library, ca):
    """Reading and writing are one thread's: an `SSLSocket` is not for two."""
    _, url = library
    before = set(threading.enumerate())
    with opened(f"{url}/echo", ca) as channel:
        channel.send("x")
        assert channel.recv(soon()) == "x"
        assert set(threading.enumerate()) == before


def test_a_ping_is_answered(library, ca):
    """While a message is waited for."""
    _, url = library
    with opened(f"{url}/ponged", ca) as channel:
        assert channel.recv(soon()) == "you are"


def test_fragments_are_one_message(library, ca):
    """Joined before they are read as text."""
    _, url = library
    with opened(f"{url}/fragments", ca) as channel:
        assert channel.recv(soon()) == "{ä}"


def test_fragments_may_have_a_ping_between():
    """RFC 6455 §5.4: control frames come between fragments; bytes stay bytes."""
    pieces = [frame(b"\xff", Opcode.BINARY, False) + frame(b"?", Opcode.PING) + frame(b"\x00", Opcode.CONT)]
    with raw_server(saying(pieces)) as server, opened(server.url("/", "ws")) as channel:
        assert channel.recv(soon()) == b"\xff\x00"


def test_a_message_is_bounded(library, ca):
    """1 MiB is taken; what is longer ends the connection with 1009, its fragments counted together."""
    _, url = library
    with opened(f"{url}/longest", ca) as channel:
        assert len(channel.recv(soon())) == MESSAGE_AT_MOST
        with pytest.raises(ConnectionClosed) as closed:
            channel.recv(soon())
    assert (closed.value.rcvd, closed.value.sent.code) == (None, 1009)


def test_a_close_has_its_code(library, ca):
    """What came before the goodbye is given first; then code and reason, and to who still sends too."""
    _, url = library
    with opened(f"{url}/unauthorized", ca) as channel:
        assert channel.recv(soon()) == "first"
        with pytest.raises(ConnectionClosed) as closed:
            channel.recv(soon())
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, "Unauthorized")
        with pytest.raises(ConnectionClosed) as closed:
            channel.send("late")
        assert closed.value.rcvd.code == 4401


def test_a_close_is_told_to_who_sends_first():
    """A server that says why and leaves: its code is not lost with a message that breaks on the ended connection."""

    def script(connection, server):
        connection.sendall(accepting(server.read(connection)))
        server.over.wait(0.1)
        connection.sendall(frame(b"\x11\x33", Opcode.CLOSE))

    with raw_server(script) as server, opened(server.url("/", "ws")) as channel:
        for _ in range(3):
            time.sleep(0.1)
            channel.send("late")
        with pytest.raises(ConnectionClosed) as closed:
            channel.recv(soon())
    assert closed.value.rcvd.code == 4403


ENDS = {
    "no goodbye": ([], None),
    "half a frame": ([frame(b"xyz")[:-1]], None),
    "not UTF-8": ([frame(b"\xc3\x28")], 1007),
    "half a message": ([frame(b"x", fin=False), frame(b"\x03\xe8", Opcode.CLOSE)], 1002),
    "a continuation of nothing": ([frame(b"x", Opcode.CONT)], 1002),
    "compressed, which was not agreed": ([bytes([0xC1, 1]) + b"x"], 1002),
}


@pytest.mark.parametrize(("pieces", "sent"), ENDS.values(), ids=list(ENDS))
def test_what_breaks_the_protocol_ends_it(pieces, sent):
    """Closed, by us with the code of RFC 6455 §7.4.1 where the server still listens."""
    with raw_server(saying(pieces)) as server, opened(server.url("/", "ws")) as channel:
        with pytest.raises(ConnectionClosed) as closed:
            channel.recv(soon())
        assert (closed.value.sent.code if closed.value.sent else None) == sent


def reset_by(connection):
    """The connection will end with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_reset_is_an_end_without_a_goodbye():
    """What the socket raised is not another kind of failure."""

    def script(connection, server):
        connection.sendall(accepting(server.read(connection)))
        connection.recv(65536)
        reset_by(connection)

    with raw_server(script) as server, opened(server.url("/", "ws")) as channel:
        channel.send("x")
        with pytest.raises(ConnectionClosed) as closed:
            channel.recv(soon())
    assert closed.value.rcvd is None


def test_a_reset_in_the_handshake_is_no_answer():
    """As an end is."""

    def script(connection, server):
        server.read(connection)
        reset_by(connection)

    with raw_server(script) as server, standing(server.url()) as stream, pytest.raises(InvalidHandshake):
        Channel(stream, server.url("/", "ws"), (SPOKEN,), {}, 5.0)


HEAD = b"HTTP/1.1 403 Forbidden\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
REFUSALS = {
    "sized": ([HEAD + b"content-length: 9\r\n\r\nno socket"], 403, b"no socket"),
    "chunked": ([CHUNKED, b"9\r\nno socket\r\n0\r\n\r\n"], 403, b"no socket"),
    "to the end": ([HEAD + b"\r\nno ", b"socket"], 403, b"no socket"),
    "200": ([b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"], 200, b"ok"),
    "elsewhere": ([b"HTTP/1.1 302 Found\r\nlocation: ws://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n"], 302, b""),
}


@pytest.mark.parametrize(("pieces", "status", "body"), REFUSALS.values(), ids=list(REFUSALS))
def test_a_refusal_has_its_status_and_body(pieces, status, body):
    """However its length is told; a redirect is one, and is not followed."""
    with raw_server(answering(pieces)) as server, standing(server.url()) as stream:
        with pytest.raises(InvalidStatus) as refused:
            Channel(stream, server.url("/", "ws"), (SPOKEN,), {}, 5.0)
        assert (refused.value.response.status_code, bytes(refused.value.response.body)) == (status, body)


START = b"HTTP/1.1 101 Switching Protocols\r\n"
WRONG = {
    "another key": (lambda head: [accepting(head, key=b"another")], InvalidHeaderValue, "Sec-WebSocket-Accept"),
    "another protocol": (lambda head: [accepting(head, b"sec-websocket-protocol: soap\r\n")], NegotiationError, "soap"),
    "an extension": (lambda head: [accepting(head, b"sec-websocket-extensions: permessage-deflate\r\n")],
                     NegotiationError, "no extensions supported"),
    "no upgrade": (lambda head: [accepting(head).replace(b"upgrade: websocket\r\n", b"")],
                   InvalidHandshake, "Upgrade"),
    "not HTTP": ([b"220 mail.example ESMTP\r\n\r\n"], InvalidHandshake, None),
    "nothing": ([], InvalidHandshake, None),
    "half": ([START + b"upgr"], InvalidHandshake, None),
    "endless headers": (flood(START, b"x-a: b\r\n" * 1000), InvalidHandshake, None),
    "endless line": (flood(START, b"x" * 65536), InvalidHandshake, None),
    "endless body": (flood(HEAD + b"\r\n", b"x" * 65536), InvalidHandshake, None),
    "endless chunks": (flood(CHUNKED, b"1;" + b"x" * 8000 + b"\r\nx\r\n"), SecurityError, str(ANSWER_AT_MOST)),
}  # fmt: skip


@pytest.mark.parametrize(("pieces", "error", "words"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_answer_opens_nothing(pieces, error, words):
    """Each is an invalid handshake, long before the deadline: the bytes are bounded too."""
    with raw_server(answering(pieces)) as server, standing(server.url()) as stream:
        with Timed() as timed, pytest.raises(error, match=words):
            Channel(stream, server.url("/", "ws"), (SPOKEN,), {}, 30.0)
        assert timed.seconds < 15


SLOW = {
    "says nothing": ([], 0.0),
    "dribbles a header": (dribble(START + b"x-a: ", b"x"), 0.02),
    "dribbles headers": (dribble(START, b"x-a: b\r\n"), 0.02),
    "dribbles a body": (dribble(HEAD + b"\r\n", b"x"), 0.02),
    "keeps a body back": ([HEAD + b"content-length: 9\r\n\r\nno "], 0.0),
}


@pytest.mark.parametrize(("pieces", "pause"), SLOW.values(), ids=list(SLOW))
def test_a_slow_handshake_is_in_time(pieces, pause):
    """The deadline is the whole handshake's, however often something comes."""
    with raw_server(answering(pieces, pause, end=False)) as server, standing(server.url()) as stream:
        with Timed() as timed, pytest.raises(TimeoutError):
            Channel(stream, server.url("/", "ws"), (SPOKEN,), {}, PATIENCE)
        assert PATIENCE <= timed.seconds < LATE


PINGS = itertools.repeat(frame(b"x" * 125, Opcode.PING) * 500)
STALLS = {
    "silence": ([], 0.0),
    "dribbled frame": (dribble(b"\x81\x7e\xff\xff", b"x"), 0.02),
    "dribbled pings": (dribble(b"", frame(b"", Opcode.PING)), 0.02),
    "ping flood": (PINGS, 0.0),
    "empty fragments": (flood(frame(b"", fin=False), frame(b"", Opcode.CONT, False)), 0.0),
}


@pytest.mark.parametrize(("pieces", "pause"), STALLS.values(), ids=list(STALLS))
def test_a_message_that_never_comes_is_waited_for_until_the_deadline(pieces, pause):
    """Whatever comes instead, and whether or not our pongs are read."""
    with raw_server(saying(pieces, pause, end=False)) as server, standing(server.url()) as stream:
        channel = Channel(stream, server.url("/", "ws"), (SPOKEN,), {}, 5.0)
        with Timed() as timed, pytest.raises(TimeoutError):
            channel.recv(soon(PATIENCE))
        assert PATIENCE <= timed.seconds < LATE


def test_a_dribbled_record_of_tls_is_waited_for_until_the_deadline(ca):
    """The deadline holds below TLS too, where no byte of ours has come yet."""
    with raw_server(dribbling_record(served(ca))) as server, standing(server.url("/", "wss"), ca) as stream:
        channel = Channel(stream, server.url("/", "wss"), (SPOKEN,), {}, 5.0)
        with Timed() as timed, pytest.raises(TimeoutError):
            channel.recv(soon(PATIENCE))
        assert PATIENCE <= timed.seconds < LATE


@pytest.mark.parametrize("pieces", [[], PINGS], ids=["silence", "ping flood"])
def test_a_goodbye_that_is_not_answered_is_waited_for_a_second(pieces):
    """`close` ends, whatever the server does."""
    with raw_server(saying(pieces, end=False)) as server, standing(server.url()) as stream:
        channel = Channel(stream, server.url("/", "ws"), (SPOKEN,), {}, 5.0)
        with Timed() as timed:
            channel.close()
        assert CLOSE_SECONDS <= timed.seconds < CLOSE_SECONDS + LATE


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_what_a_server_does_not_take_is_in_time(ca, scheme):
    """A message has `timeout` seconds to go out; the rest of it goes first when the server reads again."""
    text, taken, reads, read = "x" * (16 * 1024 * 1024), bytearray(), threading.Event(), threading.Event()
    whole = len(text) + len("y") + 10 + 2 + 4 + 4  # two heads, and two masks

    def script(connection, server):
        connection.sendall(accepting(server.read(connection)))
        reads.wait(10)
        while len(taken) < whole and (more := connection.recv(1 << 20)):
            taken.extend(more)
        read.set()

    context = served(ca) if scheme == "wss" else None
    with raw_server(script, context) as server, standing(server.url("/", scheme), ca) as stream:
        channel = Channel(stream, server.url("/", scheme), (SPOKEN,), {}, PATIENCE)
        with Timed() as timed, pytest.raises(TimeoutError):
            channel.send(text)
        assert PATIENCE <= timed.seconds < LATE
        reads.set()
        channel.send("y")
        assert read.wait(5)
        assert len(taken) == whole
