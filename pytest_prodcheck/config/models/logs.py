"""Logs: of a file, of Loki, of Google Cloud Logging, or of the platform that the environment's cluster runs on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pytest_prodcheck.config import bounded, grammar
from pytest_prodcheck.config.models.base import Model, WebTarget
from pytest_prodcheck.config.scalars import (
    Count,
    Flag,
    HiddenSecret,
    Name,
    Names,
    NotJudged,
    NumberLimit,
    Seconds,
    Severity,
    ShareLimit,
    SizeLimit,
    UsageLimit,
)

Format = Literal["json", "access", "nginx-error", "postgres", "postgres-csv", "klog", "logfmt", "java", "python", "go",
                 "redis", "syslog", "text"]  # fmt: skip
"""Names of the formats of `criteria.logs.formats.PARSERS`."""
_FILE_WINDOW = 600.0


def _since(text: str) -> str:
    if text not in ("rollout", "run"):
        try:
            grammar.duration(text)
        except ValueError:
            raise ValueError(f"since is rollout, run or a duration: {text!r}; write it like '10m'") from None
    return text


def _pattern(text: str) -> str:
    if text.startswith("re:"):
        bounded.bounded(text.removeprefix("re:"))
    elif not text.strip():
        raise ValueError("a pattern is text, or re: and a regular expression")
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]
Since = Annotated[str, AfterValidator(_since)]


class Loki(Model):
    """Where Loki is, and which streams are meant."""

    url: str
    query: Name
    """LogQL: a stream selector, with line filters where they are wanted."""


class Google(Model):
    """Google Cloud Logging."""

    project: Name
    filter: str = ""
    token: HiddenSecret = None
    """An OAuth access token with the scope `logging.read`."""
    url: str = "https://logging.googleapis.com"


class Ready(Model):
    """The line by which a program says that it is ready, and how long after its start it may take."""

    line: Pattern
    within: Seconds


class LogsTarget(WebTarget):
    """Lines of a window of time, and what must not be in them."""

    file: Names = ()
    """Paths; `*` stands for any name. Rotated files beside them (`.1`, `.gz`) are read as far as the window goes."""
    loki: Loki | None = None
    google: Google | None = None
    containers: Names = ()
    """Of the cluster's pods, only these containers; empty for all."""
    since: Since | None = None
    before: Seconds | None = None
    """How much of the time before the window is read to tell what is new; as long as the window, at most an hour."""
    level: Literal["warning", "error", "fatal"] = "error"
    format: Format | None = None
    forbid: tuple[Pattern, ...] = ()
    known: Severity = "error"
    """Severity of what was there before the rollout, too."""
    traffic: NumberLimit | NotJudged = "> 0"
    """Answered requests within the window, without our own."""
    structured: ShareLimit | None = None
    ready: Ready | None = None
    slow: Seconds | None = None
    retries: Flag = True
    traces: Flag = True
    """Whether a 500 that we got must have its lines here; not so where the logs are of another part."""
    auth_failures: UsageLimit | None = None
    personal_data: Severity | NotJudged = "warning"
    at_most: SizeLimit = "<= 256MB"
    """Bytes that are read, of all streams together."""
    lines: Count = 2_000_000
    reading: Annotated[Seconds, Field(gt=0)] = 60.0
    """Time for all of it."""

    @property
    def platform(self) -> bool:
        """Whether the lines are those of the platform that the cluster runs on."""
        return not (self.file or self.loki or self.google)

    @property
    def span(self) -> float | None:
        """Seconds that the window is long; None where it begins with the rollout or the run."""
        if self.since is None:
            return None if self.platform else _FILE_WINDOW
        return None if self.since in ("rollout", "run") else grammar.duration(self.since)
