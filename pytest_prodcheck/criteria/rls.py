"""`rls`: row-level security holds on the declared tables, for the roles as which the application connects."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_prodcheck.config.models import Rls
from pytest_prodcheck.criteria import locks, policies, privileges, rls_neighbours, schema_tables
from pytest_prodcheck.observe.catalog import Catalog, Relation
from pytest_prodcheck.observe.finding import Finding

CRITERION = "rls"
_DISABLED = "database.rls.disabled"
_BYPASSED = "database.rls.bypassed"
_NO_POLICY = "database.rls.policy_missing"
_TOO_WIDE = "database.rls.policy_too_wide"
_RECURSION = "database.rls.policy_recursion"


def rls(catalog: Catalog, promised: Rls, app_roles: Sequence[str], target: str) -> list[Finding]:
    """Findings where row-level security does not hold.

    For each of `promised.tables`: it exists, RLS is on, at least one policy lets rows through, none lets all through
    but for `trusted` roles, none reads its own table, and no app role owns it without FORCE. For each role: no
    superuser, no BYPASSRLS.

    `app_roles` are the roles of the logins; `promised.roles` are added, `trusted` ones are not judged. Without any, our
    reader stands in: then it is the one whose sight was to be proven. Warnings: tables, partitions and views beside the
    declared ones that an app role can read around the policies.
    """
    roles = _judged_roles(catalog, promised, app_roles)
    found = [finding for role in roles for finding in _role(catalog, role, target)]
    subject_to_rls = [role for role in roles if not privileges.bypass(catalog, role)]
    declared: dict[str, Relation] = {}
    for name in dict.fromkeys(promised.tables):
        relation = schema_tables.existing(catalog, name)
        if relation is None:
            found.append(schema_tables.missing(catalog, name, target, CRITERION))
            continue
        if relation.qualified in catalog.locked or (catalog.locked and relation.rls_enabled and not relation.policies):
            found.append(_locked(relation, target))
            continue
        relation = _judged(catalog, relation, subject_to_rls)
        if relation.qualified not in declared:
            declared[relation.qualified] = relation
            found += _table(catalog, relation, promised, subject_to_rls, target)
        found += _owner_column(relation, name, promised, target)
    public = {catalog.meant(name) for name in promised.public}
    return found + rls_neighbours.findings(catalog, list(declared.values()), public, subject_to_rls, target)


def _locked(relation: Relation, target: str) -> Finding:
    message = f"a lock keeps the policies of {relation.qualified} from being read: they are not judged"
    data = {"table": relation.qualified}
    return Finding(CRITERION, target, message, locks.HELD, "insufficient", subject=relation.qualified, data=data)


def _judged_roles(catalog: Catalog, promised: Rls, app_roles: Sequence[str]) -> list[str]:
    named = dict.fromkeys((*app_roles, *promised.roles.values()))
    return [role for role in named if role not in promised.trusted] or [catalog.user]


def _role(catalog: Catalog, role: str, target: str) -> list[Finding]:
    if role not in catalog.roles:
        message = f"role {role} does not exist: row-level security cannot be judged for it"
        data = {"role": role}
        return [Finding(CRITERION, target, message, "database.auth.role_missing", subject=role, data=data)]
    why = privileges.bypass(catalog, role)
    if not why:
        return []
    return [
        Finding(
            CRITERION,
            target,
            f"role {role} {why}: no policy holds for it, any proof by it is void, rows of all users are visible",
            _BYPASSED,
            seen=f"{role} {why}",
            promised="policies hold for the application's role",
            subject=role,
            remedy=f"connect as a role without it: ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS is yours to run",
            data={"role": role, "why": why},
        )
    ]


def _judged(catalog: Catalog, relation: Relation, roles: Sequence[str]) -> Relation:
    """A partition that nobody may read directly is judged by its parent, through which it is read."""
    while relation.parent and not any(privileges.granted_directly(catalog, role, relation) for role in roles):
        relation = catalog.relations[relation.parent]
    return relation


def _table(catalog: Catalog, relation: Relation, promised: Rls, roles: Sequence[str], target: str) -> list[Finding]:
    if not relation.rls_enabled:
        return [_disabled(relation, target)]
    found = [_owned(relation, role, target) for role in roles if _escapes_as_owner(catalog, role, relation)]
    if not policies.effective(relation):
        found.append(_no_policy(relation, target))
    for policy, clause in policies.too_wide(relation, promised.trusted):
        message = (
            f"policy {policy.name} on {relation.name} is always true for {policy.command} "
            f"by {', '.join(policy.roles)}: {clause}"
        )
        remedy = "compare with the row's owner; or name the roles under rls.trusted, the table under rls.public"
        found.append(_finding(relation, target, message, _TOO_WIDE, clause, remedy, policy=policy.name))
    if recursive := policies.recursion(relation, catalog.relations):
        name, way = recursive
        path = "its own table" if len(way) == 1 else f"its own table over {', '.join(way[:-1])}"
        message = f"policy {name} on {relation.name} refers to {path}: every query fails with 42P17"
        remedy = "use a SECURITY DEFINER function in the policy"
        found.append(_finding(relation, target, message, _RECURSION, " → ".join(way), remedy, policy=name))
    return found


def _disabled(relation: Relation, target: str) -> Finding:
    count = len(relation.policies)
    why = "policies exist on {} but RLS is off" if count else "RLS is off on {}, and there is no policy"
    statement = f"ALTER TABLE {relation.typed} ENABLE ROW LEVEL SECURITY"
    remedy = f"{statement} is yours to run" + ("" if count else ", after its policies are written")
    return _finding(relation, target, why.format(relation.name), _DISABLED, "off", remedy, policies=count)


def _escapes_as_owner(catalog: Catalog, role: str, relation: Relation) -> bool:
    return not relation.rls_forced and privileges.owns(catalog, role, relation)


def _owned(relation: Relation, role: str, target: str) -> Finding:
    owner = "owns the table" if role == relation.owner else f"is a member of {relation.owner}, which owns the table"
    message = f"role {role} {owner} {relation.qualified}: RLS is bypassed, for it is not forced"
    statement = f"ALTER TABLE {relation.typed} FORCE ROW LEVEL SECURITY"
    remedy = f"{statement} is yours to run, or connect as another role"
    return _finding(relation, target, message, _BYPASSED, "not forced", remedy, role=role, owner=relation.owner)


def _no_policy(relation: Relation, target: str) -> Finding:
    beside = "without a policy that lets rows through" if relation.policies else "without a policy"
    message = f"RLS is on {beside} on {relation.name}: nobody sees a row"
    remedy = "restore the policy from the migration"
    return _finding(relation, target, message, _NO_POLICY, "no policy", remedy, policies=len(relation.policies))


def _owner_column(relation: Relation, name: str, promised: Rls, target: str) -> list[Finding]:
    """The declared column that says whose a row is must exist."""
    column = promised.owner if isinstance(promised.owner, str) else promised.owner.get(name, "")
    if not column or any(one.name == column for one in relation.columns):
        return []
    message = f"{relation.qualified} has no column {column}, which is declared to say whose a row is"
    code = "database.schema.column_missing"
    return [_finding(relation, target, message, code, "missing", "correct rls.owner or the table", column=column)]


def _finding(
    relation: Relation, target: str, message: str, code: str, seen: str, remedy: str, **data: object
) -> Finding:
    facts = {"table": relation.qualified, "schema": relation.schema, **data}
    promised = f"row-level security holds on {relation.qualified}"
    return Finding(CRITERION, target, message, code, "error", seen, promised, relation.qualified, remedy, data=facts)
