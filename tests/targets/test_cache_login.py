"""Who is not let into a Redis, and why: each cause by a real server, or what stands in its place (B17, E22, E42)."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres_peers import close, full_backlog, serving, swallow
from redis_servers import Redis, asking, until

from pytest_prodcheck.criteria.cache import login
from pytest_prodcheck.demo.certificates import Certificates
from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.observe.finding import Finding

PASSWORD = "dummy-R3dis-8tZ"


@pytest.fixture(scope="module")
def locked() -> Iterator[Redis]:
    """A server with a password, two users of its ACL and one slot more than it needs."""
    acl = (f"user reader on >{PASSWORD} ~* +ping +info", f"user mute on >{PASSWORD} ~* -@all", "maxclients 1000")
    with Redis(f"requirepass {PASSWORD}", *acl) as one:
        yield one


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority of the tests' own."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


def finding(url: str, **keys: object) -> Finding | None:
    """What readiness finds; nothing where all is well. No finding has the password."""
    with asking(url, **keys) as prober:
        found = login.ready("cache", prober.ready())
    assert all(PASSWORD not in repr(one) for one in found)
    return found[0] if found else None


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        (f":{PASSWORD}@", ""), (f"default:{PASSWORD}@", ""), (f"reader:{PASSWORD}@", ""), ("", "cache.auth.required"),
        (":another-dummy@", "cache.auth.rejected"), (f"nobody:{PASSWORD}@", "cache.auth.rejected"),
        ("reader@", "cache.auth.required"),
        (f":{PASSWORD}%0A@", "cache.auth.rejected"), (f"mute:{PASSWORD}@", "cache.auth.not_permitted"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_cause(locked: Redis, credentials: str, code: str) -> None:
    """NOAUTH, WRONGPASS (a user that there is not, too) and NOPERM are told apart, whatever redis-py makes of them."""
    found = finding(locked.url(credentials))
    assert (found.code if found else "") == code


def test_a_password_with_a_line_break_is_named(locked: Redis) -> None:
    """What `echo` without -n leaves at a secret's end is the first thing to look at."""
    found = finding(locked.url(f":{PASSWORD}%0A@"))
    assert found is not None
    assert "line break" in found.remedy
    assert "echo without -n" in found.message


def test_a_number_beyond_the_databases(locked: Redis) -> None:
    """SELECT of what is not there is the URL's mistake."""
    found = finding(locked.url(f":{PASSWORD}@", database=99))
    assert found is not None
    assert found.code == "cache.database_index.wrong"


def test_another_credential_that_gets_in_is_said(locked: Redis) -> None:
    """Where the application's log-in works and only our reader's does not, that is a fact for the diagnosis."""
    found = finding(locked.url(":wrong@"), logins={"app": locked.url(f":{PASSWORD}@")})
    assert found is not None
    assert found.data["asked_as"] == "app"


def test_a_server_without_a_password_takes_none() -> None:
    """A password in the URL and none on the server: whoever reaches it may read all, and that is red."""
    with Redis() as open_server:
        found = [finding(open_server.url(f"{user}:{PASSWORD}@")) for user in ("", "default")]
        assert finding(open_server.url()) is None
    assert [one.code for one in found if one] == ["cache.auth.not_configured"] * 2


def test_no_slot_is_left() -> None:
    """The server says why before it closes, also where our first bytes cross its answer."""
    with Redis("maxclients 1") as full, full.held():
        found = finding(full.url())
    assert found is not None
    assert found.code == "cache.clients.limit_reached"


def test_a_server_that_echoes_a_password() -> None:
    """One that does not know AUTH repeats its arguments; we do not (rename-command)."""
    with Redis("rename-command AUTH nothing") as odd:
        found = finding(odd.url(f":{PASSWORD}@"))
    assert found is not None
    assert "unknown command" in found.message


def test_a_replica_that_lost_its_primary() -> None:
    """MASTERDOWN, where it may not serve old data."""
    with Redis("replicaof 127.0.0.1 1", "replica-serve-stale-data no") as lost:
        found = finding(lost.url())
    assert found is not None
    assert found.code == "cache.server.primary_down"


