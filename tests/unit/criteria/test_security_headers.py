"""Security headers: the owasp rules by profile, and a table of one's own."""

from __future__ import annotations

import pytest

from pytest_prodcheck.criteria.security_headers import judge
from pytest_prodcheck.observe.observation import Observation

GOOD = {
    "strict-transport-security": "max-age=63072000; includeSubDomains; preload",
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; style-src 'unsafe-inline'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "geolocation=()",
}


def answer(changes=(), content_type="text/html; charset=utf-8", operation="GET /", **fields):
    """A good answer with some headers changed; None removes one."""
    headers = {**GOOD, "content-type": content_type, **dict(changes)}
    kept = {name: value for name, value in headers.items() if value is not None}
    return Observation("http", operation, status=200, headers=kept, **fields)


def codes(seen, rules="owasp", **options):
    """(code, severity) of each finding."""
    return [(found.code, found.severity) for found in judge([seen], rules, "http", now=0.0, **options)]


@pytest.mark.parametrize(
    ("changes", "code", "severity"),
    [
        ({"strict-transport-security": None}, "http.headers.hsts_missing", "error"),
        ({"strict-transport-security": "max-age=300"}, "http.headers.hsts_missing", "error"),
        ({"strict-transport-security": "includeSubDomains"}, "http.headers.hsts_missing", "error"),
        ({"content-security-policy": "script-src 'unsafe-inline'; frame-ancestors 'none'"},
         "http.headers.csp_missing", "error"),
        ({"content-security-policy": "default-src 'self'"}, "http.headers.frame_options_missing", "error"),
        ({"content-security-policy": None, "x-frame-options": "DENY"}, "http.headers.csp_missing", "error"),
        ({"x-content-type-options": "sniff"}, "http.headers.content_type_options_missing", "error"),
        ({"referrer-policy": "unsafe-url"}, "http.headers.referrer_policy_missing", "warning"),
        ({"permissions-policy": None}, "http.headers.permissions_policy_missing", "warning"),
        ({"x-powered-by": "Next.js"}, "http.headers.leaks_version", "warning"),
        ({"server": "nginx/1.25.3"}, "http.headers.leaks_version", "warning"),
        ({"access-control-allow-origin": "*", "access-control-allow-credentials": "true"},
         "http.headers.cors_too_wide", "error"),
    ],
)  # fmt: skip
def test_each_wrong_header_has_its_finding(changes, code, severity):
    """The rule set of facts §9, header by header (D47)."""
    assert codes(answer(changes)) == [(code, severity)]


@pytest.mark.parametrize(
    "changes", [{}, {"server": "nginx"}, {"x-frame-options": "SAMEORIGIN"}, {"x-xss-protection": "0"}]
)
def test_good_headers_have_no_finding(changes):
    """Recommended values pass."""
    assert codes(answer(changes)) == []


def test_an_api_is_not_judged_as_a_page():
    """CSP and frame rules are noise on data."""
    bare = dict.fromkeys(("content-security-policy", "referrer-policy", "permissions-policy"))
    assert codes(answer(bare, "application/json")) == []
    assert codes(answer({"x-content-type-options": None}, "application/json")) != []


def test_hsts_means_nothing_over_plain_http():
    """Browsers ignore it there (RFC 6797 §8.1)."""
    assert codes(answer({"strict-transport-security": None}), secure=False) == []


def test_a_table_replaces_rules_by_the_same_grammar():
    """A header's own expectation stands in the rule's place; `false` drops it."""
    own = {"Permissions-Policy": False, "X-Frame-Options": "DENY", "X-Powered-By": "absent"}
    seen = answer({"permissions-policy": None, "x-powered-by": "PHP"})
    assert codes(seen, own) == [("http.headers.wrong", "error")] * 2


def test_one_header_missing_everywhere_is_one_finding():
    """The finding names the first answer and counts the others."""
    seen = [answer({"x-content-type-options": None}, operation=f"GET /{n}") for n in range(3)]
    (found,) = judge(seen, "owasp", "http", now=0.0)
    assert found.message == "GET /0 and 2 more: header X-Content-Type-Options: expected nosniff, found missing"


def test_no_right_answer_is_insufficient():
    """Headers of an error page prove nothing."""
    assert codes(Observation("http", "GET /", status=500, expected=False))[0][1] == "insufficient"
