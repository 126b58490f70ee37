"""The cause table is complete, and `explain` and the page say all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pytest_prodcheck.diagnosis import bodies, hasura, jwt, libpq, oidc, sqlstate, transport
from pytest_prodcheck.diagnosis.causes import CAUSES, LAYERS, kind_of
from pytest_prodcheck.diagnosis.explain import LOOKALIKES, confused_with, explain, nearest, page
from pytest_prodcheck.diagnosis.kind import fill
from pytest_prodcheck.errors import UsageProblem

PACKAGE = Path(__file__).parents[3] / "pytest_prodcheck"
CODES = [row["code"] for row in yaml.safe_load((Path(__file__).parent / "cause_codes.yaml").read_text())]
USED = {
    *sqlstate.SQLSTATES.values(), *sqlstate.CLASSES.values(), *hasura.CODES.values(), *oidc.ERRORS.values(),
    *jwt.EXCEPTIONS.values(), *transport.HTTP.values(), *transport.AUTH.values(), *transport.DATABASE.values(),
    *transport.STATUSES.values(), *bodies.PRISMA.values(), *(code for _, _, code in jwt.TEXTS),
    *(code for rows in (libpq.SPECIFIC, libpq.TEXTS, hasura.MESSAGES) for _, code in rows),
    *(code for rows in (bodies.TEXTS, transport.BODIES) for _, code in rows),
    *(code for group in LOOKALIKES for code in group),
}  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_the_vocabulary_is_covered(code: str) -> None:
    """Every code of the agreed vocabulary has a row."""
    assert CAUSES[code].code == code


@pytest.mark.parametrize("code", sorted(USED))
def test_a_classifier_gives_only_known_codes(code: str) -> None:
    """What a classifier answers can be explained."""
    assert code in CAUSES


def test_every_code_that_a_criterion_gives_has_a_row() -> None:
    """No finding carries a code that `explain` does not know."""
    literal = re.compile(rf'"((?:{"|".join(LAYERS)})\.[a-z_]+\.[a-z_]+)"')
    sources = [path for room in ("criteria", "gate") for path in (PACKAGE / room).rglob("*.py")]
    assert {code for path in sources for code in literal.findall(path.read_text("utf-8"))} <= set(CAUSES)


@pytest.mark.parametrize("code", list(CAUSES))
def test_a_row_reads_well_without_data(code: str) -> None:
    """No row leaves an open place, has an empty part or stands in no layer."""
    kind = CAUSES[code]
    filled = [fill(kind.says, {}), fill(kind.remedy, {}), fill(kind.next, {}, command=True)]
    assert all(text and "{host}" not in text and "{user}" not in text for text in filled)
    assert kind.layer in LAYERS


def test_places_are_filled_from_data() -> None:
    """A place takes its value; a format of curl is no place."""
    assert fill("psql -h {host} -w '%{http_code}'", {"host": "db"}, command=True) == "psql -h db -w '%{http_code}'"


def test_an_unlisted_code_is_unknown() -> None:
    """A code that the table does not have reads as unknown."""
    assert kind_of("no.such.code").code == "unknown"


def test_explain_says_all_parts() -> None:
    """Layer, meaning, how it shows, what it explains, what it looks like, remedy, next command."""
    said = explain("database.auth.password_rejected")
    for part in ("database", "28P01", "P1000", "5xx answers", "database.auth.role_missing", "psql -h HOST"):
        assert part in said


def test_explain_refuses_what_it_does_not_know() -> None:
    """An unknown code is an error, and the nearest codes are offered."""
    with pytest.raises(UsageProblem, match=r"similar: database\.auth\.password_rejected"):
        explain("database.auth.pasword")
    assert nearest("database.auth.pasword_rejected")[0] == "database.auth.password_rejected"


def test_lookalikes_are_mutual() -> None:
    """What looks like another is looked like by it."""
    assert all(code in confused_with(other) for code in CAUSES for other in confused_with(code))


def test_the_page_is_current() -> None:
    """docs/causes.md is what the table says today."""
    assert (Path(__file__).parents[3] / "docs" / "causes.md").read_text() == page()
