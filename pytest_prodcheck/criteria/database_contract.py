"""`database_contract`: the live database keeps the pinned contract; what drifted is named with what it breaks.

*Breaking* differences are errors. *Risky* ones are warnings (the run is degraded): whether they hurt depends on rows,
load or callers that a catalog does not show, and a gate that is red for a lost index at night is switched off by day.
*Harmless* ones are mentioned, and fail nothing. (A24, A32–A35, B32, C14, C15, E15); docs/contracts.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from pytest_prodcheck.criteria import contract_objects, contract_tables
from pytest_prodcheck.criteria.contract_change import OBJECT_CHANGED, PRIVILEGE_MISSING, Difference, Impact, names_word
from pytest_prodcheck.observe.contract import IDLE, Contract, TableFacts
from pytest_prodcheck.observe.finding import Finding, Severity

CRITERION = "database_contract"
_EMPTY = "database.migration.never_run"
_UNREADABLE, _LOCKED = "database.privilege.missing", "database.lock.contention"
_MOST = 100
_SEVERITY: dict[str, Severity] = {"breaking": "error", "risky": "warning"}
_ORDER = ("breaking", "risky", "harmless")
_REMEDY = "restore it by a migration; if it is meant, prodcheck pin ENV and commit the file"
_WHOLE = ("types", "sequences", "functions", "extensions")
_CHECKS = ("CHECK", "EXCLUDE")
_PARTS = {
    "marks": "persistence and options",
    "idle": "enforcement of keys",
    "partitions": "what partitions hold",
    "defaults": "defaults",
    "checks": "checks",
    "views": "definitions of views",
}
"""Part of a snapshot → where its facts stand in words."""


def judge(promised: Contract, found: Contract, target: str, missing: Mapping[str, str] | None = None) -> list[Finding]:
    """One finding for each thing that is not as promised, the gravest first, and one for what could not be read.

    `missing`: name of a migration that is not applied → what it says; the one that speaks of the thing is named (R12).
    """
    if promised.tables and not found.tables:
        return [_nothing(promised, target)]
    ordered = differences(promised, found)
    failures = [one for one in ordered if one.impact != "harmless"]
    findings = [_finding(one, target, missing or {}) for one in failures[:_MOST]]
    if len(failures) > _MOST:
        more = failures[_MOST]
        text = f"and {len(failures) - _MOST} further differences from the contract"
        findings.append(Finding(CRITERION, target, text, more.code, _SEVERITY[more.impact], data=more.data))
    return findings + list(_unread(found, target))


def differences(promised: Contract, found: Contract) -> list[Difference]:
    """Everything that differs, breaking first; parts that could not be read are not compared."""
    promised = _comparable(promised, found)
    things = [*contract_tables.differences(promised, found), *contract_objects.differences(promised, found)]
    things = [one for one in things if not _of_a_lost_role(one, promised, found)]
    all_of_them = [*_server(promised, found, things), *things]
    return sorted(all_of_them, key=lambda one: (_ORDER.index(one.impact), one.thing, one.promised))


def _of_a_lost_role(one: Difference, promised: Contract, found: Contract) -> bool:
    """Privileges go with their role, which is said by itself."""
    role = one.data.get("role")
    return one.code == PRIVILEGE_MISSING and role in promised.roles and role not in found.roles


def _server(promised: Contract, found: Contract, others: Collection[Difference]) -> Iterator[Difference]:
    """Another major version matters where something differs: that may be its wording."""
    if promised.postgresql != found.postgresql:
        before, now = (f"PostgreSQL {one.postgresql}" for one in (promised, found))
        impact: Impact = "risky" if any(one.impact != "harmless" for one in others) else "harmless"
        why = "it may word the same expression otherwise: pin again after an upgrade"
        data = {"kind": "server", "object": "version"}
        yield Difference(impact, "server", before, now, why, OBJECT_CHANGED, data)


def _comparable(promised: Contract, found: Contract) -> Contract:
    """The promise without what was not read: that is said apart, and judged by nobody."""
    if not found.unread:
        return promised
    tables = {
        name: _known(facts, found.tables[name], found.unread) if name in found.tables else facts
        for name, facts in promised.tables.items()
    }
    whole: dict[str, Mapping[str, object]] = {part: {} for part in _WHOLE if part in found.unread}
    return replace(promised, tables=tables, **whole)  # type: ignore[arg-type]


def _known(promised: TableFacts, found: TableFacts, unread: Collection[str]) -> TableFacts:
    """What of a table's promise can be compared with what was read of it."""
    parts: dict[str, object] = {}
    for part in {"indexes", "triggers", "rules", "policies"}.intersection(unread):
        parts[part] = {name: one for name, one in getattr(promised, part).items() if name in getattr(found, part)}
    if "checks" in unread:
        parts["keys"] = {
            name: text for name, text in promised.keys.items() if name in found.keys or not text.startswith(_CHECKS)
        }
    if "views" in unread:
        parts["definition"] = found.definition
    if "marks" in unread:
        parts |= {"unlogged": found.unlogged, "barrier": found.barrier, "check_option": found.check_option}
    if "idle" in unread:
        keys: Mapping[str, str] = parts.get("keys", promised.keys)  # type: ignore[assignment]
        parts["keys"] = {name: text.partition(IDLE)[0] for name, text in keys.items()}
    if "partitions" in unread:
        parts["partitions"] = {name: found.partitions.get(name, bound) for name, bound in promised.partitions.items()}
    if "policies" in unread:
        parts["partition_policies"] = {
            name: one for name, one in promised.partition_policies.items() if name in found.partition_policies
        }
    if "defaults" in unread:
        parts["column_grants"] = found.column_grants
        parts["columns"] = {
            name: replace(found.columns[name], type=facts.type, nullable=facts.nullable)
            if name in found.columns
            else facts
            for name, facts in promised.columns.items()
        }
    return replace(promised, **parts)  # type: ignore[arg-type]


