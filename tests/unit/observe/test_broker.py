"""The broker between the owner and xdist's workers, over its real socket."""

from __future__ import annotations

import secrets
import stat
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import AuthenticationError
from pathlib import Path

import pytest

from pytest_prodcheck.errors import ProdcheckError, Refused, TargetError
from pytest_prodcheck.observe.broker import BrokerClient, BrokerClosed, BrokerServer


class Stubborn(Exception):
    """An exception that can be pickled, and not be made again."""

    def __init__(self, first, second):
        super().__init__(f"{first} {second}")


class Service:
    """Answers as the tests want."""

    def __init__(self):
        self.release = threading.Event()
        self.secrets = [("env:FIRST", "one")]

    def secrets_since(self, known):
        return self.secrets[known:]

    def obtain(self, name, value):
        self.secrets.append((name, value))
        return value

    def obtain_in_vain(self, name, value):
        self.secrets.append((name, value))
        raise TargetError("auth", f"refused {value}", "auth.token.refused")

    def call(self, method, arguments):
        """The named answer."""
        return getattr(self, method)(*arguments)

    def echo(self, value):
        return value

    def refused(self):
        raise Refused("POST /x", "not declared", "declare it")

    def target(self):
        raise TargetError("http", "no answer", "http.timeout")

    def stubborn(self):
        raise Stubborn("one", "two")

    def lock(self):
        return threading.Lock()

    def function(self):
        return lambda: 1

    def slow(self):
        time.sleep(0.1)
        return 1

    def stuck(self):
        self.release.wait(10)


@pytest.fixture
def server():
    """The owner's end."""
    service = Service()
    server = BrokerServer(service)
    yield server
    service.release.set()
    server.close()


@pytest.fixture
def client(server):
    """A worker's end."""
    return BrokerClient(server.address, lambda name, value: None)


def test_answers_come_back(client):
    """Values of any size come back equal, call after call."""
    for value in (1, {"a": [1, 2]}, b"x" * 1_000_000):
        assert client.call("echo", (value,)) == value


def test_our_errors_are_raised_where_they_were_asked_for(client):
    """Refusals and target errors arrive with all that they were made of."""
    with pytest.raises(Refused) as refused:
        client.call("refused", ())
    assert (refused.value.what, refused.value.reason, refused.value.remedy) == ("POST /x", "not declared", "declare it")
    with pytest.raises(TargetError) as target:
        client.call("target", ())
    assert target.value.code == "http.timeout"


@pytest.mark.parametrize("method", ["lock", "function"])
def test_answer_that_cannot_be_pickled_says_so(client, method):
    """It is an error of its own without the value, and the connection lives on."""
    with pytest.raises(ProdcheckError, match="cannot be sent to a worker"):
        client.call(method, ())
    assert client.call("echo", (1,)) == 1


def test_a_secret_is_learnt_before_the_answer_that_may_hold_it(server):
    """What the owner obtained for an answer, or for a refusal, is known when the worker's test gets to see it; once."""
    learnt = []
    client = BrokerClient(server.address, lambda name, value: learnt.append((name, value)))
    assert client.call("obtain", ("token of member", "two")) == "two"
    assert learnt == [("env:FIRST", "one"), ("token of member", "two")]
    with pytest.raises(TargetError, match="three"):
        client.call("obtain_in_vain", ("token of admin", "three"))
    client.call("echo", (1,))
    assert learnt == [("env:FIRST", "one"), ("token of member", "two"), ("token of admin", "three")]


def test_a_secret_comes_with_an_answer_that_cannot_travel(server):
    """The error in its place may quote it as well."""
    learnt = []
    with pytest.raises(ProdcheckError, match="cannot be sent"):
        BrokerClient(server.address, lambda name, value: learnt.append(name)).call("lock", ())
    assert learnt == ["env:FIRST"]


def test_exception_that_cannot_be_made_again_travels_as_its_text(client):
    """An exception with an `__init__` of its own does not break the worker's end."""
    with pytest.raises(ProdcheckError, match="Stubborn: one two"):
        client.call("stubborn", ())
    assert client.call("echo", (1,)) == 1


def test_calls_of_several_threads_do_not_wait_for_each_other(client):
    """Ten calls of 0.1 s from ten threads take about 0.1 s."""
    begin = time.monotonic()
    with ThreadPoolExecutor(10) as threads:
        assert list(threads.map(lambda _: client.call("slow", ()), range(10))) == [1] * 10
    assert time.monotonic() - begin < 0.6


def test_wrong_key_is_refused_and_the_others_are_served(server, client):
    """Who does not know the run's key is not answered; the server goes on."""
    stranger = BrokerClient({**server.address, "key": secrets.token_bytes(32).hex()}, lambda name, value: None)
    with pytest.raises(AuthenticationError):
        stranger.call("echo", (1,))
    assert client.call("echo", (2,)) == 2


def test_only_the_user_can_reach_the_socket(server):
    """The socket lies in a directory that only its owner may enter, and is gone afterwards."""
    directory = Path(server.address["address"]).parent
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    server.close()
    assert not directory.exists()


def test_owner_that_is_gone_is_broker_closed(server, client):
    """A worker that asks after the end gets BrokerClosed, at once and again."""
    server.close()
    for _ in range(2):
        with pytest.raises(BrokerClosed, match="does not answer"):
            client.call("echo", (1,))


def test_a_long_temporary_directory_holds_no_socket(monkeypatch, tmp_path):
    """A socket's path has some 100 bytes (unix(7)): below a longer TMPDIR the broker listens elsewhere."""
    place = tmp_path / ("x" * 100)
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    server = BrokerServer(Service())
    try:
        assert BrokerClient(server.address, lambda name, value: None).call("echo", ("heard",)) == "heard"
        assert not list(place.iterdir())
    finally:
        server.close()
