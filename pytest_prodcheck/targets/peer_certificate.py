"""Facts about the certificate that a server shows, also where it is not trusted: who, for which names, until when."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_prodcheck.targets.connection import Origin

_PARTS = {"commonName": "2.5.4.3", "organizationName": "2.5.4.10", "organizationalUnitName": "2.5.4.11"}
"""What tells two authorities apart: the words of the TLS library, and their object identifiers (RFC 4519)."""
_PEM = re.compile(rb"-----BEGIN (?:X509 )?CERTIFICATE-----([^-]*)-----END (?:X509 )?CERTIFICATE-----")


def facts(der: bytes) -> dict[str, Any]:
    """Subject, issuer, names, validity (seconds since the epoch) and serial of a DER certificate; {} if unreadable."""
    from cryptography import x509

    try:
        return _facts(der)
    except (ValueError, x509.InvalidVersion):  # fields are parsed when they are asked for
        return {}


def of_secret(encoded: str) -> dict[str, Any]:
    """The facts of the first certificate in a value of a Secret: base64 of PEM; {} if unreadable."""
    from cryptography import x509

    try:
        chain = [_facts(base64.b64decode(one)) for one in _PEM.findall(base64.b64decode(encoded))]
    except (ValueError, x509.InvalidVersion):
        return {}
    return chain[0] if chain else {}


def _facts(der: bytes) -> dict[str, Any]:
    from cryptography import x509

    readable, serial = _with_serial(der)
    certificate = x509.load_der_x509_certificate(readable)
    names: list[str] = []
    unreadable = (x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, ValueError)
    with contextlib.suppress(*unreadable):
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [str(name) for name in alternative.get_values_for_type(x509.DNSName)]
        names += [str(address) for address in alternative.get_values_for_type(x509.IPAddress)]
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "names": names,
        "not_before": certificate.not_valid_before_utc.timestamp(),
        "not_after": certificate.not_valid_after_utc.timestamp(),
        "serial": f"{certificate.serial_number if serial is None else serial:x}",
    }


def _with_serial(der: bytes) -> tuple[bytes, int | None]:
    """The same with a positive serial number where its own is none, and that one: RFC 5280 §4.1.2.2 forbids it, old
    authorities gave it all the same, and `cryptography` warns of such a certificate, and is about to refuse it. Nobody
    verifies these bytes."""
    start = _inside(der, _inside(der, 0, 0x30), 0x30)
    if der[start : start + 1] == b"\xa0":  # the version
        start = _inside(der, start, 0xA0) + _length(der, start)
    content, length = _inside(der, start, 0x02), _length(der, start)
    serial = int.from_bytes(der[content : content + length], "big", signed=True)
    if serial > 0 or not length or content + length > len(der):
        return der, None
    return der[:content] + b"\x01" * length + der[content + length :], serial


def _inside(der: bytes, at: int, tag: int) -> int:
    """Where the content of an element begins. Raises ValueError where there is another one, or none."""
    if der[at : at + 1] != bytes([tag]) or len(der) < at + 2:
        raise ValueError("no certificate")
    return at + 2 + (der[at + 1] & 0x7F if der[at + 1] & 0x80 else 0)


def _length(der: bytes, at: int) -> int:
    """How long the content of an element is (X.690 §8.1.3)."""
    first = der[at + 1]
    return int.from_bytes(der[at + 2 : at + 2 + (first & 0x7F)], "big") if first & 0x80 else first


def shown_by(origin: Origin, address: str, timeout: float) -> tuple[dict[str, Any], int]:
    """The facts of the certificate that `address` shows for `origin`, and how many certificates it sends.

    Only a handshake, nothing is asked: verification is off because the certificate itself is what we look at.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        contextlib.suppress(OSError, ValueError),
        socket.create_connection((address, origin.port), timeout) as plain,
        context.wrap_socket(plain, server_hostname=origin.host) as shaken,
    ):
        chain = _chain_length(shaken)
        der = shaken.getpeercert(True)
        return (facts(der) if der else {}), chain
    return {}, 0


def lacks_intermediate(certificate: Mapping[str, Any], sent: int, ca: Path | None) -> bool:
    """Whether an untrusted leaf that comes alone was issued below a root that we trust (its intermediate is not sent).

    A leaf names its issuer only; that the issuer belongs to a trusted root is seen by its organisation (B64).
    """
    issuer = _issuer(certificate)
    if sent != 1 or not issuer.get("organizationName") or certificate.get("issuer") == certificate.get("subject"):
        return False
    roots = _root_subjects(ca)
    return issuer not in roots and any(root.get("organizationName") == issuer["organizationName"] for root in roots)


def _issuer(certificate: Mapping[str, Any]) -> dict[str, str]:
    from cryptography import x509

    with contextlib.suppress(ValueError):
        name = x509.Name.from_rfc4514_string(str(certificate.get("issuer", "")))
        known = {x509.ObjectIdentifier(oid): part for part, oid in _PARTS.items()}
        return {known[one.oid]: str(one.value) for one in name if one.oid in known}
    return {}


def _root_subjects(ca: Path | None) -> list[dict[str, str]]:
    """The parts of the names of those whom we trust, as the TLS library reads them: `cryptography` warns of roots with
    the serial number 0, which are in every system's store, and is about to refuse them."""
    context = ssl.create_default_context() if ca is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with contextlib.suppress(OSError, ValueError):
        if ca is not None:
            context.load_verify_locations(ca)
    roots = [
        dict(pair for part in root["subject"] for pair in part if isinstance(pair, tuple))
        for root in context.get_ca_certs()
    ]
    return [{part: value for part, value in root.items() if part in _PARTS} for root in roots]


def _chain_length(connection: ssl.SSLSocket) -> int:
    """How many certificates the server sent; public since Python 3.13, one method deeper before."""
    for holder in (connection, getattr(connection, "_sslobj", None)):
        reader = getattr(holder, "get_unverified_chain", None)
        if reader is not None:
            return len(reader() or ())
    return 0
