"""When a request went out and when its answer came, on real sockets."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from pytest_prodcheck.targets.arrival import StampedSocket

STAMPED = pytest.mark.skipif(sys.platform != "linux", reason="only Linux stamps what it receives")


@pytest.fixture
def pair() -> Iterator[tuple[StampedSocket, socket.socket]]:
    """A connected client and its server's end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = StampedSocket(socket.AF_INET, socket.SOCK_STREAM)
        client.settimeout(5)
        client.connect(server.getsockname())
        other, _ = server.accept()
        with client, other:
            _stamps_begin(client, other)
            yield client, other


def _stamps_begin(client: StampedSocket, other: socket.socket) -> None:
    """Waits until the kernel stamps what comes: it begins with that a moment after the first socket wants it (Linux'
    `net_enable_timestamp` works in a queue), and gives the time of reading until then."""
    end = time.monotonic() + 5
    while sys.platform == "linux" and time.monotonic() < end:
        other.sendall(b"?")
        time.sleep(0.05)
        client.recv_into(bytearray(100))
        if time.perf_counter() - client.last_arrival > 0.03:
            break
    client.forget()


@STAMPED
def test_an_answer_has_arrived_when_the_kernel_had_it(pair: tuple[StampedSocket, socket.socket]) -> None:
    client, other = pair
    other.sendall(b"early")
    sent = time.perf_counter()
    time.sleep(0.3)  # a thread that does not get the interpreter lock
    assert client.recv_into(bytearray(100)) == 5
    assert abs(client.first_arrival - sent) < 0.1
    assert client.last_arrival == client.first_arrival


@STAMPED
def test_the_last_part_of_an_answer_has_a_time_of_its_own(pair: tuple[StampedSocket, socket.socket]) -> None:
    client, other = pair
    other.sendall(b"first")
    client.recv_into(bytearray(100))
    time.sleep(0.2)
    other.sendall(b"last")
    client.recv_into(bytearray(100))
    assert 0.15 < client.last_arrival - client.first_arrival < 0.4


def test_without_stamps_a_byte_has_arrived_when_it_was_read(pair: tuple[StampedSocket, socket.socket]) -> None:
    client, other = pair
    client._stamps = False
    other.sendall(b"early")
    time.sleep(0.2)
    client.recv_into(bytearray(100))
    assert time.perf_counter() - client.first_arrival < 0.1


@STAMPED
def test_a_clock_that_was_set_meanwhile_moves_no_arrival(
    pair: tuple[StampedSocket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, other = pair
    other.sendall(b"early")
    hour = 3600 * 1_000_000_000
    now = time.time_ns
    for shift in (hour, -hour):
        monkeypatch.setattr(time, "time_ns", lambda shift=shift: now() + shift)
        client.recv_into(bytearray(1))
        assert 0 <= time.perf_counter() - client.last_arrival < 0.1


def test_what_the_kernel_does_not_take_at_once_is_sent_all_the_same(pair: tuple[StampedSocket, socket.socket]) -> None:
    client, other = pair
    whole = bytes(range(256)) * 65_536
    received = bytearray()

    def read() -> None:
        while len(received) < len(whole) and (part := other.recv(1 << 16)):
            received.extend(part)

    reader = threading.Thread(target=read)
    reader.start()
    before = time.perf_counter()
    client.sendall(whole)
    reader.join(10)
    assert bytes(received) == whole
    assert before <= client.departure < before + 1


def test_the_next_exchange_begins_anew(pair: tuple[StampedSocket, socket.socket]) -> None:
    client, other = pair
    client.sendall(b"one")
    other.sendall(b"two")
    client.recv_into(bytearray(10))
    client.forget()
    assert (client.departure, client.first_arrival, client.last_arrival) == (0.0, 0.0, 0.0)


def test_a_connection_that_the_other_side_closed_says_so(pair: tuple[StampedSocket, socket.socket]) -> None:
    client, other = pair
    other.close()
    assert client.recv_into(bytearray(10)) == 0
    with pytest.raises(ConnectionError):
        _send_until_refused(client)


def _send_until_refused(client: StampedSocket) -> None:
    """The first bytes to a closed end are answered by a reset, the next ones fail."""
    for _ in range(100):
        client.sendall(b"x" * 4096)
        time.sleep(0.001)


@pytest.mark.parametrize("stamps", [True, False])
def test_a_read_and_a_write_end_in_time(pair: tuple[StampedSocket, socket.socket], *, stamps: bool) -> None:
    client, _ = pair
    client._stamps = client._stamps and stamps
    client.allow(0.2)
    for call in (lambda: client.recv_into(bytearray(10)), lambda: client.sendall(bytes(1 << 26))):
        before = time.perf_counter()
        with pytest.raises(TimeoutError, match="timed out"):
            call()
        assert 0.15 < time.perf_counter() - before < 1.5


def test_what_changes_next_to_nothing_costs_no_system_call(pair: tuple[StampedSocket, socket.socket]) -> None:
    client, other = pair
    client.allow(10.0)
    client.settimeout(0.0)  # would be undone by a further one
    client.allow(9.98)
    assert client.gettimeout() == 0.0
    client.allow(0.3)
    other.sendall(b"x")
    assert client.recv_into(bytearray(10)) == 1
