"""`rls_proof`: what a declared user sees of each table is what `rls.sees` promises (A25, A27).

Seeing nothing proves nothing by itself: a promise holds where a row was there that the user would have seen if it did
not. Such a row is one that our reader sees and the user does not, or one that another declared user sees as its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_prodcheck.config.models import Rls
from pytest_prodcheck.criteria import policies, privileges, proof_failures, schema_tables
from pytest_prodcheck.observe.catalog import Catalog, Relation
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.sight import BOUND, Counts, Proof, Sight

CRITERION = "rls_proof"
VISIBLE = "database.rls.rows_visible"
HIDDEN = "database.privilege.rows_hidden"
UNPROVEN = "database.rls.unproven"


@dataclass(frozen=True, slots=True)
class _Case:
    """One user's sight of one table."""

    user: str
    promised: str
    """`nothing`, `own`, `all`, or the SQL condition."""
    role: str
    """The role as which it is seen: the user's, or our reader's."""
    relation: Relation
    sight: Sight
    theirs: int
    """Rows that other declared users see as their own."""
    catalog: Catalog
    target: str


def judge(proofs: Mapping[str, Proof], user: str, catalog: Catalog, promised: Rls, target: str) -> list[Finding]:
    """Findings about what `user` sees: an error for each table where it sees a row that it must not see, or does not
    see one that it must, or that cannot be counted; and one `insufficient` for the tables where no row could have shown
    it. `proofs` are the user's own and those of others that were asked for more rows. Counts only, never a row."""
    proof = proofs[user]
    if failed := proof_failures.of_session(proof, catalog, promised, target):
        return failed
    found, unproven = [], []
    for name in dict.fromkeys(promised.tables):
        relation = schema_tables.existing(catalog, name)
        if relation is None:
            found.append(schema_tables.missing(catalog, name, target, CRITERION))
            continue
        sight = proof.sights.get(relation.qualified)
        if sight is None:
            unproven.append(("is locked, and nobody can count its rows", relation.qualified))
            continue
        case = _Case(
            user,
            promised.seen_by(user, name),
            proof.role or catalog.user,
            relation,
            sight,
            _theirs(proofs, user, name, relation, promised),
            catalog,
            target,
        )
        errors = list(_errors(case))
        found += errors
        if not errors and (why := _why_unproven(case)):
            unproven.append((why, relation.qualified))
    return found + _insufficient(unproven, user, target)


def _theirs(proofs: Mapping[str, Proof], user: str, name: str, relation: Relation, promised: Rls) -> int:
    """Rows that the other users see as their own: they are there, whatever our reader sees. Not those of a user whose
    own rows are this one's, too; and for a condition nobody knows on which side of it they are."""
    sight = promised.seen_by(user, name)
    if sight not in ("nothing", "own"):
        return 0
    mine = proofs[user].sights[relation.qualified].user
    apart = mine.others if sight == "own" and isinstance(mine, Counts) else proofs
    others = [
        proof
        for other, proof in proofs.items()
        if other != user and other in apart and promised.seen_by(other, name) == "own"
    ]
    counts = [proof.sights[relation.qualified].user for proof in others if relation.qualified in proof.sights]
    return sum(count.inside for count in counts if isinstance(count, Counts))


def _errors(case: _Case) -> Iterator[Finding]:
    sight, counted = case.sight, case.sight.user
    if failed := proof_failures.of_table(case.user, case.role, case.relation, sight, case.target):
        yield failed
    elif not sight.granted:
        if case.promised != "nothing":
            yield _no_grant(case)
    elif isinstance(counted, Counts):
        if counted.outside:
            yield _leak(case, counted)
        elif (expected := _expected(case)) > counted.inside and counted.inside < BOUND:
            yield _hidden(case, counted, expected)


def _expected(case: _Case) -> int:
    """Rows that the user should see, as far as our reader sees them."""
    return case.sight.reader.inside if isinstance(case.sight.reader, Counts) else 0


def _why_unproven(case: _Case) -> str:
    """Why what was seen proves nothing; empty where it does."""
    sight, reader = case.sight, case.sight.reader
    if not sight.granted:  # and nothing is what it should see
        return ""
    if not sight.owner_granted:
        return f"has a column {_owner(case)}that {case.role} may not read: whose the rows are cannot be asked"
    if not isinstance(sight.user, Counts):
        return "was not counted"
    if case.promised == "all":
        return _why_not_all(case, sight.user)
    if (isinstance(reader, Counts) and reader.outside) or case.theirs:
        return ""
    everything = policies.hides_nothing(case.catalog, case.catalog.user, case.relation)
    if isinstance(reader, Counts) and everything:
        return "holds no row that could have shown a leak"
    return f"shows no row that could have shown a leak, to our reader {case.catalog.user} or to any other user"


