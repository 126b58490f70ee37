"""CI annotations: GitHub's `::error` lines, at most 20, one a cause first and one a finding that no cause explains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from pytest_prodcheck.observe.result import RunResult
from pytest_prodcheck.report import baseline

AT_MOST = 20


class Writer(Protocol):
    """Where the lines go."""

    def write_line(self, line: str) -> None:
        """One line."""


def write(writer: Writer, result: RunResult, environ: Mapping[str, str]) -> None:
    """Writes the annotations where the run is a GitHub job."""
    if environ.get("GITHUB_ACTIONS") == "true":
        for line in list(lines(result))[:AT_MOST]:
            writer.write_line(line)


def lines(result: RunResult) -> Iterator[str]:
    """All annotations, the most telling first: what is new before what the baseline knew."""
    for cause in sorted(result.causes, key=lambda one: one.since == "known"):
        said = f"{cause.message}{baseline.of_cause(cause)}; next: {cause.next or cause.remedy}"
        yield annotation("error", cause.code, said)
    findings = [(check.id, row) for check in result.checks if not check.explained_by for row in check.findings]
    for identifier, finding in sorted(findings, key=lambda pair: pair[1].get("since") == "known"):
        yield _of_finding(identifier, finding)
    for row in result.baseline["fixed"] if result.baseline else ():
        yield annotation("notice", f"fixed {row['code']}", f"{row['target']} {row['subject']}: {row['message']}")


def _of_finding(identifier: str, finding: Mapping[str, Any]) -> str:
    level = "error" if finding["severity"] in ("error", "blocked") else "warning"
    since = f"{finding['since']}: " if finding.get("since") else ""
    return annotation(level, f"{since}{finding['criterion']} {identifier}", str(finding["message"]))


def annotation(level: str, title: str, message: str) -> str:
    """One workflow command; line breaks and its own separators are escaped (GitHub's toolkit, command.ts)."""
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
