"""Log checks: what must not be in the lines since the rollout, and that those lines were really seen."""

import pytest


@pytest.mark.smoke
def test_ready(prodcheck_logs, check):
    """The source of the logs is there and may be read (R22)."""
    prodcheck_logs.observe(check)


@pytest.mark.smoke
def test_coverage(prodcheck_logs, check):
    """The window is covered: every stream read, no gap by rotation, traffic seen (A60, T22)."""
    prodcheck_logs.observe(check)


@pytest.mark.smoke
def test_server_errors(prodcheck_logs, check):
    """No request was answered with 5xx, route by route (A3, A60, B11)."""
    prodcheck_logs.observe(check)


@pytest.mark.smoke
def test_errors(prodcheck_logs, check):
    """No grave record, no unhandled exception (A3–A5, A39, A43, A50, A64, B3, B36, B43, C28, C38, E1, E11, E46)."""
    prodcheck_logs.observe(check)


@pytest.mark.security
def test_private(prodcheck_logs, check):
    """No line prints a credential or personal data (C28)."""
    prodcheck_logs.observe(check)


@pytest.mark.smoke
def test_forbidden(prodcheck_logs, check):
    """No line has a forbidden pattern (C38, E1)."""
    prodcheck_logs.observe(check)


def test_slow(prodcheck_logs, check):
    """No query took longer than it may (B21)."""
    prodcheck_logs.observe(check)


def test_retries(prodcheck_logs, check):
    """Whatever is retried is retried with growing pauses (C30)."""
    prodcheck_logs.observe(check)


@pytest.mark.security
def test_refused_logins(prodcheck_logs, check):
    """Refused log-ins and tokens keep their limit, by reason (B68)."""
    prodcheck_logs.observe(check)


@pytest.mark.contract
def test_structured(prodcheck_logs, check):
    """The promised share of lines is JSON with time, level and message (A51)."""
    prodcheck_logs.observe(check)


@pytest.mark.smoke
def test_startup(prodcheck_logs, check):
    """Programs say that they are ready, soon enough, and nothing grave before it (C39)."""
    prodcheck_logs.observe(check)


def test_traces(prodcheck_logs, check):
    """A 500 that we got has its own lines in the logs, with a trace (E45)."""
    prodcheck_logs.observe(check)
