"""How far an API server is trusted; old authorities, which Python 3.13 and newer refuse, have a way out."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import kubeconfigs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.kubernetes import trust
from pytest_prodcheck.targets.kubernetes.answers import problem_of
from pytest_prodcheck.targets.kubernetes.kubeconfig import Access, access
from pytest_prodcheck.targets.transport_errors import classify


def pair(subject: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None):  # type: ignore[no-untyped-def]
    """A certificate and its key: an authority without keyUsage, as old installers made them, or one for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(issuer[0].subject if issuer else name)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if issuer is None:
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return made.sign(key, hashes.SHA256()), key
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer[1].public_key())
    return made.add_extension(identifier, critical=False).sign(issuer[1], hashes.SHA256()), key


def pem(certificate: x509.Certificate) -> bytes:
    """The certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def way(tmp_path: Path) -> Access:
    """The way to a server of such an authority."""
    authority = pair("old authority")
    server = pair("api", authority)
    key = server[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "server.pem").write_bytes(pem(server[0]) + key)
    data = base64.b64encode(pem(authority[0])).decode()
    kubeconfigs.write(tmp_path / "config", "https://127.0.0.1:1", **{"certificate-authority-data": data})
    return access("cluster", ClusterTarget(context="lab", kubeconfig=str(tmp_path / "config")), {})


def shake_hands(context: ssl.SSLContext, certificate: Path, host: str = "127.0.0.1") -> None:
    """One handshake with a server that has the certificate."""
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate)
    ours, other = socket.socketpair()

    def serve() -> None:
        try:
            theirs.wrap_socket(other, server_side=True).close()
        except OSError:
            other.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        context.wrap_socket(ours, server_hostname=host).close()
    finally:
        ours.close()
        thread.join()


def test_an_old_authority_is_a_cause_with_a_way_out(way: Access, tmp_path: Path) -> None:
    """Refused to the letter of RFC 5280, as Python 3.13 does; trusted where x509_strict = false."""
    strict = trust.context("cluster", way, strict=True)
    assert strict is not None
    strict.verify_flags |= ssl.VERIFY_X509_STRICT  # on by default from Python 3.13 on
    with pytest.raises(ssl.SSLCertVerificationError) as raised:
        shake_hands(strict, tmp_path / "server.pem")
    error = classify(raised.value, connected=True)
    assert error == "tls.authority_refused"
    found = problem_of(Observation("cluster", "GET /version", error=error), "cluster", way, "/version")
    assert found.code == "cluster.tls.authority_refused"
    lenient = trust.context("cluster", way, strict=False)
    assert lenient is not None
    assert not lenient.verify_flags & ssl.VERIFY_X509_STRICT
    shake_hands(lenient, tmp_path / "server.pem")


def test_leniency_is_about_extensions_alone(way: Access, tmp_path: Path) -> None:
    """Another authority's server is not trusted either way."""
    authority = pair("another")
    data = base64.b64encode(pem(authority[0])).decode()
    kubeconfigs.write(tmp_path / "config", "https://127.0.0.1:1", **{"certificate-authority-data": data})
    other = access("cluster", ClusterTarget(context="lab", kubeconfig=str(tmp_path / "config")), {})
    lenient = trust.context("cluster", other, strict=False)
    assert lenient is not None
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(lenient, tmp_path / "server.pem")


@pytest.mark.parametrize(("name", "fits"), [("127.0.0.1", True), ("api.test", False), ("", False)])
def test_the_certificate_is_held_against_the_name_of_the_kubeconfig(
    name: str, fits: bool, way: Access, tmp_path: Path
) -> None:
    """`tls-server-name`, whatever host is connected to, as through a tunnel."""
    data = way.cluster.certificate_auth_data
    keys = {"certificate-authority-data": data, "tls-server-name": name}
    kubeconfigs.write(tmp_path / "config", "https://tunnel.test", **keys)
    named = access("cluster", ClusterTarget(context="lab", kubeconfig=str(tmp_path / "config")), {})
    context = trust.context("cluster", named, strict=False)
    assert context is not None
    if fits:
        shake_hands(context, tmp_path / "server.pem", "tunnel.test")
    else:
        with pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch|not valid for"):
            shake_hands(context, tmp_path / "server.pem", "tunnel.test")


def test_a_client_certificate_is_loaded_from_the_kubeconfig(tmp_path: Path) -> None:
    """From data, and nothing of the key stays on the disk; a pair that does not fit is said."""
    authority = pair("authority")
    mine, other = pair("me", authority), pair("you", authority)

    def data(thing: bytes) -> str:
        return base64.b64encode(thing).decode()

    def key(one: ec.EllipticCurvePrivateKey) -> str:
        form = serialization.PrivateFormat.PKCS8
        return data(one.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))

    for used, fits in ((mine[1], True), (other[1], False)):
        user = {"client-certificate-data": data(pem(mine[0])), "client-key-data": key(used)}
        kubeconfigs.write(tmp_path / "config", "https://127.0.0.1:1", user)
        found = access("cluster", ClusterTarget(context="lab", kubeconfig=str(tmp_path / "config")), {})
        if fits:
            assert trust.context("cluster", found, strict=True) is not None
        else:
            with pytest.raises(trust.ApiProblem, match="certificates of the kubeconfig cannot be used"):
                trust.context("cluster", found, strict=True)
