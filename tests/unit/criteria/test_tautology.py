"""Conditions of policies that are true for every row."""

from __future__ import annotations

import pytest

from pytest_prodcheck.criteria.tautology import always_true


@pytest.mark.parametrize(
    "condition",
    [
        "true", "(true)", "(1 = 1)", "(owner_id = owner_id)", "((owner_id = 1) OR true)", "('t'::text)::boolean",
        "((id IS NULL) OR (id IS NOT NULL))", "(NOT false)", "((1 = 1) AND true)", "COALESCE(true, false)",
        "CASE WHEN true THEN true ELSE false END", "(EXISTS ( SELECT 1))", "( SELECT true AS bool)", "(true IS TRUE)",
        "('x'::text = 'x'::text)", "(title ~~ '%'::text)", "(1 < 2)", "('a' = ANY (ARRAY['a'::text, 'b'::text]))",
        "(1 IS NOT NULL)", "(owner_id IN (owner_id))", "((NOT (a = 1)) OR (a = 1))", "(1 <> 2)",
        "(lower(a) = lower(a))", "(1)::boolean", "(CURRENT_USER IS NOT NULL)", "COALESCE(NULL::boolean, true)",
        "(EXISTS ( SELECT 1 WHERE true))", "(ARRAY[a] = ARRAY[a])", "((a IN (1, 2)) OR (NOT (a IN (1, 2))))",
        "(a IS NOT DISTINCT FROM a)", "((a = 1) OR (b = 2) OR (2 > 1))",
    ],
)  # fmt: skip
def test_a_condition_that_no_row_fails_is_always_true(condition: str) -> None:
    """Constants, self-comparisons and opposites are recognised however they are written."""
    assert always_true(condition)


@pytest.mark.parametrize(
    "condition",
    [
        "(owner_id = 1)", "false", "(owner = current_setting('app.user'::text, true))", "is_admin()", "(a = b)",
        "(1 = 2)", "(id IS NOT NULL)", "(NOT true)", "(current_setting('a'::text) IS NOT NULL)", "(a OR b)",
        "(true AND (a = 1))", "CASE WHEN a THEN true ELSE false END", "(EXISTS ( SELECT 1 FROM x WHERE (x.id = 1)))",
        "(title ~~ 'a%'::text)", "garbage ((", "COALESCE(x, true)", "(a <> a)", "public", "(active = true)", "active",
        "(a IS DISTINCT FROM a)", "(a = ALL (ARRAY[a, b]))", "(a NOT IN (a, b))", "(0)::boolean",
        "(CURRENT_USER IS NULL)", "(EXISTS ( SELECT 1 WHERE false))", "COALESCE(NULL::boolean, a)",
        "(NULL::text IS NOT NULL)",
    ],
)  # fmt: skip
def test_a_condition_that_a_row_can_fail_is_not(condition: str) -> None:
    """What depends on a column, a setting or a function is left alone, and so is what cannot be parsed."""
    assert not always_true(condition)


@pytest.mark.parametrize(
    ("condition", "always"),
    [
        ("(id IS NOT NULL)", True), ("((owner = 1) OR (id IS NOT NULL))", True), ("(NOT (id IS NULL))", True),
        ("(owner IS NOT NULL)", False), ("(id IS NULL)", False), ("((id IS NOT NULL) AND (owner = 1))", False),
        ("(EXISTS ( SELECT 1 FROM x WHERE (x.id IS NOT NULL)))", False),
    ],
)  # fmt: skip
def test_a_column_that_is_never_null_tells_no_rows_apart(condition: str, always: bool) -> None:
    """`id IS NOT NULL` is true for every row where the table says so."""
    assert always_true(condition, frozenset({"id"})) is always
