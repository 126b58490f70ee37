"""What the lint's rules look at: the catalog in the eyes of the API's roles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pytest_prodcheck.config.models import DatabaseTarget, Lint, Rls
from pytest_prodcheck.criteria import privileges
from pytest_prodcheck.observe.catalog import Catalog, Relation
from pytest_prodcheck.observe.lint_facts import LintFacts

Level = Literal["ERROR", "WARN", "INFO"]
"""Splinter's levels."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that breaks a rule."""

    thing: str
    """`schema.object`."""
    message: str
    remedy: str
    table: str = ""
    """The table that it is about, `schema.name`; empty for none."""
    role: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: how grave it is, the cause code that it speaks for, and how it is judged."""

    number: str
    level: Level
    code: str
    judge: Callable[[Scene], Iterator[Hit]]


@dataclass(frozen=True)
class Scene:
    """One database, its API's roles, and what is declared to be so on purpose."""

    catalog: Catalog
    facts: LintFacts
    lint: Lint
    rls: Rls
    roles: tuple[str, ...]
    """The roles that the API's users have, and that exist; not those of `rls.trusted`."""
    public: frozenset[str] = field(default_factory=frozenset)
    """`schema.name` of what `rls.public` names."""

    @cached_property
    def relations(self) -> Sequence[Relation]:
        """Everything in the exposed schemas that is not declared public."""
        return [
            one
            for one in self.catalog.relations.values()
            if one.schema in self.lint.schemas and one.qualified not in self.public
        ]

    @cached_property
    def tables(self) -> Sequence[Relation]:
        """The tables among them, partitions left out: they are read by their parents."""
        return [one for one in self.relations if one.kind in "rp" and not one.parent]

    def readers(self, relation: Relation) -> list[str]:
        """The API's roles that may read it."""
        return [role for role in self.roles if privileges.reads(self.catalog, role, relation)]


def of(catalog: Catalog, table: DatabaseTarget, lint: Lint, app_roles: Sequence[str]) -> Scene:
    """The scene of one database target."""
    rls = table.rls or Rls(tables=())
    named = lint.roles or tuple(dict.fromkeys((*app_roles, *rls.roles.values())))
    roles = tuple(role for role in named if role in catalog.roles and role not in rls.trusted)
    public = frozenset(catalog.meant(name) for name in rls.public)
    return Scene(catalog, catalog.lint or LintFacts(), lint, rls, roles, public)
