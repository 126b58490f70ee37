"""What the code claims to check is tested, row by row."""

from __future__ import annotations

import criteria_rows
import pytest

ROWS = criteria_rows.rows()


@pytest.mark.parametrize("row", [row for row in ROWS if row.checks], ids=lambda row: row.id)
def test_what_is_claimed_is_tested(row: criteria_rows.Row) -> None:
    """A row that a check or a module quotes is quoted by a test, too."""
    assert row.tests, (
        f"{row.id} ({row.about}) is claimed by {', '.join(row.checks)}: quote it in the test that shows it"
    )


def test_the_table_is_made_from_the_code() -> None:
    """docs/criteria.md is what `python tests/docs/criteria_rows.py` writes now."""
    assert criteria_rows.TABLE.read_text("utf-8") == criteria_rows.render(ROWS)


def test_what_is_quoted_exists() -> None:
    """An id that is not in the list is a typing error."""
    sources = [*criteria_rows.PROJECT.glob("pytest_prodcheck/**/*.py"), *criteria_rows.PROJECT.glob("suites/*.py")]
    quoted = {row for path in sources for row in criteria_rows.quoted(path.read_text("utf-8"))}
    assert quoted - criteria_rows.known().keys() == set()


def test_ranges_and_lists_are_read() -> None:
    """`(B62–B64, D46)` are four rows; prose in parentheses is none."""
    assert list(criteria_rows.quoted("holds (B62–B64, D46). As [T7] says (see A1 there)")) == [
        "B62",
        "B63",
        "B64",
        "D46",
        "T7",
    ]