def test_a_disk_that_cannot_be_written() -> None:
    """MISCONF: the snapshot failed, and PING says so."""
    with Redis("stop-writes-on-bgsave-error yes") as broken:
        broken.ask("CONFIG", "SET", "save", "3600 1")
        (broken.directory / "dump.rdb").mkdir()
        (broken.directory / "dump.rdb" / "full").touch()
        broken.ask("BGSAVE")
        until(lambda: b"rdb_last_bgsave_status:err" in broken.ask("INFO", "persistence"), "the failed snapshot")
        found = finding(broken.url())
    assert found is not None
    assert found.code == "cache.persistence.failed"


def test_a_script_that_does_not_end() -> None:
    """BUSY is no hang: the server says what it does."""
    with Redis("busy-reply-threshold 50") as busy:
        script = ("EVAL", "while true do end", 0)
        runs = socket.create_connection(("127.0.0.1", busy.port))
        parts = [str(word).encode() for word in script]
        runs.sendall(b"*3\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts))
        until(lambda: busy.ask("PING")[0].startswith(b"-BUSY"), "the script")
        found = finding(busy.url())
        runs.close()
    assert found is not None
    assert found.code == "cache.server.busy"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "cache.server.loading"),
        (b"-CLUSTERDOWN The cluster is down\r\n", "cache.cluster.down"),
        (b"-OOM command not allowed when used memory > 'maxmemory'.\r\n", "cache.memory.full"),
        (b"-READONLY You can't write against a read only replica.\r\n", "cache.server.read_only_replica"),
        (b"-DENIED Redis is running in protected mode because\r\n", "cache.auth.protected_mode"),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "cache.port.wrong_service"),
        (b"<!doctype html><title>hi</title>\r\n", "cache.port.wrong_service"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "cache.port.wrong_service"),
        (b"\x00\x01\x02\x03\r\n", "cache.protocol.broken"),
        (b"$1000000000\r\n" + b"x" * 5_000_000, "cache.protocol.broken"),
        (b"*1\r\n" * 100_000, "cache.protocol.broken"),
        (b"*99999999999999\r\n" + b":1\r\n" * 1_500_000, "cache.protocol.broken"),
        (b":one\r\n", "cache.protocol.broken"), (b":1\r\n", "cache.protocol.broken"),
        (b"+OK POP3 ready\r\n", "cache.port.wrong_service"), (b"* OK IMAP4rev1\r\n", "cache.port.wrong_service"),
        (b"220-ftp.example\r\n", "cache.port.wrong_service"), (b"$-1\r\n", "cache.protocol.broken"),
        (b"-" + b"x" * 5_000_000, "cache.protocol.broken"),
    ],
)  # fmt: skip
def test_what_else_may_be_answered(answer: bytes, code: str) -> None:
    """States that are over in a moment, said by a stand-in; other services; and answers that never end."""

    def says(client: socket.socket) -> None:
        while client.recv(1024):
            client.sendall(answer)

    with serving(says) as port:
        found = finding(f"redis://127.0.0.1:{port}")
    assert found is not None
    assert found.code == code
    assert len(found.message) < 500


@pytest.mark.parametrize("peer", [swallow, lambda client: [client.sendall(b"+") or time.sleep(0.2) for _ in range(60)]])
def test_silence_ends_at_the_deadline(peer: Callable[[socket.socket], None]) -> None:
    """A port that never answers, and one that drips, take the timeout and no longer."""
    with serving(peer) as port:
        began = time.monotonic()
        found = finding(f"redis://127.0.0.1:{port}", timeout=0.5)
        took = time.monotonic() - began
    assert found is not None
    assert found.code in ("cache.server.hangs", "cache.protocol.broken")
    assert took < 10


