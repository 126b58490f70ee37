"""Every error that pytest-prodcheck raises on purpose, as one tree.

    ProdcheckError
    ├── UsageProblem            exit 4: nothing was sent
    │   ├── ConfigError         prodcheck.toml is missing, invalid or promises nothing
    │   ├── SecretError         a reference (env:, file:, cmd:) gives nothing
    │   └── MarkerError         a marker has a wrong argument
    ├── DeadlinePassed          the run ended before an answer was there
    ├── Refused                 a request, statement or document that is not a proven read: it was not sent
    └── TargetError             a target did not answer as its protocol says

Each message says what was tried, the cause, and what to do next; none carries a secret.
"""

from __future__ import annotations

from typing import Self


class ProdcheckError(Exception):
    """Base of all errors of pytest-prodcheck."""


class UsageProblem(ProdcheckError):
    """The run cannot start as asked (exit status 4). `problems` lists every one found, one a line."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ConfigError(UsageProblem):
    """`prodcheck.toml` is missing, invalid, or promises nothing that can be proven."""


class SecretError(UsageProblem):
    """One or more references in `prodcheck.toml` give no value; lists them all, never a value."""


class MarkerError(UsageProblem):
    """A prodcheck marker has a wrong argument."""


class Refused(ProdcheckError):
    """Something that is not a proven read was asked for; it was refused before it was sent.

    `what` is the request in a few words, `reason` why it is not a read, `remedy` what to do instead.
    """

    def __init__(self, what: str, reason: str, remedy: str = "") -> None:
        self.what, self.reason, self.remedy = what, reason, remedy
        super().__init__(f"refused, not sent: {what}: {reason}" + (f"; {remedy}" if remedy else ""))

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str]]:
        """Travels from the owner to a worker as what it was made of."""
        return type(self), (self.what, self.reason, self.remedy)


class DeadlinePassed(ProdcheckError):
    """The run's deadline passed, or the run was stopped, before the answer was there."""


class TargetError(ProdcheckError):
    """A target answered outside its protocol, or not at all; `code` is the cause code."""

    def __init__(self, target: str, message: str, code: str = "unknown") -> None:
        self.target, self.message, self.code = target, message, code
        super().__init__(f"{target}: {message}")

    def __reduce__(self) -> tuple[type[Self], tuple[str, str, str]]:
        """Travels from the owner to a worker as what it was made of."""
        return type(self), (self.target, self.message, self.code)


class NotReady(TargetError):
    """Nothing was asked, because a target or a user's token that it takes is not there: who asked is blocked."""
