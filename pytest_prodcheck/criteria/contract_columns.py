"""What a column that differs breaks (A33, C14, E15; T17–T19): by type, null, default, identity and generation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pytest_prodcheck.criteria.contract_change import (
    COLUMN_CHANGED,
    COLUMN_MISSING,
    COLUMN_TYPE,
    Difference,
    Impact,
    mentions,
    place,
    shown,
)
from pytest_prodcheck.observe.contract import ColumnFacts, TableFacts

_SIZED = re.compile(r"(character varying|character|bit varying|bit|numeric)\((\d+)(?:,(\d+))?\)")
_WIDER = {
    "smallint": ("integer", "bigint", "numeric"),
    "integer": ("bigint", "numeric"),
    "bigint": ("numeric",),
    "real": ("double precision",),
}
"""Type → those that hold all its values."""
_TEXTS = ("text", "character varying")
Verdict = tuple[Impact, str, str]
"""Impact, code, and why."""


def differences(name: str, promised: TableFacts, found: TableFacts) -> Iterator[Difference]:
    """Each column that is gone, differs or is new, and their order."""
    for column, facts in promised.columns.items():
        thing, where = f"{shown(name)}.{column}", {**place(name), "column": column}
        if column not in found.columns:
            yield _missing(thing, where, column, facts, promised, found)
        elif facts != found.columns[column]:
            yield from _changed(thing, where, column, facts, found)
    for column in found.columns.keys() - promised.columns.keys():
        thing, where = f"{shown(name)}.{column}", {**place(name), "column": column}
        yield _new(thing, where, found.columns[column], found)
    both = [column for column in promised.columns if column in found.columns]
    now = [column for column in found.columns if column in promised.columns]
    if both != now:
        why = "an INSERT without a list of columns puts its values elsewhere"
        yield Difference(
            "risky", f"columns of {shown(name)}", ", ".join(both), ", ".join(now), why, COLUMN_CHANGED, place(name)
        )


def _missing(
    thing: str,
    where: Mapping[str, object],
    column: str,
    facts: ColumnFacts,
    promised: TableFacts,
    found: TableFacts,
) -> Difference:
    new = [name for name in found.columns if name not in promised.columns and found.columns[name].type == facts.type]
    gone = went_with(column, promised, found)
    why = "every statement that names it fails (42703)"
    why += f"; {', '.join(new)} is new: renamed?" if new else ""
    why += f"; with it went {', '.join(gone)}" if gone else ""
    return Difference("breaking", thing, facts.line, "no such column", why, COLUMN_MISSING, where)


def went_with(column: str, promised: TableFacts, found: TableFacts) -> list[str]:
    """Keys, indexes and policies that are gone and name the column: dropped with it."""
    kinds: tuple[tuple[str, Mapping[str, str], Mapping[str, object]], ...] = (
        ("key", promised.keys, found.keys),
        ("index", promised.indexes, found.indexes),
        ("policy", {name: f"{one.using} {one.check}" for name, one in promised.policies.items()}, found.policies),
    )
    return [
        f"{kind} {name}"
        for kind, texts, now in kinds
        for name, text in texts.items()
        if name not in now and mentions(text, column)
    ]


def _changed(
    thing: str, where: Mapping[str, object], column: str, promised: ColumnFacts, table: TableFacts
) -> Iterator[Difference]:
    """One difference a column: the gravest of what differs gives its impact and its code."""
    found = table.columns[column]
    verdicts = [
        *_type(promised, found),
        *_null(column, promised, found, table),
        *_identity(promised, found),
        *_generated(promised, found),
        *_default(promised, found),
        *_collation(promised, found),
    ]
    if not verdicts:
        return
    rank = {"breaking": 0, "risky": 1, "harmless": 2}
    verdicts.sort(key=lambda verdict: rank[verdict[0]])
    impact, code, _ = verdicts[0]
    why = "; ".join(why for _, _, why in verdicts)
    yield Difference(impact, thing, _said(promised, found), _said(found, promised), why, code, where)


def _said(facts: ColumnFacts, other: ColumnFacts) -> str:
    """A column in words, `null` said where that is the difference."""
    text = facts.line
    if facts.nullable and not other.nullable:
        return text.replace(facts.type, f"{facts.type} null", 1)
    return text


def _type(promised: ColumnFacts, found: ColumnFacts) -> Iterator[Verdict]:
    if promised.type == found.type:
        return
    if widens(promised.type, found.type):
        yield "risky", COLUMN_TYPE, "it holds more than the code that reads it may expect"
    else:
        yield "breaking", COLUMN_TYPE, "values, operators and casts of the promised type fail or mean something else"


def widens(promised: str, found: str) -> bool:
    """Whether the found type holds every value of the promised one, and reads the same."""
    if found in _WIDER.get(promised, ()):
        return True
    before, after = _SIZED.fullmatch(promised), _SIZED.fullmatch(found)
    if before and before[1] == "character varying" and found in _TEXTS:
        return True
    if {promised, found} == set(_TEXTS):
        return True
    if not before or not after or before[1] != after[1]:
        return False
    scale = int(after[3] or 0) - int(before[3] or 0)
    return scale >= 0 and int(after[2]) - int(before[2]) >= scale


def _null(column: str, promised: ColumnFacts, found: ColumnFacts, table: TableFacts) -> Iterator[Verdict]:
    if promised.nullable == found.nullable:
        return
    if found.nullable:
        yield "breaking", COLUMN_CHANGED, _without(column, table)
    elif found.default or found.identity or found.generated:
        yield "risky", COLUMN_CHANGED, "writing null to it fails (23502)"
    else:
        yield "breaking", COLUMN_CHANGED, "rows written without it are refused (23502)"


def _without(column: str, table: TableFacts) -> str:
    """What a row without the column means: to a policy that compares it, else to whoever reads it."""
    named = [(name, one) for name, one in table.policies.items() if mentions(one.using, column)]
    if not named or table.rls == "off":
        return "code that reads it meets null"
    what = column.removesuffix("_id") or column
    for name, policy in named:
        if re.search(rf"\(?{re.escape(column)} IS NULL", policy.using):
            who = "everybody" if "public" in policy.roles else ", ".join(policy.roles)
            return f"rows without {what} are visible to every {what} ({_of(name)} lets {who} read them)"
    return f"rows without {what} are visible to nobody ({_of(named[0][0])} compares it)"


def _of(policy: str) -> str:
    return f"policy {policy}"


def _identity(promised: ColumnFacts, found: ColumnFacts) -> Iterator[Verdict]:
    if promised.identity == found.identity:
        return
    if not found.identity and not found.default:
        yield "breaking", COLUMN_CHANGED, "rows written without it get no number"
    elif found.identity == "always":
        yield "breaking", COLUMN_CHANGED, "rows that bring their own number are refused (428C9)"
    elif not promised.identity and not promised.default:
        yield "harmless", COLUMN_CHANGED, "rows that gave no number get one"
    else:
        yield "risky", COLUMN_CHANGED, "numbers come from elsewhere"


def _generated(promised: ColumnFacts, found: ColumnFacts) -> Iterator[Verdict]:
    if (promised.generated, promised.stored) == (found.generated, found.stored):
        return
    if not found.generated:
        yield "breaking", COLUMN_CHANGED, "nothing computes it any more"
    elif not promised.generated:
        yield "breaking", COLUMN_CHANGED, "writing to it is refused (428C9)"
    elif promised.generated != found.generated:
        yield "risky", COLUMN_CHANGED, "it is computed otherwise"
    elif promised.stored != found.stored:
        yield "harmless", COLUMN_CHANGED, "it is computed at another time"


def _default(promised: ColumnFacts, found: ColumnFacts) -> Iterator[Verdict]:
    if promised.default == found.default or found.identity or promised.identity:
        return
    if found.default and promised.default:
        yield "risky", COLUMN_CHANGED, "rows that give none get another value"
    elif found.default:
        yield "harmless", COLUMN_CHANGED, "rows that gave none get a value"
    elif not found.nullable:
        yield "breaking", COLUMN_CHANGED, "rows written without it are refused (23502)"
    else:
        yield "risky", COLUMN_CHANGED, "rows that give none get null"


def _collation(promised: ColumnFacts, found: ColumnFacts) -> Iterator[Verdict]:
    if promised.collation != found.collation:
        yield "risky", COLUMN_CHANGED, "it sorts and compares otherwise"


def _new(thing: str, where: Mapping[str, object], facts: ColumnFacts, table: TableFacts) -> Difference:
    needs = not (facts.nullable or facts.default or facts.identity or facts.generated)
    if needs and table.kind in ("table", "partitioned table"):
        why = "rows written without it are refused (23502)"
        return Difference("breaking", thing, "no such column", facts.line, why, COLUMN_CHANGED, where)
    why = "it is new, and nothing has to give it"
    return Difference("harmless", thing, "no such column", facts.line, why, COLUMN_CHANGED, where)
