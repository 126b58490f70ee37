"""What a table or view that differs breaks: its parts, in the order of their weight.

(A33–A35, C14, C15, C19, E15, E19)
"""

from __future__ import annotations

import difflib
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace

from pytest_prodcheck.criteria import contract_columns, contract_partitions, contract_policies
from pytest_prodcheck.criteria.contract_change import (
    INDEX_INVALID,
    INDEX_MISSING,
    KEY_MISSING,
    MISPLACED,
    NOT_VALIDATED,
    OBJECT_CHANGED,
    OBJECT_MISSING,
    RLS_BYPASSED,
    TABLE_MISSING,
    Difference,
    Impact,
    apart,
    cut,
    place,
    shown,
)
from pytest_prodcheck.criteria.contract_grants import differences as grants
from pytest_prodcheck.observe.contract import IDLE, INVALID, Contract, TableFacts

_KINDS: Mapping[str, tuple[str, str]] = {
    "PRIMARY": ("primary key", "rows can be there twice, and ON CONFLICT fails (42P10)"),
    "UNIQUE": ("unique key", "rows can be there twice, and ON CONFLICT fails (42P10)"),
    "FOREIGN": ("foreign key", "rows can point to nothing, and nothing is deleted with them"),
    "EXCLUDE": ("exclusion", "rows can overlap"),
    "CHECK": ("check", "rows can hold what code does not expect"),
}
_UNPROVEN = " NOT VALID"
_ALONE = " NO INHERIT"
_STATES = ("disabled: ", "replica: ", "always: ")


def differences(promised: Contract, found: Contract) -> Iterator[Difference]:
    """All that differs in tables and views; what is new in a schema that nobody promised is not listed table by
    table."""
    for name, facts in promised.tables.items():
        now = found.tables.get(name)
        if now is None:
            yield _missing(name, facts, promised, found)
        elif now != facts or [*now.columns] != [*facts.columns]:
            yield from _changed(name, facts, now, found.tables)
    for name, facts in found.tables.items():
        if name not in promised.tables and name.partition(".")[0] in promised.schemas:
            yield from _new(name, facts, promised)


def _missing(name: str, facts: TableFacts, promised: Contract, found: Contract) -> Difference:
    schema, _, bare = name.partition(".")
    elsewhere = sorted(other for other in found.tables if other.partition(".")[2] == bare and other != name)
    elsewhere = [other for other in elsewhere if other not in promised.tables]
    if elsewhere:
        why = "a name that is not qualified leads there only by another search_path, or fails (42P01)"
        return Difference(
            "breaking", shown(name), f"a {facts.kind}", f"it in {elsewhere[0]}", why, MISPLACED, place(name)
        )
    new = [other.partition(".")[2] for other in found.tables
           if other.startswith(f"{schema}.") and other not in promised.tables]  # fmt: skip
    close = difflib.get_close_matches(bare, new, n=2, cutoff=0.7)
    why = "every statement that names it fails (42P01)" + (f"; similar: {', '.join(close)}" if close else "")
    return Difference("breaking", shown(name), f"a {facts.kind}", "none", why, TABLE_MISSING, place(name))


