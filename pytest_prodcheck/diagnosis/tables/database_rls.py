"""Causes in row-level security, and in what keeps it from being proven."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "database.rls.disabled",
        "policies exist, RLS is off",
        "row-level security is off on {table}",
        "ALTER TABLE … ENABLE ROW LEVEL SECURITY is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.rls.setting_off",
        "row_security = off at our reader's role or database: queries that policies would filter fail (42501)",
        "row_security = off is set for {user}: where policies would hide rows, its queries fail (42501)",
        "ALTER ROLE … RESET row_security, or ALTER DATABASE … RESET row_security, is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\drds'",
    ),
    CauseKind(
        "database.rls.not_forced",
        "the owner connects and is not bound by the policies",
        "row-level security of {table} does not bind its owner",
        "connect as another role, or ALTER TABLE … FORCE ROW LEVEL SECURITY (yours to run)",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\d {table}'",
    ),
    CauseKind(
        "database.rls.bypassed",
        "role is owner, superuser or BYPASSRLS",
        "{role} bypasses row-level security",
        "connect as a role that owns nothing and has no BYPASSRLS",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select rolname, rolsuper, rolbypassrls from pg_roles where rolname = '{role}'\"",
    ),
    CauseKind(
        "database.rls.policy_missing",
        "RLS is on without a policy, everybody sees nothing",
        "RLS is on for {table} without a policy: nobody sees a row",
        "restore the policy from the migration",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.rls.policy_changed",
        "a policy is gone, new, or says something else than its contract",
        "the policies of {table} differ from the contract: {why}",
        "restore the policy from the migration; if it is meant, prodcheck pin ENV and commit the file",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.rls.policy_recursion",
        "42P17",
        "a policy on {table} refers to its own table (42P17)",
        "use a SECURITY DEFINER function in the policy",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.rls.policy_too_wide",
        "a policy lets other users' rows through",
        "a policy on {table} lets other users' rows through",
        "narrow the policy to the owner's column",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.rls.always_true",
        "a policy's condition is always true",
        "a policy on {table} is always true",
        "narrow the policy, or name its roles in rls.trusted",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.rls.write_rejected",
        "a policy's check refuses a new row (42501)",
        "a policy of {table} refuses the new row",
        "compare WITH CHECK with what the application writes",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.privilege.rows_hidden",
        "a user does not see rows that it is promised",
        "{user} does not see rows of {table} that it is promised",
        "look at the policies and at the settings that they read",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.privilege.set_role",
        "our reader may not SET ROLE, so what a user sees is not proven",
        "our reader may not SET ROLE {role}",
        "GRANT of the role to our reader is yours to run",
        "psql -h {host} -p {port} -U {login} -d {database} -c '\\du'",
    ),
    CauseKind(
        "database.rls.rows_visible",
        "a user sees rows that it must not see",
        "{user} sees rows of {table} that it must not see",
        "narrow the policies of the table for that role",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.rls.unproven",
        "no row was there that could have shown a leak",
        "what {user} sees is not proven: no row could have shown a leak",
        "seed rows of somebody else, or let our reader see all rows",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
    CauseKind(
        "database.rls.context_missing",
        "a claim that the policies' settings take is not in the token",
        "the token of {user} has no claim {claim}, which rls.context or rls.claim names",
        "correct rls.context, or what the provider puts into the token",
        "prodcheck doctor ENV",
    ),
    CauseKind(
        "database.rls.context_unfit",
        "a claim does not fit the column or setting that it is compared with (22P02, 22023)",
        "a claim of {user} does not fit the column or setting that it is compared with",
        "correct rls.claim and rls.context",
        "psql -h {host} -p {port} -U {login} -d {database} -c \"select * from pg_policies where tablename = '{relation}'\"",
    ),
)
