"""The rows of the runbooks' criteria, traps and cause rules: what claims to check them, and which tests show it.

    python tests/docs/criteria_rows.py        writes docs/criteria.md

A row is quoted by its id in parentheses, alone or in a list: `(A24)`, `(B62–B64, D46)`; in YAML as `rows: [A24, T7]`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[2]
TABLE = PROJECT / "docs" / "criteria.md"
_ID = r"[A-ETR][1-9]\d?"
_QUOTE = re.compile(rf"[(\[]({_ID}(?:–{_ID})?(?:[,;]\s+{_ID}(?:–{_ID})?)*)[)\]:;]")
_CHECK = re.compile(r"^def (test_\w+)\([^)]*\):\n    \"\"\"(.*?)\"\"\"", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Row:
    """One row: its id, what it is about, where the code says that it is checked, and which tests say so."""

    id: str
    about: str
    checks: tuple[str, ...]
    tests: tuple[str, ...]


def known() -> Mapping[str, str]:
    """Id → what the row is about, in the order of the list."""
    rows: Mapping[str, str] = yaml.safe_load(Path(__file__).with_name("criteria_rows.yaml").read_text("utf-8"))
    return rows


def quoted(text: str) -> Iterator[str]:
    """The ids that a text quotes; ranges are spelt out."""
    for found in _QUOTE.finditer(text):
        for part in re.split(r"[,;]\s+", found[1]):
            first, _, last = part.partition("–")
            for number in range(int(first[1:]), int((last or first)[1:]) + 1):
                yield f"{first[0]}{number}"


def rows() -> list[Row]:
    """Every row, with the checks of the suites or else the modules that claim it, and the test files that quote it."""
    suites, modules = _of_suites(), _of_files("pytest_prodcheck", "*.py")
    tests = {name: ids for pattern in ("*.py", "*.yaml") for name, ids in _of_files("tests", pattern).items()}
    del tests["tests/docs/criteria_rows.py"]
    return [
        Row(row, about, tuple(_with(row, suites) or _with(row, modules)), tuple(_with(row, tests)))
        for row, about in known().items()
    ]


def render(table: Iterable[Row]) -> str:
    """The document: what is claimed, row by row, and how much is not."""
    claimed = [row for row in table if row.checks]
    lines = [
        "# Criteria",
        "",
        "Which rows of the runbooks, traps (T) and cause rules (R) are checked, by which check or module, and by",
        "which test that is shown. Made by `python tests/docs/criteria_rows.py` from what the code and its tests",
        "quote; a row that is not here is not claimed.",
        "",
        f"{len(claimed)} of {len(known())} rows.",
        "",
        "| row | about | check | test |",
        "|---|---|---|---|",
    ]
    for row in claimed:
        about = row.about.replace("|", "\\|")
        lines.append(f"| {row.id} | {about} | {_code(row.checks)} | {_code(row.tests)} |")
    return "\n".join(lines) + "\n"


def _of_suites() -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in sorted((PROJECT / "suites").glob("*.py")):
        for name, docstring in _CHECK.findall(path.read_text("utf-8")):
            found[f"{path.stem}::{name}"] = set(quoted(docstring))
    return found


def _of_files(folder: str, pattern: str) -> Mapping[str, set[str]]:
    paths = sorted((PROJECT / folder).rglob(pattern))
    return {
        str(path.relative_to(PROJECT)): set(quoted(path.read_text("utf-8")))
        for path in paths
        if not {"suites", "node_modules", "__pycache__"} & set(path.relative_to(PROJECT).parts)
    }


def _with(row: str, quotes: Mapping[str, set[str]]) -> list[str]:
    return [name for name, ids in quotes.items() if row in ids]


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name.removeprefix('pytest_prodcheck/').removeprefix('tests/')}`" for name in names)


if __name__ == "__main__":
    TABLE.write_text(render(rows()), "utf-8")
    sys.exit(f"not tested: {missing}" if (missing := [row.id for row in rows() if row.checks and not row.tests]) else 0)