def _changed(name: str, promised: TableFacts, found: TableFacts, tables: Container[str]) -> Iterator[Difference]:
    if promised.kind != found.kind:
        why = "what may be written, and by which rules, is another"
        yield Difference(
            "breaking", shown(name), f"a {promised.kind}", f"a {found.kind}", why, TABLE_MISSING, place(name)
        )
    gone = {
        part
        for column in promised.columns.keys() - found.columns.keys()
        for part in contract_columns.went_with(column, promised, found)
    }
    kept = _without(promised, gone)
    yield from contract_columns.differences(name, promised, found)
    yield from contract_policies.switched(name, kept, found)
    yield from contract_policies.differences(name, kept, found)
    yield from _keys(name, kept, found)
    yield from _indexes(name, kept, found)
    yield from _triggers(name, kept, found)
    yield from _rules(name, kept, found)
    yield from grants(shown(name), kept, found, exposed=found.rls == "off", where=place(name))
    for column in sorted({*kept.column_grants, *found.column_grants} & {*found.columns}):
        both = [replace(one, grants=one.column_grants.get(column, {})) for one in (kept, found)]
        thing = f"{shown(name)}.{column}"
        yield from grants(thing, *both, exposed=found.rls == "off", where={**place(name), "column": column})
    parts = [replace(one, grants=one.partition_grants) for one in (kept, found)]
    yield from grants(f"partitions of {shown(name)}", *parts, exposed=True, where=place(name))
    yield from contract_partitions.differences(name, kept, found, tables)
    yield from _whole(name, kept, found)


def _without(promised: TableFacts, gone: set[str]) -> TableFacts:
    """What is promised beside what went with a dropped column, which is said there."""
    if not gone:
        return promised
    return replace(
        promised,
        keys={name: text for name, text in promised.keys.items() if f"key {name}" not in gone},
        indexes={name: text for name, text in promised.indexes.items() if f"index {name}" not in gone},
        policies={name: facts for name, facts in promised.policies.items() if f"policy {name}" not in gone},
    )


def _keys(name: str, promised: TableFacts, found: TableFacts) -> Iterator[Difference]:
    new = {key: text for key, text in found.keys.items() if key not in promised.keys}
    for key, text in promised.keys.items():
        kind, why = _KINDS[text.partition(" ")[0]]
        thing, now = f"{kind} {key} of {shown(name)}", found.keys.get(key)
        other = next((other for other, same_text in new.items() if same_text == text), None)
        impact: Impact = "risky" if kind == "check" else "breaking"
        if now is None and other:
            new.pop(other)
            why = "it does the same; ON CONFLICT ON CONSTRAINT and errors name it otherwise"
            yield Difference("harmless", thing, key, other, why, KEY_MISSING, place(name))
        elif now is None:
            yield Difference(impact, thing, cut(text), "no such key", why, KEY_MISSING, place(name))
        elif now == text + _UNPROVEN:
            why = "it was never checked against the rows that were there: VALIDATE CONSTRAINT finds those that break it"
            yield Difference("risky", thing, "validated", "not validated", why, NOT_VALIDATED, place(name))
        elif now.startswith(text + IDLE):
            where = now.removeprefix(text + IDLE)
            why = f"its triggers are disabled{where}, nothing keeps it{' there' if where else ''}: {why}"
            yield Difference(impact, thing, "enforced", "not enforced", why, KEY_MISSING, place(name))
        elif text.startswith(now + IDLE):
            yield Difference("harmless", thing, "not enforced", "enforced", "it holds", KEY_MISSING, place(name))
        elif now == text + _ALONE:
            why = f"tables that inherit from it are not bound: {why}"
            yield Difference(impact, thing, "inherited", "NO INHERIT", why, KEY_MISSING, place(name))
        elif now + _UNPROVEN == text:
            yield Difference("harmless", thing, "not validated", "validated", "it holds", KEY_MISSING, place(name))
        elif text != now:
            before, after = apart(text, now)
            yield Difference(impact, thing, before, after, f"as promised it is gone: {why}", KEY_MISSING, place(name))
    for key, text in new.items():
        thing = f"{_KINDS[text.partition(' ')[0]][0]} {key} of {shown(name)}"
        code, why = (
            (NOT_VALIDATED if text.endswith(_UNPROVEN) else OBJECT_CHANGED),
            "writes that were right are refused",
        )
        yield Difference("risky", thing, "no such key", cut(text), why, code, place(name))


