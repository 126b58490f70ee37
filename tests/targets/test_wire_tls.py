"""TLS as a gate meets it: each way to fail has its own class, and the certificate's facts beside it (A63, B63, B64)."""

from __future__ import annotations

import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from raw_server import OK, always, get, raw_server, wire_to

from pytest_prodcheck.config.models import ClientCertificate, Tls
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.targets.connection import Origin
from pytest_prodcheck.targets.guard.origins import Origins
from pytest_prodcheck.targets.wire import Line

NOW, DAY = datetime.now(UTC), timedelta(days=1)


@pytest.fixture(scope="module")
def ca():
    """A root that the targets trust."""
    return trustme.CA()


@pytest.fixture
def trusted(ca, tmp_path):
    """The `[tls]` table that trusts it, by a path beside the configuration, and the directory of that."""
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    return Tls(ca="ca.pem"), tmp_path


def served(certificate, chain=True):
    """A server's TLS context; without `chain` only the leaf is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if chain:
        certificate.configure_cert(context)
        return context
    with certificate.private_key_pem.tempfile() as key, certificate.cert_chain_pems[0].tempfile() as leaf:
        context.load_cert_chain(leaf, key)
    return context


def ask(context, trusted, host="127.0.0.1", script=None, **fields):
    """The observation of one GET over TLS."""
    tls, base = trusted
    with raw_server(script or always(), context) as server:
        url = server.url("/", "https", host)
        with wire_to(url, tls=tls, base=base) as wire:
            return wire.send(get(url, **fields))


def test_trusted_certificate_is_recorded(ca, trusted):
    """An answer over a new TLS connection carries the certificate's facts and the handshake's time."""
    seen = ask(served(ca.issue_cert("127.0.0.1")), trusted)
    assert (seen.status, seen.error) == (200, "")
    certificate = seen.data["certificate"]
    assert certificate["names"] == ["127.0.0.1"]
    assert certificate["not_before"] < time.time() < certificate["not_after"]
    assert "trustme" in certificate["issuer"]
    assert seen.phases["tls"] > 0


@pytest.mark.parametrize(
    ("fields", "name", "error"),
    [
        ({"not_before": NOW - 9 * DAY, "not_after": NOW - 2 * DAY}, "127.0.0.1", "tls.expired"),
        ({"not_before": NOW + 2 * DAY, "not_after": NOW + 9 * DAY}, "127.0.0.1", "tls.not_yet_valid"),
        ({}, "other.example", "tls.hostname_mismatch"),
        ({}, "127.0.0.2", "tls.hostname_mismatch"),
    ],
)
def test_bad_leaf_is_classified_with_its_facts(ca, trusted, fields, name, error):
    """Expired, not valid yet, for another name: the class says so, and the certificate is shown."""
    seen = ask(served(ca.issue_cert(name, **fields)), trusted)
    assert seen.error == error
    assert seen.data["certificate"]["names"] == [name]
    assert not seen.expected


def test_unknown_issuer_is_untrusted(trusted):
    """A certificate of another root is untrusted, not an incomplete chain."""
    seen = ask(served(trustme.CA(organization_name="Somebody").issue_cert("127.0.0.1")), trusted)
    assert seen.error == "tls.untrusted"
    assert "Somebody" in seen.data["certificate"]["issuer"]


def test_missing_intermediate_is_an_incomplete_chain(ca, trusted):
    """A leaf below a trusted root whose intermediate is not sent is named as that; sent, all is well."""
    leaf = ca.create_child_ca().issue_cert("127.0.0.1")
    assert ask(served(leaf, chain=False), trusted).error == "tls.chain_incomplete"
    assert ask(served(leaf), trusted).status == 200


@pytest.mark.parametrize("answer", [OK, b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", b""])
def test_plain_http_on_a_tls_port(trusted, answer):
    """A port that speaks plain HTTP where TLS is expected has a class of its own, whatever it says."""

    def script(connection, server):
        connection.recv(100)
        connection.sendall(answer)

    seen = ask(None, trusted, script=script)
    assert seen.error == ("tls.protocol" if answer else "tcp.reset")


def test_silent_port_where_tls_is_expected_is_in_time(trusted):
    """A port that takes the handshake and says nothing is a timeout at its deadline, not twice that."""
    begin = time.monotonic()
    seen = ask(None, trusted, script=lambda connection, server: server.over.wait(10), timeout=0.5)
    assert seen.error == "timeout"
    assert time.monotonic() - begin < 0.9


def test_tls_on_a_plain_port(ca):
    """An http:// URL to a port that speaks TLS is classified, and nothing hangs."""
    with raw_server(always(), served(ca.issue_cert("127.0.0.1"))) as server, wire_to(server.url()) as wire:
        seen = wire.send(get(server.url()))
    assert seen.error in ("tcp.reset", "protocol")
    assert seen.message


