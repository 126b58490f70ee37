"""When a finding of two runs is the same one."""

from __future__ import annotations

import pytest

from pytest_prodcheck.history import identity

SAME = [
    ("p95 is 480ms; 3 of 59 requests over 300ms", "p95 is 2.5s; 41 of 299 requests over 300ms"),
    ("certificate ends 2026-12-01T10:00:00Z, in 3 d", "certificate ends 2026-12-01T10:00:00Z, in 2 d"),
    ("GET /a answered 500 (x-request-id 5f1c9e77ab)", "GET /a answered 500 (x-request-id 0012aa77c0)"),
    ("revision 4f2a9c1 serves", "revision 77aa0b3 serves"),
    ("row 7c9e6679-7425-40de-944b-e07fc1f90ae7 is orphaned", "row 550e8400-e29b-41d4-a716-446655440000 is orphaned"),
    ("1 of 12 rows", "1,204 of 12 rows"),
]
OTHER = [
    ("GET /a answered nothing", "GET /b answered nothing"),
    ("column tasks.owner is missing", "column tasks.title is missing"),
    ("the dead feed fades", "the dead feed faded"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_figures_and_moments_do_not_matter(one: str, other: str) -> None:
    """The same words around other figures, ids, revisions and times."""
    assert identity.alike("", one, "", other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_words_do(one: str, other: str) -> None:
    """Another thing is another finding, and words that happen to be hexadecimal are words."""
    assert not identity.alike("", one, "", other)


def test_the_same_promise_is_the_same_finding() -> None:
    """However it is put; two promises of one thing are two findings."""
    assert identity.alike("p95 < 500ms", "3 of 59 over", "p95 < 500ms", "5 % server errors among 100 requests")
    assert not identity.alike("status: healthy", "status is ill", "version: 2", "version is absent")


@pytest.mark.parametrize(
    ("subject", "workload"),
    [
        ("plan-app-7d9f8b6c54-x2x4z", "plan-app"),
        ("postgres-0", "postgres-0"),
        ("nightly-28945620-bcd5f", "nightly"),
        ("daemon-zx7kp", "daemon"),
        ("plan-app", "plan-app"),
    ],
)
def test_a_pod_is_known_by_its_workload(subject: str, workload: str) -> None:
    """Its name is another one after every rollout; other layers' names are left alone."""
    row = {"target": "cluster", "code": "cluster.container.crash_loop", "subject": subject}
    assert identity.key(row, "c") == ("cluster", "cluster.container.crash_loop", workload)
    http = {**row, "code": "http.answer.unexpected_status", "subject": "get-zx7kp"}
    assert identity.key(http, "c")[2] == "get-zx7kp"


def test_a_check_stands_for_what_has_no_name() -> None:
    """Without a subject or a code, the findings of two checks are two."""
    row = {"target": "http", "code": "unknown", "subject": "tasks"}
    assert identity.key(row, "a") != identity.key(row, "b")
    assert identity.key({**row, "code": "http.x", "subject": ""}, "a") != identity.key({**row, "subject": ""}, "b")
    assert identity.key({**row, "code": "http.x"}, "a") == identity.key({**row, "code": "http.x"}, "b")


def test_what_became_graver_is_not_known() -> None:
    """A warning that is an error now, and anything against a severity that nobody knows."""
    assert identity.worse("error", "warning")
    assert identity.worse("blocked", "insufficient")
    assert not identity.worse("warning", "error")
    assert not identity.worse("error", "error")
    assert identity.worse("error", "")
