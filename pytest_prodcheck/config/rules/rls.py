"""What must hold between the keys of `database.rls` and `database.lint`: what they name is there and can be proven."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.lint_rules import RULES, number_of
from pytest_prodcheck.config.models import Environment, Lint, Rls, User
from pytest_prodcheck.config.problems import Problems, nearest

WORDS = ("nothing", "own", "all")
_WORD = compiled(r"[A-Za-z_]+")


def check(target: KeyPath, rls: Rls, environment: Environment, problems: Problems) -> None:
    """Adds a problem for each promise that promises nothing, or that could not be proven for anybody."""
    path = (*target, "rls")
    if not rls.tables:
        problems.add((*path, "tables"), "rls contract names no table or policy", 'tables = ["projects"]')
    if "sees" in rls.model_fields_set and not rls.sees:
        problems.add((*path, "sees"), "sees names no user", 'sees = { member = "own" }')
    for user, promised in rls.sees.items():
        _user((*path, "sees", user), user, rls, environment, problems)
        by_table = promised if isinstance(promised, Mapping) else {"*": promised}
        for table, sight in by_table.items():
            where = (*path, "sees", user, table) if isinstance(promised, Mapping) else (*path, "sees", user)
            if table not in ("*", *rls.tables):
                problems.add(where, f"rls.tables does not name {table}{nearest(table, rls.tables)}")
            _sight(where, sight, problems)
        for table in rls.tables:
            _table((*path, "sees", user), user, table, rls, environment, problems)


def _user(path: KeyPath, user: str, rls: Rls, environment: Environment, problems: Problems) -> None:
    known = (*environment.users, *rls.roles)
    if user not in known:
        problems.add(path, f"sees names an unknown user{nearest(user, known)}")
    elif not rls.roles.get(user) and not rls.context:
        text = f"nothing makes a session {user}'s: rls names neither a role nor a context"
        problems.add(path, text, f'roles = {{ {user} = "authenticated" }}')
    elif rls.context and user in environment.users and _without_claims(environment.users[user]):
        problems.add(path, f"the session of {user} has no claims that could fill rls.context or tell its own rows")


def _without_claims(user: User) -> bool:
    return user.opaque or user.keep == "cookies"


def _sight(path: KeyPath, sight: str, problems: Problems) -> None:
    if sight not in WORDS and (_WORD.fullmatch(sight) or not sight.strip()):
        text = f"not nothing, own, all or an SQL condition{nearest(sight, WORDS)}"
        problems.add(path, text, 'sees = { member = "own" }')


def _table(path: KeyPath, user: str, table: str, rls: Rls, environment: Environment, problems: Problems) -> None:
    sight = rls.seen_by(user, table)
    if not sight:
        problems.add(path, f"sees does not say what {user} sees of {table}", '"*" = "own"')
    elif sight == "own" and not rls.owner_of(table):
        text = f"own needs the column of {table} that says whose a row is"
        problems.add((*path[:-2], "owner"), text, f'owner = {{ {table} = "user_id" }}')
    elif sight == "own" and user not in environment.users:
        problems.add(path, f"{user} is no user with a token: whose rows would be its own?", '"nothing"')


def check_lint(target: KeyPath, lint: Lint, problems: Problems) -> None:
    """Adds a problem for each name that names no rule, and for a lint of nothing."""
    for name in lint.ignore:
        if not number_of(name):
            known = (*RULES, *RULES.values())
            problems.add((*target, "lint", "ignore"), f"{name} is no rule of the lint{nearest(name, known)}")
    if not lint.schemas:
        problems.add((*target, "lint", "schemas"), "lint names no schema", 'schemas = ["public"]')
