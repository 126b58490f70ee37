"""TLS to the server: `sslmode=verify-full` means the chain and the name, and each way to break it has its class."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from postgres_servers import Debian

from pytest_prodcheck.demo.postgres import Postgres
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.database.connect import connect, try_connect
from pytest_prodcheck.targets.database.snapshot import snapshot


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The authority that the servers' certificates come from."""
    return trustme.CA()


@pytest.fixture(scope="module")
def root(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its certificate's file."""
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def certify(server: Postgres, certificate: trustme.LeafCert) -> None:
    """Gives a running server another certificate; new connections see it."""
    chain, key = server.data / "server.crt", server.data / "server.key"
    chain.write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    key.chmod(0o600)
    owner = server.data.stat()
    for path in (chain, key):
        shutil.chown(path, owner.st_uid, owner.st_gid)


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> Iterator[Postgres]:
    """Debian's PostgreSQL 15 with TLS on; skipped where it is not installed."""
    with Debian.or_skip()() as running:
        with (running.data / "postgresql.conf").open("a") as settings:
            settings.write("ssl = on\n")
        certify(running, authority.issue_cert("127.0.0.1"))
        running.halt()
        running.start()
        yield running


@pytest.fixture
def served(server: Postgres, authority: trustme.CA) -> Iterator[Postgres]:
    """The server, with its right certificate again afterwards."""
    yield server
    certify(server, authority.issue_cert("127.0.0.1"))
    restart(server)


def restart(server: Postgres) -> None:
    """Certificates are read at the start; a reload is not waited for."""
    server.halt()
    server.start()


def tried(server: Postgres, options: str) -> Observation:
    """One attempt with these parameters."""
    return try_connect(f"{server.dsn()}?{options}", timeout=5, application_name="prodcheck/tls")


def test_verify_full_holds_for_the_right_certificate(server: Postgres, root: str) -> None:
    """Chain and name are right: the catalog comes over TLS (A31)."""
    dsn = f"{server.dsn()}?sslmode=verify-full&sslrootcert={root}"
    with connect(dsn, timeout=5, application_name="prodcheck/tls") as session:
        assert session.pgconn.ssl_in_use
        assert snapshot(session).settings["ssl"] == "on"


def test_an_unknown_authority_is_refused(server: Postgres, tmp_path: Path) -> None:
    """`verify-full` and `verify-ca` with another root: untrusted, and nothing is sent."""
    other = tmp_path / "other.pem"
    trustme.CA(organization_name="Somebody").cert_pem.write_to_path(str(other))
    for mode in ("verify-full", "verify-ca"):
        seen = tried(server, f"sslmode={mode}&sslrootcert={other}")
        assert (seen.error, seen.expected) == ("tls.untrusted", False)
        assert server.password not in seen.message


def test_no_root_at_all_is_refused(server: Postgres, tmp_path: Path) -> None:
    """A root file that is not there makes no unverified connection."""
    assert tried(server, f"sslmode=verify-full&sslrootcert={tmp_path / 'missing.pem'}").error == "tls.untrusted"


def test_another_name_is_refused_by_verify_full_alone(served: Postgres, authority: trustme.CA, root: str) -> None:
    """The certificate is for another host: verify-ca takes it, verify-full does not."""
    certify(served, authority.issue_cert("db.example.test"))
    restart(served)
    assert tried(served, f"sslmode=verify-full&sslrootcert={root}").error == "tls.hostname_mismatch"
    assert tried(served, f"sslmode=verify-ca&sslrootcert={root}").expected


def test_an_expired_certificate_is_refused(served: Postgres, authority: trustme.CA, root: str) -> None:
    """libpq says `certificate verify failed` and no reason: refused, as one that is not trusted."""
    certify(served, authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC)))
    restart(served)
    assert tried(served, f"sslmode=verify-full&sslrootcert={root}").error == "tls.untrusted"
