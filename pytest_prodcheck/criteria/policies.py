"""What is wrong with the policies of one table (PostgreSQL manual 5.9, CREATE POLICY)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pytest_prodcheck.criteria import privileges
from pytest_prodcheck.criteria.tautology import always_true, gives_true
from pytest_prodcheck.observe.catalog import Catalog, Policy, Relation

_COMMANDS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def effective(relation: Relation) -> tuple[Policy, ...]:
    """The policies that let rows through: permissive, with an expression. Restrictive ones only take away, and one
    without an expression grants nothing."""
    return tuple(one for one in relation.policies if one.permissive and (one.using or one.check))


def too_wide(relation: Relation, trusted: Iterable[str]) -> Iterator[tuple[Policy, str]]:
    """Each policy that lets every row through, with the expression (`USING (true)`) that does; not those for `trusted`
    roles only, nor those that a restrictive policy for the same commands and roles narrows."""
    exempt = frozenset(trusted)
    never_null = frozenset(column.name for column in relation.columns if not column.nullable)
    for policy in effective(relation):
        if exempt.issuperset(policy.roles):
            continue
        clause, commands = _open_clause(policy, never_null)
        if clause and not all(_narrowed(relation, policy, command) for command in commands):
            yield policy, clause


def _open_clause(policy: Policy, never_null: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """The clause that is always true, and the commands for which it decides; an absent WITH CHECK is the USING."""
    commands = _COMMANDS if policy.command == "ALL" else (policy.command,)
    functions = true_functions(policy)
    if policy.using and always_true(policy.using, never_null, functions):
        clause = _clause("USING", policy.using, functions)
        return clause, tuple(one for one in commands if one != "INSERT" or not policy.check)
    if policy.check and always_true(policy.check, never_null, functions):
        clause = _clause("WITH CHECK", policy.check, functions)
        return clause, tuple(one for one in commands if one in ("INSERT", "UPDATE"))
    return "", ()


def true_functions(policy: Policy) -> frozenset[str]:
    """The functions that the policy calls and that give true whatever they are asked, whichever of their name is
    meant."""
    doubtful = {one.qualified for one in policy.calls if not one.body or not gives_true(one.body)}
    return frozenset(one.qualified for one in policy.calls if one.qualified not in doubtful)


def _clause(word: str, expression: str, functions: frozenset[str]) -> str:
    named = [name for name in sorted(functions) if name.rpartition(".")[2] in expression]
    told = f", and {', '.join(named)} gives true whatever it is asked" if named else ""
    return f"{word} ({_plain(expression)}){told}"


def hides_nothing(catalog: Catalog, role: str, relation: Relation) -> bool:
    """Whether `role` sees every row of a table that it may read: without RLS, around it, or because its policies let
    every row through. False for what cannot be known so, such as views."""
    if relation.kind not in "rp":
        return False
    escapes = not relation.rls_forced and privileges.owns(catalog, role, relation)
    if not relation.rls_enabled or privileges.bypass(catalog, role) or escapes:
        return True
    names = {*privileges.stands_for(catalog, role), "public"}
    mine = [one for one in relation.policies if one.command in ("ALL", "SELECT") and names.intersection(one.roles)]
    never_null = frozenset(column.name for column in relation.columns if not column.nullable)
    wide = [bool(one.using) and always_true(str(one.using), never_null, true_functions(one)) for one in mine]
    opened = any(open_ for one, open_ in zip(mine, wide, strict=True) if one.permissive)
    return opened and all(open_ for one, open_ in zip(mine, wide, strict=True) if not one.permissive)


def _plain(expression: str) -> str:
    return expression[1:-1] if expression.startswith("(") and expression.endswith(")") else expression


def _narrowed(relation: Relation, wide: Policy, command: str) -> bool:
    """Whether a restrictive policy that is not itself always true holds for the same command and roles."""
    for policy in relation.policies:
        expression = (policy.check or policy.using) if command == "INSERT" else policy.using
        if (
            policy.permissive
            or not expression
            or always_true(expression, frozenset(), true_functions(policy))
            or policy.command not in ("ALL", command)
        ):
            continue
        if "public" in policy.roles or set(policy.roles).issuperset(wide.roles):
            return True
    return False


def recursion(relation: Relation, relations: Mapping[str, Relation]) -> tuple[str, tuple[str, ...]] | None:
    """The first policy whose sub-queries lead back to its own table, and the tables on the way: 42P17.

    Found also over other tables under RLS. A way over a view or a function ends there, as it does in PostgreSQL where
    those run as their owner.
    """
    for policy in relation.policies:
        if way := _way_back(relation.qualified, policy.reads, relations):
            return policy.name, way
    return None


def _way_back(goal: str, start: Iterable[str], relations: Mapping[str, Relation]) -> tuple[str, ...]:
    waiting: list[tuple[str, tuple[str, ...]]] = [(name, (name,)) for name in start]
    seen: set[str] = set()
    while waiting:
        name, way = waiting.pop()
        if name == goal:
            return way
        table = relations.get(name)
        if name in seen or table is None or not table.rls_enabled:
            continue
        seen.add(name)
        waiting += [(read, (*way, read)) for policy in table.policies for read in policy.reads]
    return ()
