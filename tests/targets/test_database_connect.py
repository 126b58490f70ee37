"""Connecting to PostgreSQL: every way to fail has its class or SQLSTATE, ends in time, and shows no secret.

Rows of the runbooks: (A31, B7, B26, B30, C1, C7, C8).
"""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import postgres_peers as peers
import psycopg
import pytest

from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.database import second_credential
from pytest_prodcheck.targets.database.connect import ConnectFailed, attempt, connect, login, try_connect
from pytest_prodcheck.targets.database.session import Expired

SECRET = "dummy-Pg-Pa55word-7Qx9"
NAME = "prodcheck/test"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A real PostgreSQL with one role for each way to be refused."""
    with Postgres() as running:
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            connection.execute(
                f"""create role app login password '{SECRET}';
                create role expired login password '{SECRET}' valid until '2020-01-01';
                create role nologin nologin password '{SECRET}';
                create role single login password '{SECRET}' connection limit 1;
                create role rejected login password '{SECRET}'"""
            )
            for statement in ("create database shop_prod", "create database closed"):
                connection.execute(statement.encode())
            connection.execute("revoke connect on database closed from public")
        rules = running.data / "pg_hba.conf"
        rules.write_text(f"host all rejected all reject\n{rules.read_text()}")
        running.reload()
        yield running


def tried(dsn: str, timeout: float = 2.0) -> Observation:
    """One attempt."""
    return try_connect(dsn, timeout=timeout, application_name=NAME)


def address(port: int, **keywords: str) -> str:
    """A keyword DSN to a port of this machine."""
    words = {"host": "127.0.0.1", "port": str(port), "user": "app", "dbname": "app", "password": SECRET, **keywords}
    return " ".join(f"{name}={value}" for name, value in words.items())


def test_a_right_login_connects_and_says_where(server: Postgres) -> None:
    """A session comes with its phases and the facts of the address; the application name is ours."""
    session, seen = attempt(server.dsn("app", SECRET), timeout=2, application_name=NAME)
    assert session is not None
    with session:
        assert session.execute("select current_setting('application_name')").fetchone() == (NAME,)
    assert (seen.operation, seen.expected, seen.code, seen.error) == ("connect", True, "", "")
    assert seen.phases.keys() == {"dns", "tcp", "first_byte"}
    assert (seen.data["user"], seen.data["port"], seen.data["database"]) == ("app", server.port, "postgres")


@pytest.mark.parametrize(
    ("user", "password", "database", "sqlstate", "words"),
    [
        ("app", "wrong", "postgres", "28P01", "password authentication failed"),
        ("nobody_here", SECRET, "postgres", "28P01", "password authentication failed"),
        ("expired", SECRET, "postgres", "28P01", "password authentication failed"),
        ("nologin", SECRET, "postgres", "28000", "not permitted to log in"),
        ("rejected", SECRET, "postgres", "28000", "pg_hba.conf"),
        ("app", SECRET, "shop_prod2", "3D000", "does not exist"),
        ("app", SECRET, "closed", "42501", "permission denied for database"),
    ],
)
def test_a_refusal_by_the_server_has_its_sqlstate(
    server: Postgres, user: str, password: str, database: str, sqlstate: str, words: str
) -> None:
    """The server's own code is recorded, although psycopg gives none for failed connections."""
    seen = tried(server.dsn(user, password, database))
    assert (seen.code, seen.error, seen.expected) == (sqlstate, "", False)
    assert words in seen.message
    assert ".c:" not in seen.message


