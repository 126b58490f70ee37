"""The contract that a snapshot saw: its catalog and the further parts, put into the shape of a contract file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any

from pytest_prodcheck.config.redaction.patterns import scrub_patterns
from pytest_prodcheck.observe.catalog import Catalog, Policy, Relation
from pytest_prodcheck.observe.contract import (
    IDLE,
    INVALID,
    ColumnFacts,
    Contract,
    ExtensionFacts,
    FunctionFacts,
    Grants,
    PolicyFacts,
    RoleFacts,
    SchemaFacts,
    SequenceFacts,
    TableFacts,
    TypeFacts,
)
from pytest_prodcheck.targets.database import contract_sql

Row = tuple[Any, ...]
_ACL = re.compile(r'(?P<role>"(?:[^"]|"")*"|[^=]*)=(?P<rights>[^/]*)/.*', re.DOTALL)
_LITERAL = re.compile(r"'(?:[^']|''){8,}'")
_RIGHT = re.compile(r"[a-zA-Z]\*?")
_WORDS: Mapping[str, str] = {
    "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "D": "TRUNCATE", "x": "REFERENCES", "t": "TRIGGER",
    "m": "MAINTAIN", "U": "USAGE", "C": "CREATE", "X": "EXECUTE",
}  # fmt: skip
_KINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialised view", "f": "foreign table"}
_ENABLED = {"O": "", "D": "disabled: ", "R": "replica: ", "A": "always: "}
_IDENTITY = {"a": "always", "d": "by default", "": ""}
_VOLATILITY = {"v": "volatile", "s": "stable", "i": "immutable"}
_PARALLEL = {"u": "unsafe", "r": "restricted", "s": "safe"}
_FINGERPRINT = 16
_PLAIN = (None, "", "", None, None)
"""Of a column without default, identity, collation and grants of its own."""
_SEARCH_PATH = "search_path="


def assembled(
    catalog: Catalog, names: Mapping[int, str], parts: Mapping[str, Sequence[Row]], unread: Mapping[str, str]
) -> Contract:
    """The contract that the database keeps. `names` are those of its relations by oid, `parts` the answers to
    `contract_sql.parts`; `unread` says why some are not there."""
    sequences = {row[0]: _sequence(*row[1:]) for row in sorted(parts.get("sequences", ()), key=lambda row: row[0])}
    functions = {row[0]: _function(*row[1:]) for row in sorted(parts.get("functions", ()), key=lambda row: row[0])}
    return Contract(
        catalog.version // 10000,
        {
            name: SchemaFacts(schema.owner, grants(schema.acl, schema.owner))
            for name, schema in sorted(catalog.schemas.items())
        },
        _tables(catalog, names, parts),
        sequences,
        {row[0]: _type(*row[1:]) for row in sorted(parts.get("types", ()), key=lambda row: row[0])},
        functions,
        {name: ExtensionFacts(version, schema) for name, version, schema in sorted(parts.get("extensions", ()))},
        {
            name: RoleFacts(role.login, role.superuser, role.bypasses_rls, role.member_of)
            for name, role in sorted(catalog.roles.items())
            if not name.startswith("pg_")
        },
        dict(unread),
    )


def grants(acl: Iterable[str] | None, owner: str, default: Grants | None = None) -> Grants:
    """Role → its privileges, of an access list in PostgreSQL's own text; `default` where there is no list."""
    return default or {} if acl is None else _grants(tuple(acl), owner)


@lru_cache(maxsize=10_000)
def _grants(acl: tuple[str, ...], owner: str) -> Grants:
    """Equal ones are one object, as equal columns are: tables of one team look alike, and there may be thousands."""
    found: dict[str, tuple[str, ...]] = {}
    for item in acl:
        if (match := _ACL.fullmatch(item)) is None:
            continue
        role = match["role"]
        role = role[1:-1].replace('""', '"') if role.startswith('"') else role or "public"
        rights = [_WORDS.get(right[0], right[0]) + right[1:] for right in _RIGHT.findall(match["rights"])]
        if role != owner:
            found[role] = tuple(sorted({*found.get(role, ()), *rights}))
    return dict(sorted(found.items()))


