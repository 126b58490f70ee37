"""What the names in a statement stand for, and whether that may run: functions, operators, types, relations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.catalog import Catalog, Hazard
from pytest_prodcheck.targets.guard.functions import HARMLESS
from pytest_prodcheck.targets.guard.words import words

OPERATORS = words(
    """!! !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> * *< *<= *<> *= *> *>= + - -> ->> -|- / < <-> << <<=
    <<| <= <> <@ <^ = > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |&> |/ |>> || ||/ ~ ~*
    ~<=~ ~<~ ~= ~>=~ ~>~ ~~ ~~*"""
)
"""The operators of `pg_catalog` (PostgreSQL 18). None has a side effect."""

_EXECUTES_TEXT = ("query_to_xml", "cursor_to_xml", "table_to_xml", "ts_stat", "ts_rewrite", "crosstab", "connectby")
_ACTING = words("nextval currval setval setseed set_config loread lowrite ts_stat currtid2 txid_current")
_ACTING_PREFIXES = ("pg_", "lo_", "binary_upgrade_", "brin_", "gin_", "dblink", "heap_force_")
_SECRET = words(
    """pg_authid pg_shadow pg_user_mapping pg_user_mappings pg_subscription pg_largeobject pg_file_settings
    pg_hba_file_rules pg_ident_file_mappings user_mapping_options _pg_user_mappings"""
)
"""System relations that hold password hashes and connection strings, large objects, or the text of server files."""
_READABLE = frozenset("rpmSv")
_VOLATILITY = {"v": "VOLATILE", "s": "STABLE", "i": "IMMUTABLE"}


def acts(name: str) -> bool:
    """Whether a function of this name, written without a schema, could be one of PostgreSQL's that acts."""
    return name not in HARMLESS and (name in _ACTING or name.startswith(_ACTING_PREFIXES))