def test_a_dsn_without_a_password_is_said(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server asks, and we have none."""
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    seen = tried(server.dsn("app"))
    assert (seen.code, seen.error) == ("", "")
    assert "no password supplied" in seen.message


def test_tls_that_the_server_does_not_offer_is_a_tls_error(server: Postgres) -> None:
    """`sslmode=require` against ssl=off."""
    seen = tried(server.dsn("app", SECRET) + "?sslmode=require")
    assert seen.error == "tls.protocol"
    assert "does not support SSL" in seen.message


def test_the_limit_of_a_role_is_53300(server: Postgres) -> None:
    """A second session of a role with CONNECTION LIMIT 1."""
    with connect(server.dsn("single", SECRET), timeout=2, application_name="worker"):
        seen = tried(server.dsn("single", SECRET))
        with connect(server.dsn(), timeout=2, application_name=NAME) as other:
            facts = second_credential.facts(other, seen.code, "single", "postgres")
    assert seen.code == "53300"
    assert (facts["connection_limit"], facts["connections"]) == (1, 1)
    assert facts["application_names"] == {"worker": 1}


def test_exhausted_slots_are_53300_with_who_holds_them() -> None:
    """All slots of the server are taken by one application."""
    with Postgres({"max_connections": "6", "superuser_reserved_connections": "3"}) as small:
        with psycopg.connect(small.dsn(), autocommit=True) as connection:
            connection.execute(f"create role app login password '{SECRET}'")
        held = [connect(small.dsn("app", SECRET), timeout=2, application_name="worker") for _ in range(3)]
        seen = tried(small.dsn("app", SECRET))
        with connect(small.dsn(), timeout=2, application_name=NAME) as other:
            facts = second_credential.facts(other, seen.code, "app", "postgres")
        for session in held:
            session.hang_up()
    assert seen.code == "53300"
    assert (facts["max_connections"], facts["server_connections"]) == (6, 3)
    assert facts["application_names"] == {"worker": 3}


def test_a_server_that_starts_is_57p03() -> None:
    """A standby that takes no queries stays in recovery, and says so to whoever connects."""
    with Postgres() as server:
        server.halt()
        (server.data / "standby.signal").touch()
        (server.data / "postgresql.auto.conf").write_text("hot_standby = off\n")
        with ThreadPoolExecutor() as pool:
            starting = pool.submit(server.start)
            seen = tried(server.dsn())
            while seen.error == "tcp.refused":
                seen = tried(server.dsn())
            server.halt(immediately=True)
            assert starting.exception() is not None
    assert (seen.code, seen.error) == ("57P03", "")


@pytest.mark.parametrize(
    ("role", "facts"),
    [
        ("app", {"role_exists": True, "can_login": True, "expired": False, "valid_until": None}),
        ("nobody_here", {"role_exists": False}),
        ("expired", {"role_exists": True, "expired": True, "valid_until": "2020-01-01T00:00:00Z"}),
        ("nologin", {"role_exists": True, "can_login": False}),
    ],
)
def test_another_credential_tells_refused_logins_apart(server: Postgres, role: str, facts: dict[str, object]) -> None:
    """28P01 has one text for a wrong password, a missing and an expired role; pg_roles knows which (T12)."""
    with connect(server.dsn("app", SECRET), timeout=2, application_name=NAME) as other:
        found = second_credential.facts(other, "28P01", role, "postgres")
    assert facts.items() <= found.items()
    assert found["asked_as"] == "app"


def test_another_credential_names_similar_databases(server: Postgres) -> None:
    """3D000 comes with what the name may have been meant to be."""
    with connect(server.dsn("app", SECRET), timeout=2, application_name=NAME) as other:
        assert second_credential.facts(other, "3D000", "app", "shop_prod2")["similar"] == ["shop_prod"]


def test_a_closed_port_is_refused() -> None:
    """Nothing listens."""
    with peers.serving(peers.swallow) as port:
        pass
    assert tried(address(port)).error == "tcp.refused"


def test_a_host_without_an_address_is_not_found() -> None:
    """RFC 6761: .invalid never resolves."""
    seen = tried(f"postgresql://app:{SECRET}@no-such-host.invalid/app")
    assert seen.error == "dns.not_found"
    assert "no-such-host.invalid" in seen.message


def test_dropped_packets_are_a_timeout_of_tcp() -> None:
    """A queue that is full: no answer to the SYN, and we end in time."""
    with peers.full_backlog() as port:
        started = time.perf_counter()
        seen = tried(address(port), timeout=0.6)
    assert seen.error == "tcp.timeout"
    assert time.perf_counter() - started < 1.5


@pytest.mark.parametrize("sslmode", ["prefer", "disable", "require"])
def test_an_http_server_is_not_postgresql(sslmode: str) -> None:
    """Something answers, and it is not the protocol."""
    with peers.serving(peers.speak_http) as port:
        assert tried(address(port, sslmode=sslmode)).error == "protocol"


@pytest.mark.parametrize("sslmode", ["prefer", "disable"])
def test_a_port_that_swallows_is_not_a_dead_host(sslmode: str) -> None:
    """TCP stands and nothing is ever said: another service (Redis does so), told apart from dropped packets."""
    with peers.serving(peers.swallow) as port:
        started = time.perf_counter()
        seen = tried(address(port, sslmode=sslmode), timeout=0.6)
    assert seen.error == "protocol"
    assert "says nothing" in seen.message
    assert time.perf_counter() - started < 1.5


def test_a_server_that_closes_at_once_is_reset() -> None:
    """A proxy or pooler that cuts the connection."""
    with peers.serving(peers.close) as port:
        assert tried(address(port)).error == "tcp.reset"


def test_a_server_that_falls_silent_during_the_login_is_a_timeout() -> None:
    """It spoke PostgreSQL, so the port is right."""
    with peers.serving(peers.ask_and_fall_silent) as port:
        seen = tried(address(port), timeout=0.6)
    assert seen.error == "timeout"


def test_every_host_of_the_string_is_tried(server: Postgres) -> None:
    """The first one is dead, the second serves; what was tried is recorded."""
    with peers.serving(peers.swallow) as dead:
        pass
    seen = tried(f"postgresql://app:{SECRET}@127.0.0.1:{dead},localhost:{server.port}/postgres", timeout=3)
    assert seen.expected
    assert seen.data["tried"][0]["error"] == "tcp.refused"
    assert len(seen.data["tried"]) >= 2


def test_after_an_answer_no_further_host_is_tried(server: Postgres) -> None:
    """A wrong password is wrong on every host, and each attempt counts towards a lock-out (libpq manual 32.1.1.3)."""
    hosts = f"127.0.0.1:{server.port},127.0.0.1:{server.port}"
    seen = tried(f"postgresql://app:wrong@{hosts}/postgres")
    assert (seen.code, len(seen.data["tried"])) == ("28P01", 1)


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://app:dummy%zz@db.test/shop",
        "postgresql://app:dummyPa/55word@db.test/shop",
        "postgresql://app:dummyPa@55word@db.test/shop",
        "postgresql://app:dummyPa?55word@db.test/shop",
        "host=db.test password='dummyPa",
        "dummy55Password",
        "host=db.test dummy_secret=55",
        "host=127.0.0.1 port=dummy55 user=app",
    ],
)
def test_a_string_that_cannot_be_parsed_is_not_repeated(dsn: str) -> None:
    """Nothing is sent, and no piece of the string, which may be half a password, is said."""
    seen = tried(dsn)
    assert seen.error == "refused"
    assert "dummy" not in repr(seen)
    assert "55" not in seen.message


def leaks(value: object) -> bool:
    """Whether the secret is in a repr."""
    return SECRET in repr(value) or SECRET in str(value)


@pytest.mark.parametrize("user", ["app", "expired", "nologin"])
def test_nothing_that_is_raised_holds_the_secret(server: Postgres, user: str) -> None:
    """Neither the text nor the chain nor a local of any of our frames."""
    dsn = server.dsn(user, SECRET, "nowhere")
    with pytest.raises(ConnectFailed) as caught:
        connect(dsn, timeout=2, application_name=NAME)
    error = caught.value
    assert error.__context__ is None
    frames = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in frames.stack if "pytest_prodcheck" in frame.filename]
    assert ours
    assert not any(leaks(frame.locals) for frame in ours)
    assert not leaks(vars(error))


def test_nothing_that_is_returned_holds_the_secret(server: Postgres) -> None:
    """Neither observation nor session show the password, in no representation."""
    session, seen = attempt(server.dsn("app", SECRET), timeout=2, application_name=NAME)
    assert session is not None
    with session:
        assert not any(leaks(value) for value in (seen, session, session.pgconn, vars(session)))
    assert SECRET not in json.dumps(seen.as_json())


def test_a_password_in_the_servers_words_is_redacted() -> None:
    """A database that bears the password's name by mistake."""
    with Postgres() as other:
        seen = tried(other.dsn("postgres", other.password, other.password))
    assert seen.code == "3D000"
    assert other.password not in seen.message
    assert "[redacted]" in seen.message


def test_a_login_asks_one_question(server: Postgres) -> None:
    """A declared login is its connection and one `select 1`."""
    seen = login(server.dsn("app", SECRET), name="app", timeout=2, application_name=NAME)
    assert (seen.operation, seen.subject, seen.expected) == ("login app", "app", True)
    assert seen.phases["body"] > 0


def test_a_login_to_a_server_that_freezes_ends_in_time(server: Postgres) -> None:
    """The connection stands, and no answer to `select 1` comes."""
    relay = peers.Relay(server.port)
    with peers.serving(relay) as port:
        session = connect(address(port, dbname="postgres"), timeout=2, application_name=NAME)
        relay.frozen.set()
        session.bound(0.4)
        started = time.perf_counter()
        with pytest.raises(Expired):
            session.execute("select 1")
    assert time.perf_counter() - started < 1.5
    assert session.closed


def test_a_stopped_server_ends_in_time(server: Postgres) -> None:
    """SIGSTOP: the kernel still takes connections for it."""
    process = server._process
    assert process
    os.kill(process.pid, signal.SIGSTOP)
    try:
        started = time.perf_counter()
        seen = tried(server.dsn("app", SECRET), timeout=0.6)
        took = time.perf_counter() - started
    finally:
        os.kill(process.pid, signal.SIGCONT)
    assert seen.error == "protocol"
    assert took < 1.5


def test_environment_variables_complete_the_string(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """PGHOST, PGPORT, PGUSER and PGPASSWORD hold where the string says nothing, as for every client of libpq."""
    for name, value in {"HOST": "127.0.0.1", "PORT": str(server.port), "USER": "app", "PASSWORD": SECRET}.items():
        monkeypatch.setenv(f"PG{name}", value)
    seen = tried("postgresql:///postgres")
    assert seen.expected
    assert seen.data["user"] == "app"


def test_a_socket_directory_is_an_address(server: Postgres) -> None:
    """libpq's `host=/directory`; the server listens there, too."""
    seen = tried(f"host={Path(server.directory)} port={server.port} user=app password={SECRET} dbname=postgres")
    assert seen.expected
