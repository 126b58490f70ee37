"""`lint`: rules that hold in any schema: Splinter's by their numbers, and our own (docs/rls.md; A24, A32, C19)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_prodcheck.config.lint_rules import RULES, number_of
from pytest_prodcheck.config.models import DatabaseTarget, Lint
from pytest_prodcheck.criteria import lint_exposure, lint_policies, lint_scene, lint_tables
from pytest_prodcheck.criteria.lint_scene import Hit, Level, Rule
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.finding import Finding, Severity

CRITERION = "lint"
JUDGED = (*lint_policies.RULES, *lint_exposure.RULES, *lint_tables.RULES)
_SEVERITY: Mapping[Level, Severity] = {"ERROR": "error", "WARN": "warning", "INFO": "warning"}
_MOST = 10
"""Findings of one rule; the last of them counts the others."""


def findings(catalog: Catalog, table: DatabaseTarget, app_roles: Sequence[str], target: str) -> list[Finding]:
    """A finding for each thing that breaks a rule: ERROR is an error, WARN a warning; INFO is one only where
    `lint.info` says so, else `mentions` names it. `app_roles` are the roles of the logins."""
    lint = table.lint
    if lint is None:
        return []
    found: list[Finding] = []
    for rule, hits in _broken(catalog, table, lint, app_roles):
        if rule.level != "INFO" or lint.info == "warning":
            shown, others = hits[:_MOST], len(hits) - _MOST
            found += [_finding(rule, hit, target, others if others > 0 and hit is shown[-1] else 0) for hit in shown]
    return found


def mentions(catalog: Catalog, table: DatabaseTarget, app_roles: Sequence[str], target: str) -> list[str]:
    """A line for each INFO rule that is broken and is no finding: how often, and where first."""
    lint = table.lint
    if lint is None or lint.info == "warning":
        return []
    broken = [(rule, hits) for rule, hits in _broken(catalog, table, lint, app_roles) if rule.level == "INFO"]
    return [
        f"{target}: lint {rule.number} {RULES[rule.number]}: {hits[0].message}"
        + (f" (and {len(hits) - 1} more)" if len(hits) > 1 else "")
        for rule, hits in broken
    ]


def _broken(
    catalog: Catalog, table: DatabaseTarget, lint: Lint, app_roles: Sequence[str]
) -> Iterator[tuple[Rule, list[Hit]]]:
    scene = lint_scene.of(catalog, table, lint, app_roles)
    ignored = {(number_of(name), name.partition(":")[2]) for name in lint.ignore}
    for rule in sorted(JUDGED, key=lambda rule: rule.number):
        if (rule.number, "") in ignored:
            continue
        hits = [hit for hit in rule.judge(scene) if (rule.number, hit.thing) not in ignored]
        if hits:
            yield rule, hits


def _finding(rule: Rule, hit: Hit, target: str, others: int) -> Finding:
    more = f"; and {others} more of rule {rule.number}" if others else ""
    name = f"{rule.number} {RULES[rule.number]}"
    schema = hit.table.partition(".")[0]
    facts = {"rule": rule.number, "table": hit.table, "schema": schema, "role": hit.role}
    return Finding(
        CRITERION,
        target,
        f"{hit.message}{more} ({name})",
        rule.code,
        _SEVERITY[rule.level],
        rule.level,
        f"rule {name} holds",
        hit.thing,
        hit.remedy,
        data={key: value for key, value in facts.items() if value},
    )