def _finding(one: Difference, target: str, missing: Mapping[str, str]) -> Finding:
    migration = _speaks_of(one, missing)
    return Finding(
        CRITERION,
        target,
        f"{one} — migration {migration} is missing" if migration else str(one),
        one.code,
        _SEVERITY[one.impact],
        seen=one.found,
        promised=one.promised,
        subject=one.thing,
        remedy=_REMEDY,
        data={**one.data, "impact": one.impact, "why": one.why} | ({"migration": migration} if migration else {}),
    )


def _speaks_of(one: Difference, missing: Mapping[str, str]) -> str:
    """The last of the missing migrations that names the table, and the column where it is about one; else empty."""
    words = [str(one.data[key]).rpartition(".")[2] for key in ("table", "column") if one.data.get(key)]
    speaking = [name for name, text in missing.items() if words and all(names_word(text, word) for word in words)]
    return speaking[-1] if speaking else ""


def _nothing(promised: Contract, target: str) -> Finding:
    """One finding in the place of thousands (B32)."""
    number = len(promised.tables)
    text = f"the database is empty: promised {number} tables, found none — no migration ever ran, or it is another one"
    return Finding(
        CRITERION, target, text, _EMPTY, seen="no table", promised=f"{number} tables",
        remedy="run the migration job; check the database's name first",
    )  # fmt: skip


def _unread(found: Contract, target: str) -> Iterator[Finding]:
    """What our reader could not look at is not green."""
    reasons: dict[str, list[str]] = {}
    for part, reason in found.unread.items():
        reasons.setdefault(reason, []).append(_PARTS.get(part, part))
    for reason, parts in reasons.items():
        locked = reason.startswith("a lock ")
        code = _LOCKED if locked else _UNREADABLE
        text = f"{', '.join(sorted(parts))} of the contract could not be read, and are not judged: {reason}"
        remedy = "" if locked else "GRANT SELECT on that catalog to our reader is yours to run"
        table = "the catalog" if not locked else ""
        yield Finding(CRITERION, target, text, code, "insufficient", seen=reason, remedy=remedy, data={"table": table})
