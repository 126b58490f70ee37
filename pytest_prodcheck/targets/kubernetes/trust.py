"""The TLS context of an API server, from files or from what stands in the kubeconfig; verification is never off."""

from __future__ import annotations

import base64
import binascii
import socket
import ssl
import tempfile
from pathlib import Path

from pytest_prodcheck.targets.kubernetes.kubeconfig import Access
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem

_INVALID = "cluster.kubeconfig.invalid"


def context(
    target: str, way: Access, *, strict: bool, certificate: tuple[bytes, bytes] | None = None
) -> ssl.SSLContext | None:
    """The context for the server; None for plain HTTP. `strict` keeps RFC 5280 to the letter where Python does
    (VERIFY_X509_STRICT, on from 3.13). `certificate`: ours, with its key, as a credential plugin gave them. Raises
    ApiProblem for files that are none."""
    if not way.server.startswith("https:"):
        return None
    try:
        made = _trusting(way)
        if not strict:
            made.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if certificate := certificate or _own(way):
            _load(made, *certificate)
    except (OSError, ValueError, binascii.Error) as error:  # ssl.SSLError is an OSError
        reason = str(
            getattr(error, "reason", None) or getattr(error, "strerror", None) or "not in PEM, or not in base64"
        )
        named = getattr(error, "filename", None)
        words = " ".join([f"{named}:" if named else "", reason.replace("_", " ").lower()]).strip()
        text = f"certificates of the kubeconfig cannot be used: {words}"
        raise ApiProblem(
            target, text, _INVALID, "certificates and keys are PEM, the key without a passphrase"
        ) from None
    return made


def _trusting(way: Access) -> ssl.SSLContext:
    cluster, made = way.cluster, _Naming(ssl.PROTOCOL_TLS_CLIENT)
    made.verify_flags, made.server_name = ssl.create_default_context().verify_flags, way.beside.server_name
    if cluster.certificate_auth_data:
        made.load_verify_locations(cadata=_decoded(cluster.certificate_auth_data).decode("ascii"))
    elif cluster.certificate_auth:
        made.load_verify_locations(cafile=str(way.folder / cluster.certificate_auth))
    else:
        made.load_default_certs()
    return made


class _Naming(ssl.SSLContext):
    """Holds the certificate against the kubeconfig's `tls-server-name`, whatever host was connected to."""

    server_name: str = ""

    def wrap_socket(
        self, sock: socket.socket, server_side: bool = False, do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True, server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLSocket:  # fmt: skip
        name = self.server_name or server_hostname
        return super().wrap_socket(sock, server_side, do_handshake_on_connect, suppress_ragged_eofs, name, session)


def _own(way: Access) -> tuple[bytes, bytes] | None:
    """Our certificate and its key; None where the user has none."""
    user = way.user
    if user is None or not (user.client_cert or user.client_cert_data):
        return None
    pair = []
    for data, path in ((user.client_cert_data, user.client_cert), (user.client_key_data, user.client_key)):
        pair.append(_decoded(data) if data else (way.folder / str(path or "")).read_bytes())
    return pair[0], pair[1]


def _decoded(data: str) -> bytes:
    return base64.b64decode("".join(data.split()), validate=True)


def _load(made: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Through a file that nobody else can read and that is gone at once: OpenSSL takes no key from memory here."""
    with tempfile.TemporaryDirectory(prefix="prodcheck-") as folder:
        path = Path(folder) / "client.pem"
        path.touch(mode=0o600)
        path.write_bytes(certificate.rstrip() + b"\n" + key)
        made.load_cert_chain(path, password=lambda: "")
