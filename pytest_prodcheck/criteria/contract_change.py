"""One difference between a promised and a found contract, and how its parts are said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Impact = Literal["breaking", "risky", "harmless"]
"""`breaking`: an application, or a protection, that relies on the promise fails. `risky`: it may, by its rows, its load
or its privileges. `harmless`: nothing that relies on the promise can notice."""

_AROUND = 24
_LONGEST = 160

TABLE_MISSING = "database.schema.table_missing"
MISPLACED = "database.schema.search_path"
COLUMN_MISSING = "database.schema.column_missing"
COLUMN_TYPE = "database.schema.column_type"
COLUMN_CHANGED = "database.schema.column_changed"
KEY_MISSING = "database.schema.key_missing"
SCHEMA_MISSING = "database.schema.schema_missing"
OBJECT_MISSING = "database.schema.object_missing"
OBJECT_CHANGED = "database.schema.object_changed"
NOT_VALIDATED = "database.constraint.not_validated"
INDEX_MISSING = "database.index.missing"
INDEX_INVALID = "database.index.invalid"
PRIVILEGE_MISSING = "database.privilege.missing"
PRIVILEGE_EXCESS = "database.privilege.excess"
RLS_DISABLED = "database.rls.disabled"
RLS_NOT_FORCED = "database.rls.not_forced"
RLS_BYPASSED = "database.rls.bypassed"
POLICY_MISSING = "database.rls.policy_missing"
POLICY_CHANGED = "database.rls.policy_changed"
POLICY_TOO_WIDE = "database.rls.policy_too_wide"


@dataclass(frozen=True, slots=True)
class Difference:
    """`thing: promised X, found Y — why`."""

    impact: Impact
    thing: str
    promised: str
    found: str
    why: str
    code: str
    data: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.thing}: promised {self.promised}, found {self.found} — {self.why}"


def shown(name: str) -> str:
    """A qualified name as people say it: without `public.`."""
    return name.removeprefix("public.")


def place(name: str) -> dict[str, object]:
    """Table and schema of a qualified name, for the words of a cause."""
    return {"table": name, "schema": name.partition(".")[0]}


def mentions(text: str, column: str) -> bool:
    """Whether the words of a key, an index or a policy name a column."""
    return re.search(rf'(?<![\w."]){re.escape(column)}(?!\w)', text) is not None


def names_word(text: str, word: str) -> bool:
    """Whether a text of any language has the word, quoted or not."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE) is not None


def cut(text: str) -> str:
    """The beginning of a long text."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def apart(promised: str, found: str) -> tuple[str, str]:
    """Two long texts around where they differ; short ones as they are."""
    if max(len(promised), len(found)) <= _LONGEST:
        return promised, found
    at = next((at for at, (a, b) in enumerate(zip(promised, found, strict=False)) if a != b), 0)
    start = max(0, at - _AROUND)
    front = "…" if start else ""
    return tuple(front + cut(text[start:]) for text in (promised, found))  # type: ignore[return-value]


Facts = Mapping[str, Any]
"""Name of a thing → its facts."""


def pairs(promised: Facts, found: Facts) -> Iterator[tuple[str, Any, Any]]:
    """The things that are on both sides and differ."""
    for name, facts in promised.items():
        if name in found and found[name] != facts:
            yield name, facts, found[name]


def absent(kind: str, promised: Facts, found: Facts, why: str, code: str = OBJECT_MISSING) -> Iterator[Difference]:
    """A promised thing that is gone, each."""
    for name in promised.keys() - found.keys():
        yield Difference("breaking", f"{kind} {shown(name)}", f"a {kind}", "none", why, code, placed(kind, name))


def placed(kind: str, name: str) -> dict[str, object]:
    """Kind, name and schema of a thing that is no table, for the words of a cause."""
    return {"kind": kind, "object": name, "schema": name.partition(".")[0], "table": name}


def changed(
    impact: Impact, thing: str, promised: str, found: str, why: str, name: str, code: str = OBJECT_CHANGED
) -> Difference:
    """A thing that is no table, and differs."""
    return Difference(impact, thing, promised, found, why, code, placed(thing.partition(" ")[0], name))


def owner_changed(kind: str, name: str, promised: Any, found: Any) -> Iterator[Difference]:
    """Another owner, where it has one."""
    if promised.owner != found.owner:
        why = f"{found.owner} may change and drop it"
        yield changed("risky", f"{kind} {shown(name)}", f"owner {promised.owner}", f"owner {found.owner}", why, name)