@dataclass(frozen=True, slots=True)
class Names:
    """Judges names by PostgreSQL's own lists, the catalog and the declared functions; each method raises `Refused`.

    Names are given as the grammar has them: parts in order, the last is the object's own.
    """

    what: str
    catalog: Catalog | None
    declared: frozenset[str]

    def refuse(self, reason: str, remedy: str = "") -> NoReturn:
        """Raises `Refused` for the statement at hand."""
        raise Refused(self.what, reason, remedy)

    def function(self, parts: Sequence[str]) -> None:
        """A call. An unqualified name may mean any function of that name on the search path, whatever the order:
        PostgreSQL takes the best match of argument types first (manual, 10.3), so all candidates must be allowed."""
        schema, name = _split(parts)
        if schema == "pg_catalog":
            self._builtin(name)
        elif schema:
            self._declared(f"{schema}.{name}")
        else:
            self._unqualified(name)

    def field(self, name: str) -> None:
        """`value.name`, which calls the function `name(value)` where the value has no such column (manual, 8.16.5)."""
        if acts(name) and f"pg_catalog.{name}" not in self.declared:
            self.refuse(f"function {name} is denied, called as a field too", f'name the column with AS, not "{name}"')
        for qualified in self._undeclared(name):
            remedy = f"call another column's name, or declare {qualified} under functions"
            self.refuse(f"the field {name} may call the user function {qualified}", remedy)

    def operator(self, parts: Sequence[str]) -> None:
        """An operator; one of the users' own runs a function of theirs, also where it has the name of a built-in."""
        schema, name = _split(parts)
        if schema == "pg_catalog":
            return
        users = {name} - OPERATORS if self.catalog is None else self.catalog.operators
        if name in users:
            remedy = f"write OPERATOR(pg_catalog.{name}), or call its function by name and declare it under functions"
            self.refuse(f"operator {name} may run a user function", remedy)

    def type(self, parts: Sequence[str]) -> None:
        """A type that is cast to; the input function or a constraint of a user's type is a user's code."""
        schema, name = _split(parts)
        if self.catalog is None or schema == "pg_catalog":
            return
        for qualified in self._lookup(schema, name):
            if qualified in self.catalog.types and qualified not in self.declared:
                reason = f"a cast to the user type {qualified} may run a user function"
                self.refuse(reason, f"compare as text, or declare {qualified} under functions")

    def relation(self, parts: Sequence[str]) -> None:
        """A relation that is read. What the catalog does not know is left to the server, which answers 42P01."""
        schema, name = _split(parts)
        if schema == "pg_toast" or (schema in ("", "pg_catalog", "information_schema") and name in _SECRET):
            self.refuse(
                f"relation {name} holds secrets or raw storage", "read pg_roles, pg_settings or the table itself"
            )
        if self.catalog is None:
            return
        for qualified in self._lookup(schema, name):
            if found := self.catalog.relations.get(qualified):
                self._kind(found.kind, qualified)
                self._hazards(found.hazards, qualified)
                return

    def _kind(self, kind: str, qualified: str) -> None:
        if kind == "f":
            reason = f"{qualified} is a foreign table: reading it acts on another server or runs a program"
            self.refuse(reason, "read a local table, or a materialised view")
        if kind not in _READABLE:
            self.refuse(f"{qualified} is of kind {kind!r}, which no read needs")

    def _hazards(self, hazards: Sequence[Hazard], qualified: str) -> None:
        left = [hazard for hazard in hazards if hazard.name not in self.declared]
        if left:
            names = ", ".join(hazard.name for hazard in left if hazard.name)
            remedy = "query its tables directly" + (f", or declare {names} under functions" if names else "")
            self.refuse(f"{qualified} is not a plain read: {'; '.join(hazard.text for hazard in left)}", remedy)

    def _builtin(self, name: str) -> None:
        if name not in HARMLESS and f"pg_catalog.{name}" not in self.declared:
            self._deny(name)

    def _deny(self, name: str) -> NoReturn:
        why = "executes text and is denied" if name.startswith(_EXECUTES_TEXT) else "is denied"
        self.refuse(f"function {name} {why}", "use a function that only reads")

    def _unqualified(self, name: str) -> None:
        if acts(name) and f"pg_catalog.{name}" not in self.declared:
            self._deny(name)
        if name in HARMLESS:
            for qualified in self._undeclared(name):
                remedy = f"write pg_catalog.{name}, or declare {qualified} under functions"
                self.refuse(f"function {name} may mean the user function {qualified}", remedy)
        elif candidates := self._functions(name):
            for qualified in candidates:
                self._declared(qualified)
        elif not any(declared.rpartition(".")[2] == name for declared in self.declared):
            self._deny(name)

    def _declared(self, qualified: str) -> None:
        if qualified in self.declared:
            return
        name = qualified.rpartition(".")[2]
        volatility = self.catalog.functions.get(qualified, "") if self.catalog else ""
        if not volatility or name.startswith((*_EXECUTES_TEXT, "dblink")):
            self._deny(name)
        is_a = _VOLATILITY.get(volatility[:1], "of unknown volatility")
        definer = " (it is SECURITY DEFINER)" if "+d" in volatility else ""
        remedy = f"declare {qualified} under functions or drop it from the query"
        self.refuse(f"user function {name} is {is_a} and not declared as read{definer}", remedy)

    def _undeclared(self, name: str) -> list[str]:
        """Users' functions that `name` could mean; not those declared, nor those of an extension that only read."""
        undeclared = (found for found in self._functions(name) if found not in self.declared)
        return [found for found in undeclared if not self._of_extension(found)]

    def _of_extension(self, qualified: str) -> bool:
        volatility = self.catalog.functions.get(qualified, "") if self.catalog else ""
        return "+e" in volatility and not volatility.startswith("v") and "+d" not in volatility

    def meanings(self, parts: Sequence[str]) -> list[str]:
        """The qualified names that a name could have, in the search path's order."""
        return self._lookup(*_split(parts))

    def _functions(self, name: str) -> list[str]:
        if self.catalog is None:
            return []
        return [qualified for qualified in self._lookup("", name) if qualified in self.catalog.functions]

    def _lookup(self, schema: str, name: str) -> list[str]:
        """The qualified names that a name could have to our reader, in the search path's order."""
        if schema or self.catalog is None:
            return [f"{schema}.{name}"]
        return [f"{found}.{name}" for found in self.catalog.search_path]


def _split(parts: Sequence[str]) -> tuple[str, str]:
    """Schema (empty where none is written) and name; a database in front must be ours, or the server refuses."""
    return (parts[-2] if len(parts) > 1 else ""), parts[-1]
