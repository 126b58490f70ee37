"""Whom we trust, as the TLS library reads it."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

from pytest_prodcheck.targets import peer_certificate


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