@lru_cache(maxsize=10_000)
def _words(expression: str | None) -> str:
    """An expression on one line, without what looks like a credential in its literals (`Bearer …` in the arguments of
    a trigger): nothing of it shall be in a file, or in a finding. Outside of literals there are only names."""
    text = " ".join((expression or "").split())
    return _LITERAL.sub(lambda found: scrub_patterns(found[0]), text) if "'" in text else text


def _function(
    returns: str, arguments: str, language: str, owner: str, volatility: str, definer: bool,
    settings: Sequence[str] | None, body: str, acl: Sequence[str] | None, strict: bool, leakproof: bool, parallel: str,
) -> FunctionFacts:  # fmt: skip
    others = sorted(scrub_patterns(one) for one in settings or () if not one.startswith(_SEARCH_PATH))
    paths = [setting.removeprefix(_SEARCH_PATH) for setting in settings or () if setting.startswith(_SEARCH_PATH)]
    everybody = {"public": ("EXECUTE",)}
    path = (paths[0] or '""') if paths else ""
    return FunctionFacts(
        returns, _words(arguments), language, owner, _VOLATILITY[volatility], definer, path, body[:_FINGERPRINT],
        strict, leakproof, _PARALLEL[parallel], tuple(others), grants(acl, owner, everybody),
    )  # fmt: skip


def _sequence(
    type_: str, start: int, increment: int, minimum: int, maximum: int, cycle: bool, owner: str,
    acl: Sequence[str] | None,
) -> SequenceFacts:  # fmt: skip
    return SequenceFacts(type_, start, increment, minimum, maximum, cycle, owner, grants(acl, owner))


def _type(
    owner: str, labels: Sequence[str], base: str | None, default: str | None, checks: Mapping[str, str] | None,
    attributes: Sequence[str],
) -> TypeFacts:  # fmt: skip
    found = {name: _words(text) for name, text in sorted((checks or {}).items())}
    return TypeFacts(owner, tuple(labels), base or "", _words(default), found, tuple(attributes))


def _tables(catalog: Catalog, names: Mapping[int, str], parts: Mapping[str, Sequence[Row]]) -> Mapping[str, TableFacts]:
    partitions = _partitions(catalog)
    inner = {one.qualified for several in partitions.values() for one in several}
    by_name = _ByName(names, parts, inner)
    found = {}
    for name, relation in sorted(catalog.relations.items()):
        if relation.kind in _KINDS and "extension" not in by_name.marks.get(name, ()) and not relation.parent:
            found[name] = _table(relation, by_name, partitions.get(name, ()))
    return found


def _partitions(catalog: Catalog) -> Mapping[str, Sequence[Relation]]:
    """Partitioned table → its partitions, and theirs."""
    found: dict[str, list[Relation]] = {}
    for relation in catalog.relations.values():
        top = relation
        while top.parent:
            top = catalog.relations[top.parent]
        if top is not relation:
            found.setdefault(top.qualified, []).append(relation)
    return found


def _around(table: Relation, partitions: Iterable[Relation]) -> Grants:
    """What roles may do with the rows of a partition that no policy of its own protects, and may not do with the table
    itself: a partition that is named does not ask its parent's policies, nor its parent's grants."""
    whole = {} if table.rls_enabled else grants(table.acl, table.owner)
    found: dict[str, set[str]] = {}
    for partition in partitions:
        for role, rights in {} if partition.rls_enabled else grants(partition.acl, table.owner).items():
            found.setdefault(role, set()).update(set(rights) - set(whole.get(role, ())))
    return {role: tuple(sorted(rights)) for role, rights in sorted(found.items()) if rights}


