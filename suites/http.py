"""HTTP checks, one an endpoint, and the limits of a whole host."""

import pytest


@pytest.mark.smoke
def test_ready(prodcheck_http, check):
    """The host resolves, connects on every address, and something behind its gateway answers (A6, B25, B60, B61)."""
    prodcheck_http.observe(check)


@pytest.mark.smoke
def test_revision(prodcheck_http, check):
    """Only the revision that was deployed serves (R18)."""
    prodcheck_http.observe(check)


@pytest.mark.security
def test_certificate(prodcheck_http, check):
    """The certificate is trusted, for this name, and holds long enough (A63, B62–B64, D46)."""
    prodcheck_http.observe(check)


@pytest.mark.security
def test_security_headers(prodcheck_http, check):
    """The answers carry the security headers that are promised (D47)."""
    prodcheck_http.observe(check)


@pytest.mark.smoke
def test_endpoint(prodcheck_http, check):
    """The endpoint gives the status, body and headers that are promised, in time, and no 5xx (A58, C43, D2, D4)."""
    prodcheck_http.observe(check)


@pytest.mark.security
def test_refuses(prodcheck_http, check):
    """The endpoint refuses tokens that are none, unsigned, forged, over or for others (A20, A22, B71, B72, E7)."""
    prodcheck_http.observe(check)


@pytest.mark.security
def test_broken_token_refused(prodcheck_http, check):
    """A token whose signature was changed is refused (A20)."""
    prodcheck_http.observe(check)


def test_latency(prodcheck_http, check):
    """All requests of this host together keep its latency limits (C3, C46, D43, T9)."""
    prodcheck_http.observe(check)


def test_error_rate(prodcheck_http, check):
    """All requests of this host together keep its error rate (C4, C47, T10)."""
    prodcheck_http.observe(check)
