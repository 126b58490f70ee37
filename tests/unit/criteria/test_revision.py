"""Which revision serves (R18)."""

from __future__ import annotations

import json

import pytest

from pytest_prodcheck.config.models import Revision
from pytest_prodcheck.criteria.revision import judge, serving
from pytest_prodcheck.observe.observation import Observation

AT = Revision(path="/version", at="build.commit", expected="4f2a")


def said(body=b"", status=200, **changes):
    """One answer of GET /version."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Observation("http", "GET /version", status=status, body=raw, **changes)


def commit(revision):
    """An answer that names a revision."""
    return said({"build": {"commit": revision}})


@pytest.mark.parametrize(
    ("seen", "revision"),
    [
        (commit("4f2a"), AT),
        (said(b"4f2a\n"), Revision(path="/version")),
        (said(headers={"x-revision": "4f2a"}), Revision(header="X-Revision")),
    ],
)
def test_a_revision_is_read_where_it_is_declared(seen, revision):
    """A key of a JSON answer, a text body or a header."""
    assert serving([seen, seen], revision) == ["4f2a"]


def test_the_expected_revision_alone_is_right():
    """Nothing to say."""
    assert judge([commit("4f2a")] * 3, AT, "http") == []


def test_an_abbreviated_hash_is_the_same_commit():
    """Seven digits or more name a commit; fewer, and tags, are compared exactly."""
    full, short = "4f2a9c0e1b77d0f2aa", "4f2a9c0"
    assert judge([commit(full)], Revision(at="build.commit", expected=short), "http") == []
    assert serving([commit(full)], Revision(at="build.commit", expected=short)) == [short]
    assert judge([commit("202611281")], Revision(at="build.commit", expected="20261128"), "http") != []
    assert judge([commit("v1.10")], Revision(at="build.commit", expected="v1.1"), "http") != []


@pytest.mark.parametrize("seen", [["old1"], ["4f2a", "old1"], ["old1", "4f2a"]])
def test_the_old_version_still_serving_is_red(seen):
    """R18: what still serves is named, alone or beside the new one."""
    (found,) = judge([commit(one) for one in seen], AT, "http")
    assert (found.code, found.severity) == ("http.revision.old_version_serving", "error")
    assert found.message.startswith("old version serving: old1")


def test_two_revisions_are_red_whatever_is_expected():
    """Replicas of two builds disagree."""
    (found,) = judge([commit("a"), commit("b")], Revision(at="build.commit"), "http")
    assert found.code == "http.revision.mixed"
    assert found.message == "2 revisions serve: a, b"


@pytest.mark.parametrize(
    "seen",
    [
        said(b"<html>"), said({"build": {}}), said({"build": "x"}), said(b"", 404), said({"build": {"commit": None}}),
        Observation("http", "GET /version", error="tcp.refused", expected=False), said(b"[" * 99_999),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_red(seen):
    """An unreadable revision is not the right one, also beside a right one."""
    assert [found.code for found in judge([seen], AT, "http")] == ["http.revision.unreadable"]
    assert [found.code for found in judge([commit("4f2a"), seen], AT, "http")] == ["http.revision.unreadable"]