class _ByName:
    """The rows of the parts, by the relation that they belong to."""

    def __init__(self, names: Mapping[int, str], parts: Mapping[str, Sequence[Row]], partitions: Set[str]) -> None:
        self._names, self._parts = names, parts
        self.defaults = self._of("defaults")
        self.checks = self._of("checks")
        self.indexes = self._of("indexes")
        self.triggers = self._of("triggers")
        self.idle = self._idle(partitions)
        self.bounds = self._of("partitions")
        self.rules = self._of("rules")
        self.marks = {name: {mark for (mark,) in rows} for name, rows in self._of(contract_sql.MARKS).items()}
        self.views = self._of("views")

    def _of(self, part: str) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for oid, *row in self._parts.get(part, ()):
            if oid in self._names:
                found.setdefault(self._names[oid], []).append(tuple(row))
        return found

    def _idle(self, partitions: Set[str]) -> dict[str, dict[str, str]]:
        """Table → key → ` disabled`, and on which partitions where it is not on the table itself."""
        at: dict[tuple[str, str], set[str]] = {}
        for name, rows in self._of("idle").items():
            for key, place in rows:
                at.setdefault((name, key), set()).add(self._names.get(place, ""))
        found: dict[str, dict[str, str]] = {}
        for (name, key), places in at.items():
            where = f" on {', '.join(sorted(places))}" if places <= partitions else ""
            found.setdefault(name, {})[key] = IDLE + where
        return found


def _table(relation: Relation, rows: _ByName, partitions: Sequence[Relation]) -> TableFacts:
    name = relation.qualified
    marks = rows.marks.get(name, set())
    defaults = {column: row for column, *row in rows.defaults.get(name, ())}
    keys = {key.name: key.definition for key in relation.keys}
    keys |= {key: _words(definition) for key, definition in rows.checks.get(name, ()) if definition}
    keys |= {key: keys[key] + idle for key, idle in rows.idle.get(name, {}).items() if key in keys}
    definition = next((text for (text,) in rows.views.get(name, ())), "") or ""
    return TableFacts(
        _KINDS[relation.kind],
        relation.owner,
        ("forced" if relation.rls_forced else "on") if relation.rls_enabled else "off",
        "unlogged" in marks,
        relation.security_invoker,
        "security_barrier" in marks,
        next((mark for mark in ("local", "cascaded") if mark in marks), ""),
        _words(definition).removesuffix(";"),
        {
            column.name: _column(column.type, column.nullable, *defaults.get(column.name, _PLAIN)[:4])
            for column in relation.columns
        },
        dict(sorted(keys.items())),
        {index: _index(*facts) for index, *facts in sorted(rows.indexes.get(name, ()))},
        {
            trigger: _ENABLED[enabled] + _words(definition)
            for trigger, enabled, definition in sorted(rows.triggers.get(name, ()))
        },
        {rule: _ENABLED[enabled] + _rule(definition) for rule, enabled, definition in sorted(rows.rules.get(name, ()))},
        {policy.name: _policy(policy) for policy in sorted(relation.policies, key=lambda policy: policy.name)},
        grants(relation.acl, relation.owner),
        {column: grants(row[4], relation.owner) for column, row in sorted(defaults.items()) if row[4]},
        _around(relation, partitions),
        {one.qualified: _bound(rows, one) for one in sorted(partitions, key=lambda one: one.qualified)},
        {f"{policy.name} of {one.qualified}": _policy(policy) for one in partitions for policy in one.policies},
    )


def _bound(rows: _ByName, partition: Relation) -> str:
    """What a partition holds; empty where that could not be read."""
    return _words(next((text for (text,) in rows.bounds.get(partition.qualified, ())), ""))


def _policy(policy: Policy) -> PolicyFacts:
    roles = tuple(sorted(policy.roles))
    return PolicyFacts(policy.command, roles, policy.permissive, _words(policy.using), _words(policy.check))


@lru_cache(maxsize=10_000)
def _column(
    type_: str, nullable: bool, default: str | None, identity: str, generated: str, collation: str | None
) -> ColumnFacts:
    expression = _words(default)
    return ColumnFacts(
        type_,
        nullable,
        "" if generated else expression,
        _IDENTITY.get(identity, identity),
        expression if generated else "",
        generated != "v",
        collation or "",
    )


def _rule(definition: str | None) -> str:
    """Its definition without the words that its name already says."""
    return _words(definition).removesuffix(";").partition(" AS ")[2]


def _index(unique: bool, valid: bool, definition: str | None) -> str:
    """Its definition without the words that its name and its table already say."""
    return ("unique " if unique else "") + _words(definition).partition(" USING ")[2] + ("" if valid else INVALID)
