"""The errors of a load run, split by name, status and class, so that one line says what most of them are (C4, A48)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from pytest_prodcheck.criteria.load_tally import Tally
from pytest_prodcheck.criteria.wording import percentage

MOST = 10


class Kind(NamedTuple):
    """One name with one kind of error."""

    name: str
    kind: str
    message: str
    number: int

    @property
    def said(self) -> str:
        """`POST /api/graphql 500`, `GET /a timeout`."""
        words = self.message if self.kind == "status" and self.message else self.kind
        more = f" ({self.message})" if self.kind in ("assertion", "exception") and self.message else ""
        return f"{self.name} {words}{more}"


def kinds(tally: Tally, names: Collection[int] | None = None) -> list[Kind]:
    """Name and class of all errors, the most frequent first."""
    table = tally.samples
    found = [
        Kind(table.names[cell.name], table.errors[cell.error].kind, table.errors[cell.error].message, count)
        for cell in tally.failed(names)
        if (count := tally.counts[cell])
    ]
    return sorted(found, key=lambda one: (-one.number, one))


def merged(found: Iterable[Iterable[Kind]]) -> list[Kind]:
    """The errors of several runs together."""
    total: Counter[tuple[str, str, str]] = Counter()
    for kinds_ in found:
        for one in kinds_:
            total[one[:3]] += one.number
    return sorted((Kind(*key, count) for key, count in total.items()), key=lambda one: (-one.number, one))


def most(found: list[Kind]) -> str:
    """`92 % are POST /api/graphql 500`; empty for no errors."""
    if not found:
        return ""
    total = sum(one.number for one in found)
    return f"{percentage(found[0].number / total)} are {found[0].said}"


def by_server(found: Iterable[Kind]) -> int:
    """Errors that the server itself answered: they are its own however busy the generator was."""
    return sum(one.number for one in found if one.kind in ("status", "assertion"))


def server_errors(found: Iterable[Kind]) -> int:
    """Answers 5xx."""
    return sum(one.number for one in found if one.kind == "status" and one.message[:1] == "5")


def rows(found: Iterable[Kind]) -> list[dict[str, Any]]:
    """The most frequent, JSON-safe."""
    return [one._asdict() for one in list(found)[:MOST]]