def _indexes(name: str, promised: TableFacts, found: TableFacts) -> Iterator[Difference]:
    new = {index: text for index, text in found.indexes.items() if index not in promised.indexes}
    for index, text in promised.indexes.items():
        thing, now = f"index {index} of {shown(name)}", found.indexes.get(index)
        other = next((other for other, same_text in new.items() if same_text == text), None)
        unique = text.startswith("unique ")
        impact: Impact = "breaking" if unique else "risky"
        why = _KINDS["UNIQUE"][1] if unique else "what it served reads the whole table"
        if now is None and other:
            new.pop(other)
            yield Difference("harmless", thing, index, other, "it serves the same", INDEX_MISSING, place(name))
        elif now is None:
            yield Difference(impact, thing, cut(text), "no such index", why, INDEX_MISSING, place(name))
        elif now == text + INVALID:
            why = f"its building failed, PostgreSQL does not use it: {why}"
            yield Difference(impact, thing, "a valid index", "an invalid one", why, INDEX_INVALID, place(name))
        elif now + INVALID == text:
            yield Difference("harmless", thing, "invalid", "valid", "it is used again", INDEX_MISSING, place(name))
        elif text != now:
            before, after = apart(text, now)
            yield Difference(impact, thing, before, after, f"as promised it is gone: {why}", INDEX_MISSING, place(name))
    for index, text in new.items():
        thing, unique = f"index {index} of {shown(name)}", text.startswith("unique ")
        why = "writes that were right are refused (23505)" if unique else "nothing relies on its absence"
        code = INDEX_INVALID if text.endswith(INVALID) else OBJECT_CHANGED
        yield Difference("risky" if unique else "harmless", thing, "no such index", cut(text), why, code, place(name))


def _triggers(name: str, promised: TableFacts, found: TableFacts) -> Iterator[Difference]:
    for trigger, text in promised.triggers.items():
        thing, now = f"trigger {trigger} of {shown(name)}", found.triggers.get(trigger)
        if now is None:
            why = "what it did on a write no longer happens"
            yield Difference("breaking", thing, cut(text), "no such trigger", why, OBJECT_MISSING, place(name))
        elif now == text:
            continue
        elif _plain(now) == _plain(text):
            states = (_state(text), _state(now))
            impact: Impact = "breaking" if states[1] in ("disabled", "replica only") else "risky"
            why = "what it did on a write no longer happens" if impact == "breaking" else "it fires at other times"
            yield Difference(impact, thing, *states, why, OBJECT_CHANGED, place(name))
        else:
            before, after = apart(text, now)
            why = "a write does something else than was promised"
            yield Difference("breaking", thing, before, after, why, OBJECT_CHANGED, place(name))
    for trigger, text in found.triggers.items():
        if trigger not in promised.triggers:
            thing, why = f"trigger {trigger} of {shown(name)}", "a write does more than was promised"
            yield Difference("risky", thing, "no such trigger", cut(text), why, OBJECT_CHANGED, place(name))


def _rules(name: str, promised: TableFacts, found: TableFacts) -> Iterator[Difference]:
    """Rules rewrite statements before they run: a write can vanish without an error."""
    for rule in sorted({*promised.rules, *found.rules}):
        thing, text, now = f"rule {rule} of {shown(name)}", promised.rules.get(rule), found.rules.get(rule)
        if text == now:
            continue
        if now is None:
            why = "what it made of a statement no longer happens"
            yield Difference("breaking", thing, cut(text or ""), "no such rule", why, OBJECT_MISSING, place(name))
        elif text is None:
            instead = " DO INSTEAD " in now and not now.startswith(_STATES[:2])
            why = "the statement does something else, or nothing, without an error" if instead else (
                "a statement does more than was promised"
            )  # fmt: skip
            impact: Impact = "breaking" if instead else "risky"
            yield Difference(impact, thing, "no such rule", cut(now), why, OBJECT_CHANGED, place(name))
        else:
            before, after = apart(text, now)
            why = "a statement does something else than was promised"
            yield Difference("breaking", thing, before, after, why, OBJECT_CHANGED, place(name))


