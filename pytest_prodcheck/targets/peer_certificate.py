"""Facts about the certificate that a server shows, also where it is not trusted: who, for which names, until when."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.targets.connection import Origin

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_PARTS = {"commonName": "2.5.4.3", "organizationName": "2.5.4.10", "organizationalUnitName": "2.5.4.11"}
"""What tells two authorities apart: the words of the TLS library, and their object identifiers (RFC 4519)."""


def facts(der: bytes) -> dict[str, Any]:
    """Subject, issuer, names, validity (seconds since the epoch) and serial of a DER certificate; {} if unreadable."""
    from cryptography import x509

    try:
        return _facts(x509.load_der_x509_certificate(der))
    except (ValueError, x509.InvalidVersion):  # fields are parsed when they are asked for
        return {}


def of_secret(encoded: str) -> dict[str, Any]:
    """The facts of the first certificate in a value of a Secret: base64 of PEM; {} if unreadable."""
    from cryptography import x509

    try:
        return _facts(x509.load_pem_x509_certificates(base64.b64decode(encoded))[0])
    except (ValueError, x509.InvalidVersion):
        return {}


def _facts(certificate: Certificate) -> dict[str, Any]:
    from cryptography import x509

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
        "serial": f"{certificate.serial_number:x}",
    }


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
