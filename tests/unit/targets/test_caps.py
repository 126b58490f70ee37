"""Caps per host: never exceeded, whoever asks."""

from __future__ import annotations

import threading
import time

import pytest

from pytest_prodcheck.config.models import Requests
from pytest_prodcheck.targets.caps import CapReached, HostCaps


def in_threads(number, job):
    """Runs `job` in several threads at once."""
    threads = [threading.Thread(target=job) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


def test_no_sliding_second_holds_more_than_allowed():
    """Of 25 permits at 10 a second, no window of one second holds more than ten, at full use."""
    caps, granted, lock = HostCaps(Requests(per_second=10, in_flight=20)), [], threading.Lock()

    def job():
        for _ in range(5):
            with caps.permit(time.monotonic() + 9, threading.Event()), lock:
                granted.append(caps._sent_at[-1])

    begin = time.monotonic()
    in_threads(5, job)
    granted.sort()
    assert len(granted) == caps.sent == 25
    assert all(later - earlier >= 1.0 for earlier, later in zip(granted, granted[10:], strict=False))
    assert time.monotonic() - begin < 2.6


def test_no_more_in_flight_than_allowed():
    """Of thirty at once, four hold a permit at any time."""
    caps, lock, now, most = HostCaps(Requests(per_second=1000, in_flight=4)), threading.Lock(), 0, 0

    def job():
        nonlocal now, most
        with caps.permit(time.monotonic() + 9, threading.Event()):
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.005)
            with lock:
                now -= 1

    in_threads(30, job)
    assert most == 4


def test_at_most_is_never_passed():
    """Seven permits in all are seven, however many threads ask; the rest is told why."""
    caps, reasons = HostCaps(Requests(at_most=7)), []

    def job():
        try:
            with caps.permit(time.monotonic() + 5, threading.Event()):
                pass
        except CapReached as reason:
            reasons.append(str(reason))

    in_threads(20, job)
    assert (caps.sent, caps.left, len(reasons)) == (7, 0, 13)
    assert reasons[0] == "all 7 requests of this host are used up"


def test_back_off_holds_everybody_back():
    """After a 429 nobody is permitted before the time is over; a shorter one does not shorten it."""
    caps = HostCaps(Requests())
    caps.back_off(0.3)
    caps.back_off(0.1)
    begin = time.monotonic()
    with caps.permit(begin + 5, threading.Event()):
        assert time.monotonic() - begin >= 0.29


def test_wait_that_would_pass_the_deadline_is_given_up_at_once():
    """A back-off of a minute is not waited for by a request that has a second."""
    caps = HostCaps(Requests())
    caps.back_off(60)
    begin = time.monotonic()
    with pytest.raises(CapReached), caps.permit(begin + 1, threading.Event()):
        pass
    assert time.monotonic() - begin < 0.2


@pytest.mark.parametrize("busy", [False, True])
def test_nothing_is_permitted_after_a_stop(busy):
    """A stopped run gets no permit, also where the rate would allow one."""
    caps, stopped = HostCaps(Requests()), threading.Event()
    if busy:
        caps.back_off(5)
        threading.Timer(0.05, stopped.set).start()
    else:
        stopped.set()
    begin = time.monotonic()
    with pytest.raises(CapReached), caps.permit(begin + 9, stopped):
        pass
    assert caps.sent == 0
    assert time.monotonic() - begin < 0.5


def test_slot_is_given_back_after_an_error():
    """A permit whose block raises is free again."""
    caps = HostCaps(Requests(in_flight=1))
    for _ in range(3):
        with pytest.raises(KeyError), caps.permit(time.monotonic() + 1, threading.Event()):
            raise KeyError
    assert caps.sent == 3