def _plain(text: str) -> str:
    for state in _STATES:
        text = text.removeprefix(state)
    return text


def _state(text: str) -> str:
    words = {"disabled: ": "disabled", "replica: ": "replica only", "always: ": "always enabled"}
    return next((word for state, word in words.items() if text.startswith(state)), "enabled")


def _whole(name: str, promised: TableFacts, found: TableFacts) -> Iterator[Difference]:
    """Owner, persistence, and what a view or a partitioned table is made of."""
    thing, where = shown(name), place(name)
    if promised.owner != found.owner:
        why = f"{found.owner} may change and drop it" + (", and no policy binds it" if found.rls == "on" else "")
        yield Difference("risky", thing, f"owner {promised.owner}", f"owner {found.owner}", why, OBJECT_CHANGED, where)
    if promised.unlogged != found.unlogged:
        words = {True: "unlogged", False: "logged"}
        impact: Impact = "risky" if found.unlogged else "harmless"
        why = "a crash empties it, and replicas do not have it" if found.unlogged else "it survives a crash"
        yield Difference(impact, thing, words[promised.unlogged], words[found.unlogged], why, OBJECT_CHANGED, where)
    if promised.invoker != found.invoker and promised.kind == found.kind:
        words = {True: "security_invoker", False: "no security_invoker"}
        if promised.invoker:
            why = f"it reads with the privileges of {found.owner}: no policy binds whoever asks"
            yield Difference("breaking", thing, words[True], words[False], why, RLS_BYPASSED, where)
        else:
            why = "whoever asks needs the privileges, and is bound by the policies, of what it reads"
            yield Difference("risky", thing, words[False], words[True], why, OBJECT_CHANGED, where)
    yield from _view_options(thing, where, promised, found)
    if promised.definition != found.definition and promised.kind == found.kind:
        before, after = apart(promised.definition, found.definition)
        parted = promised.kind == "partitioned table"
        why = "its rows are kept by another key" if parted else "it gives other rows or values"
        yield Difference("risky", thing, before, after, why, OBJECT_CHANGED, where)


def _view_options(
    thing: str, where: dict[str, object], promised: TableFacts, found: TableFacts
) -> Iterator[Difference]:
    if promised.kind != found.kind:
        return
    if promised.barrier != found.barrier:
        impact: Impact = "breaking" if promised.barrier else "harmless"
        words = {True: "security_barrier", False: "no security_barrier"}
        why = "a function in its caller's condition is shown rows that it hides" if promised.barrier else (
            "its own conditions come first"
        )  # fmt: skip
        yield Difference(impact, thing, words[promised.barrier], words[found.barrier], why, OBJECT_CHANGED, where)
    if promised.check_option != found.check_option:
        before, now = (f"{one.check_option or 'no'} check option" for one in (promised, found))
        why = "other rows can, or cannot, be written through it"
        yield Difference("risky", thing, before, now, why, OBJECT_CHANGED, where)


def _new(name: str, facts: TableFacts, promised: Contract) -> Iterator[Difference]:
    """A table that nobody promised; a risk where others than its owner can reach rows that no policy protects, and
    where it looks like a partition that was detached."""
    open_to = {role: rights for role, rights in facts.grants.items() if rights}
    if why := contract_partitions.detached(name, facts, promised):
        yield Difference("risky", shown(name), "no such table", f"a {facts.kind}", why, OBJECT_CHANGED, place(name))
    elif open_to and facts.rls == "off" and "view" not in facts.kind:
        who = ", ".join(open_to)
        why = f"{who} can reach every row: row-level security is off"
        yield Difference("risky", shown(name), "no such table", f"a {facts.kind}", why, OBJECT_CHANGED, place(name))
    else:
        why = "nothing relies on its absence"
        yield Difference("harmless", shown(name), "no such table", f"a {facts.kind}", why, OBJECT_CHANGED, place(name))