@pytest.mark.parametrize(
    ("version", "error"),
    [(ssl.TLSVersion.TLSv1_2, "tls.protocol"), (ssl.TLSVersion.TLSv1_3, "tls.client_certificate")],
)
def test_client_certificate(ca, trusted, version, error):
    """A server that wants a client certificate refuses us without one, and takes the configured one.

    TLS 1.2 has no alert of its own for it (RFC 5246 §7.2.2: handshake_failure).
    """
    tls, base = trusted
    context = served(ca.issue_cert("127.0.0.1"))
    context.verify_mode, context.maximum_version = ssl.CERT_REQUIRED, version
    ca.configure_trust(context)
    assert ask(context, trusted).error == error
    mine = ca.issue_cert("gate@example.org")
    mine.private_key_pem.write_to_path(base / "key.pem")
    mine.cert_chain_pems[0].write_to_path(base / "cert.pem")
    pair = ClientCertificate(certificate="cert.pem", key="key.pem")
    assert ask(context, (tls.model_copy(update={"client_certificate": pair}), base)).status == 200


def test_old_protocol_version_is_a_protocol_failure(ca, trusted):
    """A server without a protocol version in common is `tls.protocol`."""
    context = served(ca.issue_cert("127.0.0.1"))
    context.set_ciphers("AES128-SHA")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    seen = ask(context, trusted)
    assert seen.error == "tls.protocol"


def test_redirect_from_http_to_https_is_trusted_like_the_target(ca, trusted):
    """A target at http:// that redirects to its https:// is followed with the target's own trust."""
    tls, base = trusted
    with raw_server(always(), served(ca.issue_cert("127.0.0.1"))) as secure:
        location = secure.url("/", "https").encode()
        moved = b"HTTP/1.1 301 Moved\r\nlocation: " + location + b"\r\ncontent-length: 0\r\n\r\n"
        with raw_server(always(moved)) as plain, wire_to(plain.url(), tls=tls, base=base) as wire:
            wire.widen("http", secure.url("/", "https"))
            seen = wire.send(get(plain.url(), follow=True))
    assert seen.status == 200
    assert seen.data["redirects"] == ["/"]


def test_redirect_out_of_https_is_refused(ca, trusted):
    """A downgrade to http is not followed, also to a configured port."""
    tls, base = trusted
    with raw_server(always()) as plain:
        moved = b"HTTP/1.1 302 Found\r\nlocation: " + plain.url().encode() + b"\r\ncontent-length: 0\r\n\r\n"
        with raw_server(always(moved), served(ca.issue_cert("127.0.0.1"))) as secure:
            url = secure.url("/", "https")
            with wire_to(url, plain.url(), tls=tls, base=base) as wire:
                seen = wire.send(get(url, follow=True))
    assert seen.error == "redirect.refused"
    assert plain.connections == 0


def test_unreadable_ca_is_seen_before_anything_is_sent(tmp_path):
    """A `ca` file that is not there raises when the target is opened, also for a target at http://."""
    absent = wire_to("http://127.0.0.1:9/", tls=Tls(ca="no.pem"), base=tmp_path)
    with pytest.raises(ConfigError, match=r"tls\.ca: cannot be used: no such file"):
        absent.__enter__()


def test_context_is_made_once_and_only_for_https(trusted):
    """Plain origins have no TLS context; https origins share one, whose verification is on."""
    line = Line(Origins.of("http://a.example/"), *trusted)
    assert line.context_for(Origin.of("http://a.example/")) is None
    context = line.context_for(Origin.of("https://a.example/"))
    assert context is line.context_for(Origin.of("https://b.example/"))
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_reused_tls_connection_has_no_handshake(ca, trusted):
    """The second request on a TLS connection has no connection phases, and no second certificate."""
    tls, base = trusted
    with raw_server(always(), served(ca.issue_cert("127.0.0.1"))) as server:
        url = server.url("/", "https")
        with wire_to(url, tls=tls, base=base) as wire:
            first, second = wire.send(get(url)), wire.send(get(url))
    assert server.connections == 1
    assert set(first.phases) == {"dns", "tcp", "tls", "first_byte", "body"}
    assert set(second.phases) == {"first_byte", "body"}
    assert "certificate" not in second.data


def test_stalled_handshake_ends_on_stop(trusted):
    """Stopping also ends a connection that is still being set up."""
    tls, base = trusted
    with raw_server(lambda connection, server: server.over.wait(10)) as server:
        url = server.url("/", "https")
        with wire_to(url, tls=tls, base=base) as wire:
            threading.Timer(0.2, wire.stop).start()
            begin = time.monotonic()
            seen = wire.send(get(url))
    assert seen.error == "stopped"
    assert time.monotonic() - begin < 1.0
