"""What the whole run knows: facts that a single finding cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import Any

from pytest_prodcheck.diagnosis.signs import Sign
from pytest_prodcheck.observe import clock, watch
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.finding import CheckResult
from pytest_prodcheck.observe.observation import USED_UP, Observation

SKEW = 60.0
"""Seconds by which two clocks may differ before it is called a skew; `Date` has whole seconds."""

_NETWORK = ("dns.not_found", "dns.timeout", "tcp.timeout", "tcp.unreachable")


@dataclass(frozen=True)
class Context:
    """All results, signs and observations of the run, with the questions that rules ask of them."""

    results: Sequence[CheckResult]
    observations: Sequence[Observation]
    signs: Sequence[Sign]
    catalogs: Mapping[str, Catalog] = field(default_factory=dict)
    """What each database that could be read holds, by target."""
    places: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Where each target is, by target."""

    @cached_property
    def logged(self) -> Mapping[str, Mapping[str, Any]]:
        """Request id → what its own lines in the logs say: `lines`, `code`, `exception`."""
        told = [seen.data["answers"] for seen in self.observations if "answers" in seen.data]
        return {name: said for answers in told for name, said in answers.items()}

    @cached_property
    def glances(self) -> tuple[watch.Glance, ...]:
        """How other targets were while load ran."""
        return watch.glances(self.observations)

    def passed(self, kind: str, function: str, user: str = "") -> bool:
        """Whether a check `kind::function` (for `user`, where one is named) passed and none of them failed."""
        wanted = [result for result in self.results if f"::{kind}::{function}" in result.id]
        mine = [result for result in wanted if user and (f"[{user}]" in result.id or result.subject == user)] or wanted
        return bool(mine) and all(result.verdict in ("pass", "degraded") for result in mine)

    def has_table(self, name: str) -> bool | None:
        """Whether a database that was read has a relation of that name, in any schema; None where none was read."""
        bare = name.rpartition(".")[2]
        known = [relation.name for catalog in self.catalogs.values() for relation in catalog.relations.values()]
        return bare in known if known else None

    @cached_property
    def roles(self) -> Mapping[str, Mapping[str, Any]] | None:
        """Roles of the database by name, from whichever credential could read them; None where none could."""
        for catalog in self.catalogs.values():
            return {
                name: {"login": role.login, "valid_until": role.valid_until} for name, role in catalog.roles.items()
            }
        for data in self._data():
            if roles := data.get("roles"):
                return _by_name(roles)
        return None

    @cached_property
    def now(self) -> float:
        """The last moment that was observed, seconds since the epoch; 0 where none was."""
        return max((seen.started_at for seen in self.observations), default=0.0)

    @cached_property
    def network_code(self) -> str:
        """R21: `runner.network.down` or `runner.dns.broken` where two or more unrelated hosts fail and none answers."""
        errors = {_host(seen): seen.error for seen in self.observations if seen.error not in ("stopped", "refused")}
        answered = any(seen.status or not seen.error for seen in self.observations)
        failed = set(errors.values())
        if answered or len(errors) < 2 or not failed <= set(_NETWORK):
            return ""
        return "runner.dns.broken" if all(error.startswith("dns.") for error in failed) else "runner.network.down"

    @cached_property
    def portal(self) -> bool:
        """Whether two or more hosts give the same page, and no error, where another answer was expected."""
        pages: dict[str, set[str]] = {}
        for seen in self.observations:
            if _is_page(seen):
                pages.setdefault(seen.excerpt.strip()[:200], set()).add(_host(seen))
        return any(len(hosts) > 1 for hosts in pages.values())

    @cached_property
    def skew(self) -> Mapping[str, float]:
        """Seconds by which each target's clock (`Date`) is ahead of ours, the greatest that was seen."""
        seen = {one.target: found for one in self.observations if (found := clock.offset(one)) is not None}
        return {target: value for target, value in seen.items() if abs(value) > SKEW}

    @cached_property
    def dated(self) -> frozenset[str]:
        """Targets that sent a usable `Date`."""
        return frozenset(one.target for one in self.observations if clock.offset(one) is not None)

    def alternates(self, sign: Sign) -> bool:
        """R19: whether the target accepted and refused a same request of the sign's user in turn, not once and for all.

        A 401 that was asked for (a broken token's) is no refusal of the user.
        """
        user, turns = sign.data.get("acts_as", ""), dict[tuple[str, str], list[bool]]()
        for seen in self._all(sign.target):
            refused = seen.status == 401 and not seen.expected
            if seen.user == user and (refused or (seen.status or 500) < 400):
                turns.setdefault((seen.operation, seen.subject), []).append(refused)
        return any(sum(before != after for before, after in pairwise(states)) >= 2 for states in turns.values())

    def first_status(self, target: str) -> int | None:
        """Status of the first answer of a target."""
        return next((seen.status for seen in self._all(target) if seen.status), None)

    def was_limited(self, target: str) -> bool:
        """Whether the target answered 429 at least once."""
        return any(seen.status == 429 for seen in self._all(target))

    def used_up(self, target: str) -> bool:
        """Whether the cap `requests.at_most` kept something from being sent to the target."""
        return any(seen.error == "stopped" and USED_UP in seen.message for seen in self._all(target))

    def every_route_fails(self, target: str) -> bool:
        """Whether every answer of the target was 5xx."""
        answers = [seen for seen in self._all(target) if seen.status]
        return bool(answers) and all(seen.server_error for seen in answers)

    def _all(self, target: str) -> list[Observation]:
        own = {id(seen): seen for result in self.results for seen in result.observations}
        known = [*own.values(), *(seen for seen in self.observations if id(seen) not in own)]
        return sorted((seen for seen in known if seen.target == target), key=lambda seen: seen.started_at)

    def _data(self) -> list[Mapping[str, Any]]:
        return [*(sign.data for sign in self.signs), *(seen.data for seen in self.observations)]


def _by_name(roles: object) -> Mapping[str, Mapping[str, Any]]:
    if isinstance(roles, Mapping):
        return {str(name): facts if isinstance(facts, Mapping) else {} for name, facts in roles.items()}
    listed = roles if isinstance(roles, list | tuple) else []
    return {str(role["name"]): role for role in listed if isinstance(role, Mapping) and "name" in role} | {
        role: {} for role in listed if isinstance(role, str)
    }


def _host(seen: Observation) -> str:
    return str(seen.data.get("host") or seen.target)


def _is_page(seen: Observation) -> bool:
    html = seen.excerpt.lstrip()[:1] == "<" and "html" in seen.headers.get("content-type", "html")
    return html and not seen.expected and (seen.status == 511 or (seen.status or 500) < 400)


def expired(valid_until: object, now: float) -> bool:
    """Whether a role's `valid_until` (ISO 8601, or `infinity`) has passed."""
    try:
        end = datetime.fromisoformat(str(valid_until))
    except ValueError:
        return False
    return bool(now) and end.replace(tzinfo=end.tzinfo or UTC).timestamp() < now
