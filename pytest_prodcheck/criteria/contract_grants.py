"""What a grant that differs breaks (A32, C15): a privilege that is gone, or one that nobody promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from pytest_prodcheck.criteria.contract_change import PRIVILEGE_EXCESS, PRIVILEGE_MISSING, Difference, Impact
from pytest_prodcheck.observe.contract import Grants

_GRANTABLE = "*"
_UNBOUND = {"TRUNCATE", "REFERENCES", "TRIGGER"}
"""What policies do not bound (PostgreSQL manual 5.9: "operations that apply to the whole table")."""


class Granted(Protocol):
    """Anything that privileges are granted on."""

    @property
    def grants(self) -> Grants:
        """Role → its privileges."""
        ...

    @property
    def owner(self) -> str:
        """Who needs no grant."""
        ...


def differences(
    thing: str, promised: Granted, found: Granted, *, exposed: bool, where: Mapping[str, object]
) -> Iterator[Difference]:
    """Each role whose privileges differ. `exposed`: nothing but privileges protects it, as no policy does."""
    for role in sorted({*promised.grants, *found.grants}):
        before = {one.removesuffix(_GRANTABLE) for one in promised.grants.get(role, ())}
        now = {one.removesuffix(_GRANTABLE) for one in found.grants.get(role, ())}
        data = {**where, "role": role}
        lost, gained = sorted(before - now), sorted(now - before)
        if lost and role != found.owner:
            yield Difference(
                "breaking",
                f"{thing}: {role}",
                ", ".join(sorted(before)),
                ", ".join(sorted(now)) or "no privilege",
                f"{role} lacks {', '.join(lost)} (42501)",
                PRIVILEGE_MISSING,
                data,
            )
        if gained and role != promised.owner:
            yield _gained(thing, role, (before, now), gained, exposed=exposed, data=data)
        if not lost and not gained and promised.grants.get(role) != found.grants.get(role):
            given = sorted({*found.grants.get(role, ())} - {*promised.grants.get(role, ())})
            why = f"{role} may grant it on" if any(one.endswith(_GRANTABLE) for one in given) else "it no longer may"
            text = [", ".join(one.grants.get(role, ())) for one in (promised, found)]
            yield Difference("risky", f"{thing}: {role}", text[0], text[1], why, PRIVILEGE_EXCESS, data)


def _gained(
    thing: str,
    role: str,
    rights: tuple[set[str], set[str]],
    gained: list[str],
    *,
    exposed: bool,
    data: dict[str, object],
) -> Difference:
    before, now = rights
    exposed = exposed or bool(_UNBOUND.intersection(gained))
    impact: Impact = "breaking" if exposed else "risky"
    why = f"{'everybody' if role == 'public' else role} may {', '.join(gained)}" + (
        ", and no policy bounds it" if exposed else ""
    )
    return Difference(
        impact,
        f"{thing}: {role}",
        ", ".join(sorted(before)) or "no privilege",
        ", ".join(sorted(now)),
        why,
        PRIVILEGE_EXCESS,
        data,
    )
