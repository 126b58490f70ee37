"""The rules of `database.lint` by number: those of Splinter (supabase/splinter) that hold in any schema, and ours."""

from __future__ import annotations

from collections.abc import Mapping

RULES: Mapping[str, str] = {
    "0001": "unindexed_foreign_keys",
    "0002": "auth_users_exposed",
    "0003": "auth_rls_initplan",
    "0004": "no_primary_key",
    "0005": "unused_index",
    "0006": "multiple_permissive_policies",
    "0007": "policy_exists_rls_disabled",
    "0008": "rls_enabled_no_policy",
    "0009": "duplicate_index",
    "0010": "security_definer_view",
    "0011": "function_search_path_mutable",
    "0013": "rls_disabled_in_public",
    "0014": "extension_in_public",
    "0015": "rls_references_user_metadata",
    "0016": "materialized_view_in_api",
    "0017": "foreign_table_in_api",
    "0018": "unsupported_reg_types",
    "0020": "table_bloat",
    "0022": "extension_versions_outdated",
    "0023": "sensitive_columns_exposed",
    "0024": "rls_policy_always_true",
    "0028": "anon_security_definer_function_executable",
    "0029": "authenticated_security_definer_function_executable",
    "P001": "policy_calls_volatile",
    "P002": "role_bypasses_rls",
}
"""Number → Splinter's own name. Not here, because they are about one product's schemas or cannot be seen in a catalog:
0012, 0019, 0021, 0025 to 0027."""


def number_of(name: str) -> str:
    """The number that `0005`, `unused_index`, or either with `:schema.object` behind it names; empty for none."""
    rule = name.partition(":")[0]
    return rule if rule in RULES else next((number for number, known in RULES.items() if known == rule), "")
