"""Failed exchanges and gateways' answers → cause code, by kind of target.

Sources: `observe.observation.ERROR_CLASSES`; RFC 9110 §15.6; nginx `ngx_http_special_response.c`, Envoy's response
flags, the AWS ALB and Cloudflare 52x troubleshooting pages, HAProxy and Traefik error texts.
"""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

import re
from collections.abc import Mapping

HTTP: Mapping[str, str] = {
    "dns.not_found": "http.dns.not_found",
    "dns.timeout": "http.dns.timeout",
    "tcp.refused": "http.tcp.refused",
    "tcp.timeout": "http.tcp.timeout",
    "tcp.unreachable": "http.tcp.unreachable",
    "tcp.reset": "http.tcp.reset",
    "tls.expired": "http.tls.expired",
    "tls.not_yet_valid": "http.tls.not_yet_valid",
    "tls.untrusted": "http.tls.untrusted",
    "tls.authority_refused": "http.tls.untrusted",
    "tls.chain_incomplete": "http.tls.chain_incomplete",
    "tls.hostname_mismatch": "http.tls.hostname_mismatch",
    "tls.protocol": "http.tls.protocol",
    "tls.client_certificate": "http.tls.client_certificate",
    "timeout": "http.application.hangs",
    "body.truncated": "http.body.truncated",
    "body.too_large": "http.body.too_large",
    "protocol": "http.protocol.garbage",
    "redirect.loop": "http.redirect.loop",
    "redirect.refused": "http.redirect.refused",
    "refused": "http.request.refused",
    "proxy": "http.proxy.failed",
    "stopped": "gate.run.deadline",
    "internal": "gate.probe.failed",
}
"""Error class → code, for targets of kind http and graphql."""

AUTH: Mapping[str, str] = {
    **{error: "auth.idp.unreachable" for error in HTTP if error.startswith(("dns.", "tcp.")) or error == "timeout"},
    "tls.expired": "auth.idp.certificate_expired",
    **{
        f"tls.{name}": "auth.idp.certificate_invalid"
        for name in (
            "not_yet_valid",
            "untrusted",
            "authority_refused",
            "chain_incomplete",
            "hostname_mismatch",
            "protocol",
        )
    },
}
"""The same for the identity provider; classes that are missing here are as for HTTP."""

DATABASE: Mapping[str, str] = {
    "dns.not_found": "database.dns.not_found",
    "dns.timeout": "database.dns.not_found",
    "tcp.refused": "database.tcp.refused",
    "tcp.timeout": "database.tcp.timeout",
    "tcp.unreachable": "database.tcp.timeout",
    "tcp.reset": "database.connection.dropped",
    "tls.expired": "database.tls.expired",
    "tls.untrusted": "database.tls.untrusted",
    "tls.authority_refused": "database.tls.untrusted",
    "tls.chain_incomplete": "database.tls.untrusted",
    "tls.hostname_mismatch": "database.tls.hostname_mismatch",
    "tls.protocol": "database.tls.protocol",
    "tls.client_certificate": "database.tls.client_certificate",
    "timeout": "database.query.timeout",
    "protocol": "database.port.wrong_service",
    "refused": "database.query.refused",
    "stopped": "gate.run.deadline",
    "internal": "gate.probe.failed",
}

CACHE: Mapping[str, str] = {
    "dns.not_found": "cache.dns.not_found",
    "dns.timeout": "cache.dns.not_found",
    "tcp.refused": "cache.tcp.refused",
    "tcp.timeout": "cache.tcp.timeout",
    "tcp.unreachable": "cache.tcp.timeout",
    "tcp.reset": "cache.connection.dropped",
    "tls.expired": "cache.tls.expired",
    "tls.untrusted": "cache.tls.untrusted",
    "tls.not_yet_valid": "cache.tls.untrusted",
    "tls.authority_refused": "cache.tls.untrusted",
    "tls.chain_incomplete": "cache.tls.untrusted",
    "tls.hostname_mismatch": "cache.tls.hostname_mismatch",
    "tls.protocol": "cache.tls.protocol",
    "tls.client_certificate": "cache.tls.client_certificate",
    "timeout": "cache.server.hangs",
    "protocol": "cache.protocol.broken",
    "body.too_large": "cache.protocol.broken",
    "stopped": "gate.run.deadline",
    "internal": "gate.probe.failed",
}

_BY_KIND: Mapping[str, Mapping[str, str]] = {"auth": AUTH, "database": DATABASE, "cache": CACHE}

STATUSES: Mapping[int, str] = {
    429: "http.rate_limited.by_us",
    502: "http.upstream.crashed",
    503: "http.upstream.none",
    504: "http.upstream.timeout",
    511: "runner.proxy.in_path",
    407: "http.proxy.failed",
    520: "http.upstream.crashed",
    521: "http.upstream.wrong_port",
    522: "http.upstream.timeout",
    523: "http.upstream.none",
    524: "http.upstream.timeout",
    525: "http.tls.protocol",
    526: "http.tls.untrusted",
}
"""Statuses that speak for a gateway, not for the application (520–526: Cloudflare)."""

BODIES: tuple[tuple[str, str], ...] = (
    (r"\bmaintenance\b|be right back", "http.application.in_maintenance"),
    (r"no healthy upstream|no available server|No server is available|default backend|no endpoints available", "http.upstream.none"),
    (r"reset reason: connection (failure|refused)|delayed connect error|connect\(\) failed|Connection refused", "http.upstream.wrong_port"),
    (r"reset reason: (connection termination|remote reset|local reset)|prematurely closed|upstream connect error", "http.upstream.crashed"),
    (r"upstream (request|response) timeout|stream timeout|Gateway Time-?out", "http.upstream.timeout"),
)  # fmt: skip
"""What gateways write into 5xx bodies; more exact than the status."""

_NO_ROUTE = re.compile(
    r"^\W*default backend - 404|no Route matched with those values|404 Route Not Found|response 404 \(backend NotFound\)|"
    r"DEPLOYMENT_NOT_FOUND|<title>No such app</title>", re.IGNORECASE | re.MULTILINE)  # fmt: skip
"""404s of ingress-nginx, Kong, APISIX, Google's load balancer, Vercel and Heroku; an application has its own words."""
_MAINTENANCE = re.compile(r"<(title|h1)\b[^>]*>[^<]*(\bmaintenance\b|be (right )?back)[^<]*</\1>", re.IGNORECASE)


def classify(error: str, kind: str) -> str:
    """The cause code of an error class for a kind of target (`http`, `graphql`, `auth`, `database`)."""
    return _BY_KIND.get(kind, HTTP).get(error, HTTP.get(error, "unknown"))


def gateway(status: int | None, body: str = "") -> str:
    """The cause code of a status with its body: gateways' texts, then the status, then a plain 5xx; else `unknown`."""
    if status is None:
        return "unknown"
    if status >= 502:
        for pattern, code in BODIES:
            if re.search(pattern, body, re.IGNORECASE):
                return code
    plain = "http.application.unhandled_exception" if status >= 500 else "unknown"
    return STATUSES.get(status, plain)


def no_route(status: int | None, body: str) -> bool:
    """Whether a 404 is the gateway's own, which has no route for what was asked."""
    return status == 404 and _NO_ROUTE.search(body) is not None


def maintenance_page(body: str) -> bool:
    """Whether a page says in its title or heading that the service is under maintenance."""
    return _MAINTENANCE.search(body) is not None
