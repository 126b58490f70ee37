"""Which class (`observe.observation.ERROR_CLASSES`) a failed exchange belongs to, from what the socket layer raised."""

from __future__ import annotations

import errno
import http.client
import socket
import ssl

_VERIFY_CODES = {
    9: "tls.not_yet_valid",
    10: "tls.expired",
    18: "tls.untrusted",
    19: "tls.untrusted",
    20: "tls.untrusted",
    21: "tls.untrusted",
    62: "tls.hostname_mismatch",
    64: "tls.hostname_mismatch",
    85: "tls.authority_refused",
    86: "tls.authority_refused",
    89: "tls.authority_refused",
    90: "tls.authority_refused",
    91: "tls.authority_refused",
    92: "tls.authority_refused",
}
"""OpenSSL's X509_V_ERR_* (x509_vfy.h)."""

_UNREACHABLE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.EHOSTDOWN}
_CLIENT_CERTIFICATE_ALERTS = ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE", "ALERT_UNKNOWN_CA")


def classify(error: BaseException, *, connected: bool) -> str:
    """The error class; `connected` says whether the connection stood already. Total: never raises."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY_CODES.get(error.verify_code, "tls.untrusted")
    if isinstance(error, ssl.SSLError):
        return _tls(error)
    if isinstance(error, TimeoutError):
        return "timeout" if connected else "tcp.timeout"
    if isinstance(error, socket.gaierror):
        return "dns.timeout" if error.errno == socket.EAI_AGAIN else "dns.not_found"
    if isinstance(error, ConnectionRefusedError):
        return "tcp.refused"
    if isinstance(error, http.client.IncompleteRead):
        return "body.truncated"
    if isinstance(error, ConnectionError):
        return "tcp.reset"
    if isinstance(error, http.client.HTTPException | ValueError):
        return "protocol"
    if isinstance(error, OSError) and error.errno in _UNREACHABLE:
        return "tcp.unreachable"
    if isinstance(error, OSError):
        return "proxy" if "Tunnel connection failed" in str(error) else "tcp.reset"
    return "internal"


def _tls(error: ssl.SSLError) -> str:
    reason = error.reason or ""
    if any(alert in reason for alert in _CLIENT_CERTIFICATE_ALERTS):
        return "tls.client_certificate"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "tcp.reset"
    return "tls.protocol"
