"""Which class and SQLSTATE a failed connection has, from how far it came and what libpq said."""

from __future__ import annotations

import errno
import os
import re

from pytest_prodcheck.targets.database.handshake import Handshake

_SQLSTATE = re.compile(r"[^\s:]+:  ([0-9A-Z]{5}): ")
"""`FATAL:  28P01: password authentication failed`: two blanks, in every language (libpq, pqBuildErrorMessage3)."""
_LOCATION = re.compile(r"\n[^\s:]+:  \w+, \w+\.c:\d+\s*$", re.MULTILINE)
_ERRNOS = {
    errno.ECONNREFUSED: "tcp.refused",
    errno.ENOENT: "tcp.refused",
    errno.ETIMEDOUT: "tcp.timeout",
    errno.ENETUNREACH: "tcp.unreachable",
    errno.EHOSTUNREACH: "tcp.unreachable",
    errno.ECONNRESET: "tcp.reset",
    errno.EPIPE: "tcp.reset",
}
_TEXTS = (
    (r"invalid response to SSL|expected authentication request|invalid message|unexpected message", "protocol"),
    (r"does not match host name", "tls.hostname_mismatch"),
    (r"certificate has expired", "tls.expired"),
    (r"alert (?:certificate required|bad certificate|unknown ca)", "tls.client_certificate"),
    (r"certificate verify failed|root certificate|self.signed", "tls.untrusted"),
    (r"does not support SSL|wrong version number|unsupported protocol|SSL error|TLS", "tls.protocol"),
    (r"closed the connection unexpectedly|EOF detected|unexpected eof", "tcp.reset"),
    (r"could not translate host name|resolve host", "dns.not_found"),
)
"""libpq's own texts (fe-connect.c, fe-secure-openssl.c); the client says these, no server localises them."""


def sqlstate(text: str) -> str:
    """The SQLSTATE that libpq's verbose text carries; empty for failures that no server reported."""
    found = _SQLSTATE.search(text)
    return found[1] if found else ""


def error_class(handshake: Handshake) -> str:
    """The class of a failed attempt; empty where a PostgreSQL server answered and refused.

    Out of time means `tcp.timeout` before TCP stood, `protocol` where the port took the connection and never said a
    word (PostgreSQL answers the first packet at once), and `timeout` where it spoke and then fell silent.
    """
    text = handshake.text
    if not text:
        return "tcp.timeout" if not handshake.connected else "timeout" if handshake.heard else "protocol"
    if sqlstate(text):
        return ""
    by_number = next((kind for number, kind in _ERRNOS.items() if os.strerror(number) in text), "")
    return by_number or next((kind for pattern, kind in _TEXTS if re.search(pattern, text)), "")


def readable(text: str) -> str:
    """libpq's text without the server's source location."""
    return _LOCATION.sub("", text).strip()
