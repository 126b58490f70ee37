"""Causes of HTTP in the security headers."""

from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "http.headers.hsts_missing",
        "Strict-Transport-Security missing or too short",
        "{host} sends no sufficient Strict-Transport-Security",
        "send max-age=63072000; includeSubDomains",
        "curl -sI {url}",
    ),
    CauseKind(
        "http.headers.csp_missing",
        "Content-Security-Policy missing",
        "{host} sends no Content-Security-Policy",
        "add a policy without unsafe-inline",
        "curl -sI {url}",
    ),
    CauseKind(
        "http.headers.content_type_options_missing",
        "X-Content-Type-Options missing",
        "{host} sends no X-Content-Type-Options",
        "send nosniff",
        "curl -sI {url}",
    ),
    CauseKind(
        "http.headers.frame_options_missing",
        "X-Frame-Options or frame-ancestors missing",
        "{host} may be framed by anybody",
        "send X-Frame-Options: DENY or frame-ancestors",
        "curl -sI {url}",
    ),
    CauseKind(
        "http.headers.referrer_policy_missing",
        "Referrer-Policy missing",
        "{host} sends no Referrer-Policy",
        "send strict-origin-when-cross-origin",
        "curl -sI {url}",
    ),
    CauseKind(
        "http.headers.permissions_policy_missing",
        "Permissions-Policy missing",
        "{host} sends no Permissions-Policy",
        "switch off what the page does not use",
        "curl -sI {url}",
    ),
    CauseKind(
        "http.headers.cors_too_wide",
        "any origin may read answers with credentials",
        "{host} lets any origin read its answers",
        "name the origins",
        "curl -sI -H 'Origin: https://example.invalid' {url}",
    ),
    CauseKind(
        "http.headers.leaks_version",
        "a header names software and version",
        "a header of {host} names software and version",
        "remove X-Powered-By and the version of Server",
        "curl -sI {url}",
    ),
    CauseKind(
        "http.headers.cookie_flags",
        "a cookie lacks Secure, HttpOnly or SameSite",
        "a cookie of {host} lacks Secure, HttpOnly or SameSite",
        "set the flags",
        "curl -sI {url}",
    ),
    CauseKind(
        "http.headers.wrong",
        "a security header differs from what is promised",
        "a security header of {host} differs: {seen}, promised {expected}",
        "correct the header",
        "curl -sI {url}",
    ),
)
