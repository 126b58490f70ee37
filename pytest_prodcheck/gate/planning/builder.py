"""How one check of a target is made, ids and inherited settings filled in."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.config.loader import slug
from pytest_prodcheck.config.models import Environment, Owned, Target
from pytest_prodcheck.gate.plan import Check


class Builder:
    """Makes the checks of one target, ids and inherited settings filled in."""

    def __init__(self, environment: Environment, target: str, table: Target) -> None:
        self.suite, _, self.member = target.partition(".")
        self.target, self.table, self.environment = target, table, environment

    def check(
        self,
        function: str,
        subject: str = "",
        *,
        users: tuple[str, ...] = (),
        declared: Owned | None = None,
        latency: tuple[str, ...] = (),
        error_rate: str | None = None,
        last: bool = False,
        parameter: str = "",
    ) -> Check:
        """One check of `subject`; the first of `users` acts, all are needed. What `declared` does not say the target
        does. `parameter` stands in the id for the subject."""
        named = parameter.removeprefix("-") if parameter else slug(subject)
        optional = not self.table.required
        thing = declared or self.table
        published = getattr(self.table, "issuer", "")
        needs = (f"jwks:{self.target}",) if function == "test_signature" and published else ()
        return Check(
            self.suite,
            function,
            "-".join(part for part in (slug(self.member), named) if part),
            self.target,
            subject,
            users[0] if users else "",
            (self.target, *needs, *(f"user:{user}" for user in users if user)),
            "warning" if optional else thing.severity,
            thing.owner or self.table.owner,
            thing.runbook or self.table.runbook,
            latency,
            error_rate,
            getattr(thing, "marks", ()),
            last,
        )


def limits(build: Builder) -> Iterator[Check]:
    """The limits of a whole target, judged over all its requests when everything else was observed."""
    if build.table.latency:
        yield build.check("test_latency", latency=build.table.latency, last=True)
    rate = getattr(build.table, "error_rate", None)
    if rate:
        yield build.check("test_error_rate", error_rate=rate, last=True)
