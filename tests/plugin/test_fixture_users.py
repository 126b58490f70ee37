"""A test's own request as a user is never sent without that user's credentials."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pytest_prodcheck.errors import TargetError, UsageProblem
from pytest_prodcheck.fixtures.http import HttpFixture
from pytest_prodcheck.observe.evidence import Standing
from pytest_prodcheck.observe.finding import Finding


class _Asked(Exception):
    pass


class _Owner:
    def __init__(self, *findings: Finding) -> None:
        self.findings, self.asked = findings, []

    def call(self, method, arguments):
        self.asked.append(method)
        if method == "standing":
            return Standing(arguments[0], findings=self.findings)
        raise _Asked


def _fixture(owner):
    table = SimpleNamespace(url="http://localhost:1", timeout=1.0)
    environment = SimpleNamespace(name="local", users={"member": object()}, targets={"http": table})
    return HttpFixture(environment, owner, SimpleNamespace(), "http")


def test_user_is_logged_in_before_the_request():
    """The login is asked for first, whatever other checks run."""
    owner = _Owner()
    with pytest.raises(_Asked):
        _fixture(owner).get("/me", as_="member")
    assert owner.asked == ["standing", "ask"]


def test_failed_login_and_unknown_user_send_nothing():
    """Both are errors with their cause."""
    owner = _Owner(Finding("ready", "auth", "the login was refused", "auth.login.refused"))
    with pytest.raises(TargetError, match="the login was refused"):
        _fixture(owner).get("/me", as_="member")
    with pytest.raises(UsageProblem, match=r"did you mean member\?"):
        _fixture(owner).get("/me", as_="membr")
    assert owner.asked == ["standing"]
