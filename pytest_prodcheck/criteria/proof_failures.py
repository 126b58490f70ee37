"""Why a user's sight could not be proven: what is wrong with the user, its role, or a table that cannot be counted."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import Rls
from pytest_prodcheck.criteria import locks, privileges, queries, row_security, schema_tables
from pytest_prodcheck.observe.catalog import Catalog, Relation
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.sight import Failure, Proof, Sight

CRITERION = "rls_proof"
CODES = {
    **queries.CODES,
    "22P02": "database.rls.context_unfit",
    "22023": "database.rls.context_unfit",
    "refused": "database.query.refused",
    row_security.SETTING: row_security.CODE,
    "timeout": "database.query.timeout",
    "tcp.reset": "database.connection.dropped",
}
"""SQLSTATE, or class of a failure, → cause code (facts.md §6)."""
_MEANS = {
    "42P17": "a policy on {0} leads back to its own table (42P17)",
    "42P01": "{0} was dropped, or what it reads (42P01)",
    row_security.SETTING: row_security.means(""),
    "22P02": "a claim does not fit the type of the column that it is compared with (22P02)",
    "22023": "a setting or a claim has a value that the policies cannot take (22023)",
}
_WAITS = {
    "57014": "the rows were not counted within database.timeout (57014)",
    "55P03": "somebody else holds a lock on one of the tables (55P03)",
}
_PG16 = 160_000


def of_session(proof: Proof, catalog: Catalog, promised: Rls, target: str) -> list[Finding]:
    """Findings where the user could not be made: its claims, its role, or the session itself."""
    if proof.claims_missing:
        return [_no_claims(proof, target)]
    if not proof.role_exists:
        message = f"role {proof.role} does not exist: what {proof.user} sees cannot be proven"
        data = {"role": proof.role, "user": proof.user}
        return [_finding(proof.user, target, message, "database.auth.role_missing", data)]
    if not proof.may_become:
        return _not_granted(proof, catalog, promised, target)
    seen = proof.observation
    if seen.expected:
        return []
    held = locks.told(seen.data.get("locks")) or ("", "", {})
    code = held[0] or CODES.get(seen.code or seen.error, "database.query.failed")
    why = held[1] or _WAITS.get(seen.code) or f"{seen.code or seen.error} {seen.message}".rstrip()
    facts: dict[str, object] = {"user": proof.user, "role": proof.role, "sqlstate": seen.code, "error": seen.error}
    message = f"what {proof.user} sees could not be counted: {why}"
    return [_finding(proof.user, target, message, code, facts | dict(held[2]))]


def of_table(user: str, role: str, relation: Relation, sight: Sight, target: str) -> Finding | None:
    """The finding where a table that was there in the snapshot is gone, or makes the count fail."""
    table = relation.qualified
    data = {"table": table, "schema": relation.schema, "user": user, "role": role}
    if not sight.exists:
        message = f"{table} was dropped while the gate ran: what {user} sees of it cannot be proven"
        return _finding(table, target, message, schema_tables.MISSING, data)
    if not isinstance(sight.user, Failure):
        return None
    failed = sight.user
    if failed.code == "refused":
        message = f"rows of {table} are not counted for {user}: {failed.message}"
        remedy = "declare the function under database.functions if it only reads, or leave the table out of rls.tables"
    else:
        means = _MEANS.get(failed.code, "").format(table) or failed.message or f"the query fails with {failed.code}"
        kind = schema_tables.KINDS[relation.kind]
        message = f"rows of {kind} {table} cannot be counted as {user}: {means}"
        remedy = row_security.remedy("") if failed.code == row_security.SETTING else ""
    code = CODES.get(failed.code, "database.query.failed")
    return _finding(table, target, message, code, {**data, "sqlstate": failed.code}, remedy)


def _no_claims(proof: Proof, target: str) -> Finding:
    names = ", ".join(proof.claims_missing)
    message = f"the token of {proof.user} has no claim {names}: as whom its rows are to be seen is not known"
    remedy = "correct rls.context and rls.claim, or what the provider puts into the token"
    data = {"user": proof.user, "claim": names}
    return _finding(proof.user, target, message, "database.rls.context_missing", data, remedy)


def _not_granted(proof: Proof, catalog: Catalog, promised: Rls, target: str) -> list[Finding]:
    """Our reader may not become the role. What the catalog alone proves is that a role without the privilege sees
    nothing."""
    unproven = [name for name in promised.tables if not _proven_by_grants(proof, catalog, promised, name)]
    if not unproven:
        return []
    option = " WITH INHERIT FALSE, SET TRUE" if catalog.version >= _PG16 else ""
    message = (
        f"our reader {catalog.user} may not SET ROLE {proof.role}: what {proof.user} sees of {', '.join(unproven[:5])}"
        f"{f' and {len(unproven) - 5} more' if len(unproven) > 5 else ''} is judged from the catalog alone, not proven"
    )
    remedy = f"GRANT {proof.role} TO {catalog.user}{option} is yours to run"
    data = {"role": proof.role, "user": proof.user, "reader": catalog.user, "tables": unproven}
    code = "database.privilege.set_role"
    return [
        Finding(
            CRITERION, target, message, code, "insufficient", "no SET ROLE", "a proof", proof.user, remedy, data=data
        )
    ]


def _proven_by_grants(proof: Proof, catalog: Catalog, promised: Rls, name: str) -> bool:
    relation = schema_tables.existing(catalog, name)
    if relation is None or promised.seen_by(proof.user, name) != "nothing":
        return False
    return not privileges.reads(catalog, proof.role, relation)


def _finding(
    subject: str, target: str, message: str, code: str, data: Mapping[str, object], remedy: str = ""
) -> Finding:
    return Finding(CRITERION, target, message, code, "error", "", "a proof", subject, remedy, data=data)
