"""Certificates: how long they hold, and what failed handshakes say."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from pytest_prodcheck.criteria.certificate import judge
from pytest_prodcheck.observe.observation import Observation

NOW = 1_760_000_000.0
DAY = 86400.0


def shown(start, end, serial="a1", **changes):
    """An exchange with a certificate that holds from and to so many days from now."""
    certificate = {
        "subject": "CN=plan.example", "issuer": "CN=ca", "names": ["plan.example"], "serial": serial,
        "not_before": NOW + start * DAY, "not_after": NOW + end * DAY,
    }  # fmt: skip
    return Observation("http", "GET /", status=200, data={"certificate": certificate}, **changes)


@pytest.mark.parametrize(
    ("start", "end", "valid_for", "code", "words"),
    [
        (-90, -3, 0, "http.tls.expired", "the certificate of plan.example expired on 2025-10-06, 3 d ago"),
        (-90, 3, 14, "http.tls.expires_soon", "expires on 2025-10-12, in 3 d; promised valid for 14d"),
        (1, 90, 14, "http.tls.not_yet_valid", "is valid only from 2025-10-10, in 24 h"),
    ],
)
def test_what_is_wrong_is_said_with_its_date(start, end, valid_for, code, words):
    """Expiry, near expiry and a start in the future (B62, D46)."""
    (found,) = judge([shown(start, end)], valid_for * DAY, "http", now=NOW)
    assert (found.code, found.severity) == (code, "error")
    assert words in found.message


def test_a_certificate_that_holds_long_enough_is_right():
    """Nothing is promised beyond `valid_for`."""
    assert judge([shown(-1, 15), Observation("http", "GET /b", status=200)], 14 * DAY, "http", now=NOW) == []


@pytest.mark.parametrize(("ahead", "codes"), [(2400, ["auth.clock.skewed"]), (45, []), (-2400, [])])
def test_by_a_clock_that_is_behind_nothing_is_proven(ahead, codes):
    """What ended ten minutes ago looks valid to us; a `Date` in the past may be a cache's (fg-clock-skew)."""
    date = formatdate(NOW + ahead, usegmt=True)
    found = judge([shown(-1, 15, headers={"date": date}, started_at=NOW)], 0, "http", now=NOW)
    assert [one.code for one in found] == codes
    words = "clock differs from the server's Date by 40 min: time-based results are void"
    assert {one.message for one in found} <= {words}


def test_each_certificate_of_a_host_is_judged_once():
    """Two machines behind one name may show two certificates."""
    seen = [shown(-90, 60, "new"), shown(-90, 2, "old"), shown(-90, 2, "old")]
    assert len(judge(seen, 14 * DAY, "http", now=NOW)) == 1


def test_a_failed_handshake_is_a_finding_told_once():
    """The certificate that was shown explains the failure; without facts the error class does."""
    expired = shown(-90, -3, error="tls.expired", expected=False)
    assert [found.code for found in judge([expired], 0, "http", now=NOW)] == ["http.tls.expired"]
    mismatch = shown(-9, 90, error="tls.hostname_mismatch", expected=False)
    (found,) = judge([mismatch], 0, "http", now=NOW)
    assert found.code == "http.tls.hostname_mismatch"
    assert "another name" in found.message


def test_no_certificate_seen_is_not_green():
    """Nothing was looked at."""
    assert [found.severity for found in judge([], 0, "http", now=NOW)] == ["insufficient"]