def _why_not_all(case: _Case, seen: Counts) -> str:
    if not seen.inside:
        return "holds no row that could be hidden"
    if policies.hides_nothing(case.catalog, case.role, case.relation):
        return ""
    reader, everything = case.sight.reader, policies.hides_nothing(case.catalog, case.catalog.user, case.relation)
    if isinstance(reader, Counts) and everything and reader.inside < BOUND:
        return ""
    return f"is not seen whole by our reader {case.catalog.user}: whether a row is hidden cannot be told"


def _owner(case: _Case) -> str:
    return "of owners " if case.promised == "own" else ""


def _leak(case: _Case, seen: Counts) -> Finding:
    table, rows = case.relation.qualified, count(seen.outside)
    others = {name: number for name, number in seen.others.items() if number}
    whose = f" ({', '.join(f'{count(number)} of {name}' for name, number in others.items())})" if others else ""
    what = {
        "nothing": f"{rows} of {table}, promised nothing",
        "own": f"{rows} of {table} that are not its own{whose}",
    }.get(case.promised, f"{rows} of {table} for which {case.promised} does not hold")
    message = f"{case.user} sees {what}{_reason(case)}"
    remedy = f"look at the policies of {table} for {case.role}; what test_rls says of them is the nearer cause"
    data = {"rows": seen.outside, "others": others}
    return _finding(case, message, VISIBLE, f"{seen.outside} rows", remedy, data)


def _hidden(case: _Case, seen: Counts, expected: int) -> Finding:
    table = case.relation.qualified
    of = {"own": "its own rows", "all": "rows"}.get(case.promised, "rows that it should see")
    message = f"{case.user} sees {seen.inside} of the {expected}{'+' if expected >= BOUND else ''} {of} of {table}"
    remedy = f"look at the policies of {table} for {case.role}, and at the settings of rls.context that they read"
    return _finding(case, message, HIDDEN, f"{seen.inside} rows", remedy, {"rows": seen.inside, "expected": expected})


def _no_grant(case: _Case) -> Finding:
    table = case.relation.qualified
    message = f"{case.user} sees nothing of {table}: role {case.role} has no privilege to SELECT (42501)"
    grant = f"GRANT SELECT ON {case.relation.typed} TO {case.role}"
    remedy = f"{grant} is yours to run (and USAGE on schema {case.relation.schema})"
    return _finding(case, message, "database.privilege.missing", "no privilege", remedy, {"sqlstate": "42501"})


def _reason(case: _Case) -> str:
    """What the catalog says about why policies do not hold."""
    why = privileges.bypass(case.catalog, case.role)
    if why:
        return f": role {case.role} {why}, the proof is void"
    if case.relation.kind in "rp" and not case.relation.rls_enabled:
        return ": row-level security is off"
    if not case.relation.rls_forced and privileges.owns(case.catalog, case.role, case.relation):
        return f": role {case.role} owns the table, and RLS is not forced"
    return ""


def _insufficient(unproven: Sequence[tuple[str, str]], user: str, target: str) -> list[Finding]:
    """One finding a reason, which names the tables."""
    found = []
    for why in dict.fromkeys(reason for reason, _ in unproven):
        tables = [table for reason, table in unproven if reason == why]
        named = ", ".join(tables[:5]) + (f" and {len(tables) - 5} more" if len(tables) > 5 else "")
        message = f"what {user} sees of {named} is not proven: {'it' if len(tables) == 1 else 'each'} {why}"
        remedy = "seed a row of somebody else there, or let our reader see all rows (a policy for it alone)"
        data = {"tables": tables, "user": user}
        found.append(
            Finding(CRITERION, target, message, UNPROVEN, "insufficient", why, "a proof", user, remedy, data=data)
        )
    return found


def _finding(case: _Case, message: str, code: str, seen: str, remedy: str, facts: Mapping[str, object]) -> Finding:
    table = case.relation
    called = sorted({one.qualified for policy in table.policies for one in policy.calls})
    data = {"table": table.qualified, "schema": table.schema, "user": case.user, "role": case.role, **facts}
    data |= {"functions": called} if called else {}
    promised = f"{case.user} sees {case.promised}"
    return Finding(CRITERION, case.target, message, code, "error", seen, promised, table.qualified, remedy, data=data)


def count(number: int) -> str:
    """`1 row`, `7 rows`, `10000+ rows`."""
    return "1 row" if number == 1 else f"{number}{'+' if number >= BOUND else ''} rows"
