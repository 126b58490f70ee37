"""The faults of the HTTP host."""

from __future__ import annotations

from pytest_prodcheck.demo.fault import DATABASE, ENDPOINT, GRAPHQL, HTTP, LIMITS, OPERATION, READY, Fault

_READY = ("http::test_ready",)
_CERTIFICATE = ("http::test_certificate",)
_ALSO = (*LIMITS, "http::test_revision", *_READY)


def _host(name: str, summary: str, cause: str, *accept: str) -> Fault:
    """The host does not answer."""
    return Fault(name, "http", summary, (cause,), _READY, HTTP, (*LIMITS, *_CERTIFICATE), accept)


def _routes(name: str, summary: str, cause: str, *accept: str) -> Fault:
    """The host answers; some or all endpoints do not as promised."""
    return Fault(name, "http", summary, (cause,), ENDPOINT, (), _ALSO, accept)


FAULTS = (
    _host("certificate-expired", "the certificate expired yesterday", "http.tls.expired"),
    _host("certificate-hostname", "the certificate is for www.shop.test", "http.tls.hostname_mismatch"),
    _host("certificate-untrusted", "the certificate is of an unknown authority", "http.tls.untrusted"),
    _host("certificate-chain", "the intermediate certificate is not sent", "http.tls.chain_incomplete"),
    _host("api-down", "nothing listens on the API's port", "http.tcp.refused"),
    _host("api-hangs", "the API accepts and never answers", "http.application.hangs"),
    _host("gateway-502", "a gateway asks a port where nothing listens: 502 everywhere", "http.upstream.wrong_port"),
    _routes("gateway-502-route", "a gateway answers 502 on one route", "http.upstream.crashed"),
    _host("gateway-503", "a gateway has no backend: 503 everywhere", "http.upstream.none"),
    _routes("gateway-504", "a gateway gives up waiting on one route", "http.upstream.timeout"),
    _routes(
        "route-crash",
        "the connection is closed without an answer on one route",
        "http.upstream.crashed",
        "http.tcp.reset",
    ),
    _routes("body-truncated", "one route's body ends early", "http.body.truncated"),
    _routes("unhandled-exception", "one route divides by zero", "http.application.unhandled_exception"),
    _routes("maintenance", "the API says that it is under maintenance", "http.application.in_maintenance"),
    _routes(
        "rate-limited-ours",
        "the API allows 10 requests a second, and then wants a pause of two minutes",
        "http.rate_limited.by_us",
    ),
    _routes("rate-limited-others", "the quota is used up: 429 to the first request", "http.rate_limited.by_others"),
    _routes("redirect-loop", "/login sends to / and / to /login", "http.redirect.loop"),
    Fault(
        "header-dropped",
        "http",
        "a proxy removes Authorization",
        ("auth.header.dropped",),
        ENDPOINT + OPERATION,
        (),
        (*_ALSO, *GRAPHQL),
    ),
    _routes(
        "replicas-disagree", "every second request meets a replica with another key", "auth.secret.replicas_disagree"
    ),
    _routes("html-instead-of-json", "the API answers the web page's HTML with 200", "http.answer.html", "unknown"),
    Fault(
        "slow",
        "http",
        "three routes of the API take 1.8 s longer",
        ("http.latency.over_limit",),
        ("http::test_latency",),
        (),
        (*LIMITS, *_READY),
        ("unknown",),
    ),
    Fault(
        "old-version",
        "http",
        "the previous version is serving",
        ("http.revision.old_version_serving",),
        ("http::test_revision",),
        (),
        ENDPOINT,
    ),
    _routes("teapot", "one route answers 418 without a body", "unknown"),
    Fault(
        "two-roots",
        "http",
        "the database passwords are changed and the API's certificate expired",
        ("database.auth.password_rejected", "http.tls.expired"),
        READY + _READY + OPERATION,
        (*DATABASE, *HTTP),
        (*LIMITS, *_CERTIFICATE),
    ),
)
