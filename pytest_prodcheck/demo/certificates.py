"""The demo's throwaway certificate authority: a root, an intermediate, and one certificate a host."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import trustme

Kind = Literal["good", "expired", "hostname", "untrusted", "chain"]
"""`chain`: the intermediate is not sent; `hostname`: for another name; `untrusted`: of another root."""

HOST = "127.0.0.1"
OTHER_NAME = "www.shop.test"
ORGANISATION = "pytest-prodcheck demo"


class Certificates:
    """Issues certificates into `directory`; `root` is the PEM file that clients trust."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._authority = trustme.CA(organization_name=ORGANISATION)
        # as a real authority's: of the root's own organisation, by which a missing one is told from an unknown root
        self._intermediate = trustme.CA(self._authority, organization_name=ORGANISATION)
        self.root = directory / "ca.pem"
        self._authority.cert_pem.write_to_path(str(self.root))

    def install(self, context: ssl.SSLContext, kind: Kind) -> None:
        """Makes `context` present a fresh certificate of this kind, from the next handshake on."""
        authority = trustme.CA() if kind == "untrusted" else self._intermediate
        now = datetime.now(UTC)
        leaf = authority.issue_cert(
            OTHER_NAME if kind == "hostname" else HOST,
            not_before=now - timedelta(days=90),
            not_after=now + timedelta(days=-1 if kind == "expired" else 90),
        )
        chain = [blob.bytes() for blob in leaf.cert_chain_pems]
        pem = self._directory / "server.pem"
        pem.write_bytes(leaf.private_key_pem.bytes() + b"".join(chain[:1] if kind == "chain" else chain))
        pem.chmod(0o600)
        context.load_cert_chain(pem)
        pem.unlink()

    def server_context(self, kind: Kind = "good") -> ssl.SSLContext:
        """A context for a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.install(context, kind)
        return context

    def client_context(self) -> ssl.SSLContext:
        """A context for a client that trusts the demo's root and nothing else."""
        return ssl.create_default_context(cafile=str(self.root))
