"""The grammar of expectations on documents: what holds, what does not, and how it is said."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from pytest_prodcheck.config import grammar
from pytest_prodcheck.criteria.expectations import MISSING, Mismatch, compare, compare_text

NOW = 1_760_000_000.0
DEEP = json.loads("[" * 900 + "]" * 900)


def iso(seconds_ago):
    """An ISO time so many seconds before NOW."""
    return datetime.fromtimestamp(NOW - seconds_ago, UTC).isoformat()


def named(value):
    """The same name in every process, for workers compare ids."""
    return "missing" if value is MISSING else repr(value)[:30]


HOLDS = [
    ("healthy", "healthy"), (1, 1), (1, 1.0), (True, True), (None, None), ([], []), ({}, {"a": 1}),
    ("*", 0), ("*", None), ("*", ""), ("absent", MISSING), ({"a": "absent"}, {}),
    ("> 0", 3), (">= 2", 2), ("<= 2", 2), ("< 1.5", 1), ("== 5", 5), ("== 5", "5"), ("== > 0", "> 0"), ("== *", "*"),
    ("==absent", "absent"), ("== ", ""), ("< 500ms", "120ms"), ("< 500ms", 0.2), ("> 50%", "80%"), ("> 50%", 0.8),
    ("age < 60s", iso(30)), ("age < 60s", NOW - 30), ("age < 60s", (NOW - 30) * 1000),
    ("age < 60s", str(int(NOW - 30))),
    ("age < 60s", iso(30).replace("+00:00", "Z")), ("age < 60s", iso(30).replace("+00:00", "")),
    ("age < 60s", iso(-20)),
    ("age < 1d", "Thu, 09 Oct 2025 08:50:00 GMT"), ("age > 1h", iso(7200)),
    ("size > 0", [1]), ("size == 2", "ab"), ("size <= 1", {"k": 1}), ("size == 0", []),
    ("has user", ["user", "admin"]), ("has se", "user"), ("has 5", [4, 5]), ("has key", {"key": None}),
    ("re:^v\\d+", "v12 beta"), ("<b>hi", "<b>hi"), ("hassle", "hassle"), ("<script>", "<script>"),
    ("== 9007199254740993", 9007199254740993), ("> 9007199254740992", 9007199254740993),
    ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}, "d": 3}), ([{"id": 1}], [{"id": 1, "x": 2}]),
    ({"a": [1, 2]}, {"a": [1, 2]}),
    ({"each": {"ok": True}}, [{"ok": True}, {"ok": True, "n": 1}]), ({"each": "> 0"}, [1, 2]), ({"each": "*"}, []),
    ({"each": 1}, {"each": 1}), ((1, 2), [1, 2]), (date(2025, 1, 2), "2025-01-02"),
]  # fmt: skip

FAILS = [
    ("healthy", "unhealthy"), ("healthy", "Healthy"), ("healthy", MISSING), ("ok", ["ok"]), ("1", 1), (1, "1"),
    (1, True), (True, 1), (0, False), (0, MISSING), (None, MISSING), (False, None), ([], ["redis"]), ([], {}), ({}, []),
    ({"a": 1}, {}), ("*", MISSING), ("absent", None), ({"a": "absent"}, {"a": None}),
    ("> 0", 0), ("> 0", True), ("> 0", "5"), ("> 0", None), ("> 0", float("nan")), ("== 1", True), ("== 5", 6),
    ("< 500ms", "2s"), ("> 50%", "20%"), ("== 9007199254740993", 9007199254740992),
    ("age < 60s", iso(61)), ("age < 60s", iso(-86400)), ("age < 60s", "yesterday"), ("age < 60s", None),
    ("age < 60s", True), ("age < 60s", 10**400), ("age < 60s", float("inf")), ("age < 60s", "1" * 60),
    ("size > 0", []), ("size > 0", 5), ("size > 0", None), ("size == 1", MISSING), ("size > 0", ""),
    ("has user", ["superuser"]), ("has x", "abc"), ("has 1", [True]), ("has x", None), ("has key", {"other": "key"}),
    ("re:^v", "x v"), ("re:1", 1), ([1, 2], [1, 3]), ([1], [1, 2]), ([{"id": 1}], [{"id": 2}]),
    ({"each": {"ok": True}}, [{"ok": True}, {"ok": False}]), ({"each": 1}, {"a": 1}), ({"each": "*"}, None),
    ({"a": {"b": 1}}, {"a": "b"}), (date(2025, 1, 2), "2025-01-03"), ("> 0", DEEP), ({"a": 1}, DEEP),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "actual"), HOLDS, ids=named)
def test_what_holds_gives_no_mismatch(expected, actual):
    """Each form of the grammar accepts what it promises."""
    assert compare(expected, actual, now=NOW) == []


@pytest.mark.parametrize(("expected", "actual"), FAILS, ids=named)
def test_what_does_not_hold_gives_one_mismatch(expected, actual):
    """Each form refuses what it does not promise, with both sides in words."""
    found = compare(expected, actual, now=NOW)
    assert len(found) == 1
    assert found[0].promised
    assert 0 < len(found[0].seen) < 300


@pytest.mark.parametrize(
    ("expected", "actual", "words"),
    [
        ({"failed_checks": []}, {"failed_checks": ["redis"]}, 'failed_checks: expected [], found ["redis"]'),
        ({"a": [{"b": "ok"}]}, {"a": [{"b": "no"}]}, 'a[0].b: expected "ok", found "no"'),
        ({"db": "ok"}, {}, 'db: expected "ok", found missing'),
        ({"n": "> 0"}, {"n": 0}, "n: expected > 0, found 0"),
        ({"t": "age < 60s"}, {"t": NOW - 120}, "t: expected age < 60s, found 1759999880.0, 120s old"),
        ([], {"error": "down"}, "body: expected a list, found an object with key error"),
        ("OK", "WARN", 'body: expected "OK", found "WARN"'),
    ],
)
def test_mismatches_read_as_sentences(expected, actual, words):
    """Path, promise and sight stand in one line."""
    assert [str(found) for found in compare(expected, actual, now=NOW)] == [words]


def test_paths_start_where_they_are_told():
    """A claim or a header is named by its own path."""
    assert compare(1, 2, now=NOW, path="claims.sub") == [Mismatch("claims.sub", "1", "2")]


@pytest.mark.parametrize("body", ["OK", "OK\n", "OK\r\n"])
def test_a_plain_string_is_the_whole_text_body(body):
    """One newline at the end is no difference."""
    assert compare_text("OK", body, now=NOW) == []


@pytest.mark.parametrize("body", ["OK!", "", "NOT OK", "OK\n\n", " OK", "ok"])
def test_part_of_a_text_body_is_not_the_whole(body):
    """`OK` is not a substring test."""
    assert compare_text("OK", body, now=NOW)


def test_a_hostile_document_cannot_exhaust_the_stack():
    """Depth is bounded on both sides."""
    expected: object = "x"
    for _ in range(5000):
        expected = {"each": expected}
    assert "levels" in compare(expected, DEEP, now=NOW)[0].promised


def test_many_mismatches_are_bounded():
    """A list of a million wrong items gives twenty findings."""
    assert len(compare({"each": 1}, [2] * 100_000, now=NOW)) == 20


@pytest.mark.parametrize("text", ["age < 60", "size > 3s", "p95 < 1s", "mean < 1s", "re:("])
def test_expectations_that_nothing_can_keep_are_refused(text):
    """Configuration refuses them before anything is sent, wherever they stand."""
    with pytest.raises(ValueError, match=r"\S"):
        grammar.check_expectation({"a": [{"b": text}]})


def test_expectations_that_can_be_judged_are_accepted():
    """Everything that holds somewhere is a valid expectation."""
    for expected, _ in HOLDS:
        grammar.check_expectation(expected)
    assert grammar.rule("has user").text == "user"
