"""Whom we trust, as the TLS library reads it; and what a certificate says of itself, whatever its serial number."""

from __future__ import annotations

import base64
import datetime
import socket
import ssl
import threading
import warnings
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pytest_prodcheck.targets import peer_certificate
from pytest_prodcheck.targets.connection import Origin


def test_a_root_with_the_serial_number_zero_is_read_without_a_warning(tmp_path: Path) -> None:
    """As some in every system's store; `cryptography` warns of each, between a cause and its end."""
    root = trustme.CA(organization_name="Somebody, Inc.")
    der = bytearray(ssl.PEM_cert_to_DER_cert(root.cert_pem.bytes().decode()))
    serial = der.index(b"\xa0\x03\x02\x01\x02\x02") + 6
    der[serial + 1 : serial + 1 + der[serial]] = bytes([0x80]) + bytes(der[serial] - 1)
    file = tmp_path / "ca.pem"
    file.write_text(ssl.DER_cert_to_PEM_cert(bytes(der)))
    below = {"subject": "CN=a.test", "issuer": "CN=Between,O=Somebody\\, Inc."}
    assert peer_certificate.lacks_intermediate(below, 1, file)
    assert not peer_certificate.lacks_intermediate({**below, "issuer": "O=Somebody"}, 1, file)
    assert not peer_certificate.lacks_intermediate(below, 1, tmp_path / "none.pem")
    assert not peer_certificate.lacks_intermediate({**below, "issuer": "\x00=,"}, 1, file)


def certificate(serial: bytes) -> tuple[bytes, bytes]:
    """A certificate of a.test with these bytes as its serial number, and its key in PEM."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a.test")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), int.from_bytes(b"\x01" * len(serial), "big"))
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.test")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    before = bytes([0x02, len(serial)])
    der = made.public_bytes(serialization.Encoding.DER).replace(before + b"\x01" * len(serial), before + serial, 1)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return der, key.private_bytes(encoding, form, serialization.NoEncryption())


SERIALS = [
    (b"\x00", "0"),
    (b"\x80", "-80"),
    (b"\xff", "-1"),
    (b"\x80" + b"\x00" * 19, "-80" + "00" * 19),
    (b"\x07", "7"),
]


@pytest.mark.parametrize(("content", "serial"), SERIALS, ids=[serial for _, serial in SERIALS])
def test_a_certificate_is_read_whatever_its_serial_number(content: bytes, serial: str) -> None:
    """RFC 5280 wants a positive one, old authorities gave others: names and days are read all the same, and nobody is
    warned between a cause and its end."""
    der, _ = certificate(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = peer_certificate.facts(der)
        pem = ssl.DER_cert_to_PEM_cert(der).encode() + ssl.DER_cert_to_PEM_cert(certificate(b"\x07")[0]).encode()
        assert peer_certificate.of_secret(base64.b64encode(pem).decode()) == found
    assert (found["names"], found["serial"], found["subject"]) == (["a.test"], serial, "CN=a.test")
    assert 0 < found["not_after"] - found["not_before"] <= 86400


def test_a_server_with_the_serial_number_zero_shows_its_certificate(tmp_path: Path) -> None:
    """Over a real connection."""
    der, key = certificate(b"\x00")
    (tmp_path / "pair.pem").write_bytes(ssl.DER_cert_to_PEM_cert(der).encode() + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pair.pem")
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with listening.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as shaken:
                shaken.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        origin = Origin("https", "a.test", listening.getsockname()[1])
        found, sent = peer_certificate.shown_by(origin, "127.0.0.1", 10)
        thread.join()
    assert (found["serial"], found["names"], sent) == ("0", ["a.test"], 1)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"\x30\x03\x02\x01\x00",
        b"\x30\x80",
        b"\x30\x04\x30\x02\xa0\x84",
        b"\x30\x06\x30\x04\x02\x7f\x00\x00",
    ],
)
def test_what_is_no_certificate_says_nothing(der: bytes) -> None:
    """Cut off, or of other elements."""
    assert peer_certificate.facts(der) == {}
    pem = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(der) + b"\n-----END CERTIFICATE-----\n"
    assert peer_certificate.of_secret(base64.b64encode(pem).decode()) == {}