def test_nothing_listens_and_nothing_resolves() -> None:
    """Refused, dropped packets, and a name that is none."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        refused = finding(f"redis://127.0.0.1:{bound.getsockname()[1]}")
    with full_backlog() as port:
        dropped = finding(f"redis://127.0.0.1:{port}", timeout=0.5)
    unknown = finding("redis://cache.invalid:6379")
    codes = [one.code for one in (refused, dropped, unknown) if one]
    assert codes == ["cache.tcp.refused", "cache.tcp.timeout", "cache.dns.not_found"]


def test_postgres_on_the_port() -> None:
    """PostgreSQL closes without a word at our first bytes; a second look tells it from a TLS port."""
    server = Postgres()
    try:
        found = finding(f"redis://127.0.0.1:{server.port}")
    finally:
        server.stop()
    assert found is not None
    assert (found.code, found.data["speaks"]) == ("cache.port.wrong_service", "PostgreSQL")


def test_a_connection_that_is_only_closed() -> None:
    """Neither TLS nor PostgreSQL nor anything that says what it is."""
    with serving(close) as port:
        found = finding(f"redis://127.0.0.1:{port}")
    assert found is not None
    assert found.code == "cache.connection.dropped"


@pytest.fixture(scope="module")
def encrypted(certificates: Certificates) -> Iterator[tuple[int, Certificates]]:
    """The port of a real server behind TLS."""
    leaf = certificates._intermediate.issue_cert("127.0.0.1")
    folder = certificates.root.parent
    key, chain = folder / "redis.key", folder / "redis.pem"
    leaf.private_key_pem.write_to_path(str(key))
    chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    settings = (f"tls-cert-file {chain}", f"tls-key-file {key}", f"tls-ca-cert-file {certificates.root}")
    with Redis(*settings, "tls-auth-clients no", f"requirepass {PASSWORD}", tls=True) as one:
        yield one.port, certificates


def test_tls_is_verified_and_its_certificate_kept(encrypted: tuple[int, Certificates]) -> None:
    """With the authority it is ready and shows how long it holds; without it nothing is asked."""
    port, known = encrypted
    url = f"rediss://:{PASSWORD}@127.0.0.1:{port}/0"
    with asking(url, tls={"ca": str(known.root)}) as prober:
        (seen,) = prober.ready().observations
    assert seen.expected
    assert seen.data["certificate"]["not_after"] > time.time()
    assert (found := finding(url)) is not None
    assert found.code == "cache.tls.untrusted"


def test_a_plain_client_at_a_tls_port(encrypted: tuple[int, Certificates]) -> None:
    """The reset at the first byte is explained by a handshake."""
    found = finding(f"redis://:{PASSWORD}@127.0.0.1:{encrypted[0]}")
    assert found is not None
    assert found.code == "cache.tls.required"


def test_a_tls_client_at_a_plain_port(locked: Redis) -> None:
    """The other way round; the password is not tried in the clear."""
    found = finding(locked.url(f":{PASSWORD}@", "rediss"), timeout=2.0)
    assert found is not None
    assert found.code == "cache.tls.not_offered"


@pytest.mark.parametrize(
    ("kind", "code"), [("expired", "cache.tls.expired"), ("hostname", "cache.tls.hostname_mismatch")]
)
def test_certificates_that_do_not_hold(certificates: Certificates, kind: str, code: str) -> None:
    """Over, or for another name."""
    context = certificates.server_context(kind)  # type: ignore[arg-type]

    def shake(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as shaken:
            shaken.recv(10)

    with serving(lambda client: _tolerant(shake, client)) as port:
        found = finding(f"rediss://127.0.0.1:{port}", tls={"ca": str(certificates.root)})
    assert found is not None
    assert found.code == code


def _tolerant(act: Callable[[socket.socket], None], client: socket.socket) -> None:
    try:
        act(client)
    except (ssl.SSLError, OSError):
        threading.current_thread()  # the client has hung up on the certificate: what is tested


def test_a_client_certificate_that_is_wanted(certificates: Certificates, tmp_path: Path) -> None:
    """A server that lets in only who shows a certificate says so at the first read."""
    leaf = certificates._intermediate.issue_cert("127.0.0.1")
    key, chain = tmp_path / "server.key", tmp_path / "server.pem"
    leaf.private_key_pem.write_to_path(str(key))
    chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    settings = (f"tls-cert-file {chain}", f"tls-key-file {key}", f"tls-ca-cert-file {certificates.root}")
    with Redis(*settings, tls=True) as strict:
        url = strict.url(scheme="rediss")
        missing = finding(url, tls={"ca": str(certificates.root)})
        shown = {"ca": str(certificates.root), "client_certificate": {"certificate": str(chain), "key": str(key)}}
        assert finding(url, tls=shown) is None
    assert missing is not None
    assert missing.code == "cache.tls.client_certificate"
