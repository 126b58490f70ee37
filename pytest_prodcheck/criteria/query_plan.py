"""`explain`: the plan of a declared query uses its index and stays below its cost (C44, E19)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import Query
from pytest_prodcheck.criteria import queries
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.query import QueryAnswer

_CHEAP = 50.0
"""Planner's cost below which a table is read whole, whatever indexes it has: about fifty pages."""
_CODE = "database.query.plan"


def plan(query: Query, answer: QueryAnswer, target: str, name: str, now: float) -> list[Finding]:
    """Findings where the plan lacks the promised index or costs more than promised. On a table that is too small for
    an index the promise is insufficient, not broken (T7)."""
    if answer.failed:
        return queries.judge(query.model_copy(update={"expect": None}), answer, target, now, name)
    promised, document = query.explain, answer.value
    top = document[0].get("Plan") if isinstance(document, list) and document and isinstance(document[0], dict) else None
    if promised is None or not isinstance(top, dict):
        message = f"query {name}: EXPLAIN gave no plan"
        return [Finding("plan", target, message, _CODE, "insufficient", subject=name)]
    plan_top: Mapping[str, Any] = top
    nodes = list(_nodes(plan_top))
    found: list[Finding] = []
    if promised.index and not any(node.get("Index Name") == promised.index for node in nodes):
        found.append(_without_index(query, promised.index, nodes, target, name))
    limit, cost = grammar.comparison(promised.cost or ""), float(plan_top.get("Total Cost", 0))
    if limit and not limit.holds(cost):
        message = f"query {name}: its plan costs {cost:,.0f}, promised {promised.cost}; {_dearest(nodes)}"
        seen, data = f"{cost:.0f}", {"query": name}
        found.append(Finding("plan", target, message, _CODE, query.severity, seen, str(promised.cost), name, data=data))
    return found


def _without_index(query: Query, index: str, nodes: list[Mapping[str, Any]], target: str, name: str) -> Finding:
    scans = [node for node in nodes if "Scan" in str(node.get("Node Type")) and node.get("Relation Name")]
    small = bool(scans) and all(float(node.get("Total Cost", 0)) < _CHEAP for node in scans)
    used = sorted({str(node["Index Name"]) for node in nodes if node.get("Index Name")})
    instead = f"it uses {', '.join(used)}" if used else _dearest(nodes)
    message = f"query {name}: its plan does not use {index}; {instead}"
    if small:
        message += ": too small a table to tell"
    remedy = f"see whether {index} is there and valid, and ANALYZE its table (yours to run)"
    severity = "insufficient" if small else query.severity
    seen, data = ", ".join(used) or "no index", {"query": name}
    return Finding("plan", target, message, _CODE, severity, seen, index, name, remedy, data=data)


def _dearest(nodes: list[Mapping[str, Any]]) -> str:
    scans = [node for node in nodes if node.get("Relation Name")]
    if not scans:
        return f"its top is {nodes[0].get('Node Type')}"
    worst = max(scans, key=lambda node: float(node.get("Total Cost", 0)))
    cost, rows = float(worst.get("Total Cost", 0)), float(worst.get("Plan Rows", 0))
    return f"{worst['Node Type']} over {worst['Relation Name']} (about {rows:,.0f} rows, cost {cost:,.0f})"


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)
