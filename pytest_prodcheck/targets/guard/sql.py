"""Is this SQL a read? Judged on the tree that PostgreSQL's own grammar (libpg_query, by postgast) gives."""

from __future__ import annotations

from collections.abc import Collection

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.targets.guard.sql_grammar import Node, SyntaxProblem, first_words, kind, parse, verb
from pytest_prodcheck.targets.guard.sql_names import Names
from pytest_prodcheck.targets.guard.sql_tree import Tree
from pytest_prodcheck.targets.guard.words import words

_SHOWN = 80
_TOO_LONG = 20_000
"""Characters. libpg_query recurses without a limit: 40,000 of `x+x+…` overflow a stack of 8 MB and end the process."""
_NOT_ALLOWED = words(
    """ABORT BEGIN CLOSE COMMIT COPY DEALLOCATE DECLARE END EXECUTE FETCH LOAD MOVE PREPARE RELEASE RESET ROLLBACK
    SAVEPOINT SET START"""
)
"""Statements that steer the session or the transaction; everything else that is refused is simply not a read."""
_TWO_WORDS = frozenset({"ALTER SYSTEM", "PREPARE TRANSACTION", "SET TRANSACTION"})
_REMEDIES = {
    "VACUUM": "see pg_stat_database.checksum_failures and pg_stat_all_tables",
    "ANALYZE": "see pg_stat_all_tables.last_analyze",
    "COPY": "write it as a SELECT",
}
_EXPLAIN_OPTIONS = words("buffers costs format generic_plan memory serialize settings summary timing verbose wal")
_OFF = frozenset({"false", "off", "0"})


def check(statement: str, catalog: Catalog | None, functions: Collection[str] = ()) -> None:
    """Passes one statement that can only read; raises `errors.Refused` for everything else.

    Allowed are SELECT (with WITH, set operations, VALUES, TABLE), SHOW, and EXPLAIN that does not execute; in them
    harmless functions of `pg_catalog` and those named in `functions` (schema-qualified), and, where a `catalog` is
    given, operators, types and relations that run no code of the database's users. What the catalog does not know is
    left to the server. Whoever sends it must set `standard_conforming_strings = on` and `client_encoding = UTF8`, so
    that the server reads the same text, and close the connection afterwards. The rules are facts.md §6 and §11.
    """
    what = f"SQL {shorten(statement)!r}"
    _check_text(statement, catalog, what)
    parsed = _parse(statement, what)
    if not parsed:
        raise Refused(what, "no statement", "write one SELECT")
    names = Names(what, catalog, frozenset(functions))
    if len(parsed) > 1:
        _refuse_several(statement, parsed, names)
    _judge(statement, parsed[0], names)


def shorten(text: str) -> str:
    """`text` on one line without control characters, at most 80 characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def _check_text(statement: str, catalog: Catalog | None, what: str) -> None:
    """Refuses what parser and server could read differently."""
    if "\0" in statement:
        raise Refused(what, "NUL character in the statement", "remove it")
    if any("\ud800" <= c <= "\udfff" for c in statement):
        raise Refused(what, "the statement is not valid Unicode", "write it in UTF-8")
    if len(statement) > _TOO_LONG:
        raise Refused(what, f"the statement is longer than {_TOO_LONG:,} characters", "split it into several queries")
    escapes = catalog is not None and catalog.settings.get("standard_conforming_strings") == "off"
    if escapes and "\\" in statement:
        reason = "the server has standard_conforming_strings = off, so a backslash may end a string elsewhere"
        raise Refused(what, reason, "set it on, or write the statement without backslashes")


def _parse(statement: str, what: str) -> list[Node]:
    try:
        return parse(statement)
    except SyntaxProblem as problem:
        raise Refused(what, str(problem), "try it in psql first") from None


def _refuse_several(statement: str, parsed: list[Node], names: Names) -> None:
    """Refuses several statements and says what is wrong with each, so that one look is enough."""
    reasons = dict.fromkeys(reason for raw in parsed if (reason := _reason(statement, raw, names)))
    raise Refused(names.what, "; ".join(["several statements in one probe", *reasons]), "declare a query for each")


def _reason(statement: str, raw: Node, names: Names) -> str:
    try:
        _judge(statement, raw, names)
    except Refused as refused:
        return refused.reason
    return ""


def _judge(statement: str, raw: Node, names: Names) -> None:
    match kind(raw.stmt):
        case "SelectStmt":
            Tree(raw.stmt.select_stmt, names).check()
        case "ExplainStmt":
            _judge_explain(raw.stmt.explain_stmt, names)
        case "VariableShowStmt":
            pass
        case _:
            word = _word(statement, raw)
            allowed = "an allowed statement" if word.split()[0] in _NOT_ALLOWED else "a read"
            raise Refused(names.what, f"{word} is not {allowed}", _REMEDIES.get(word, "write a SELECT"))


def _word(statement: str, raw: Node) -> str:
    """The statement's name as its first words say it; from the tree where it begins with WITH."""
    found = first_words(statement, raw)
    if " ".join(found) in _TWO_WORDS:
        return " ".join(found)
    return found[0] if found and found[0] != "WITH" else verb(raw.stmt)


def _judge_explain(explain: Node, names: Names) -> None:
    """EXPLAIN plans and does not run; planning runs IMMUTABLE functions, so its SELECT is judged like any other."""
    for option in (node.def_elem for node in explain.options):
        name = option.defname.lower()
        if name in ("analyze", "analyse"):
            if not _is_off(option):
                raise Refused(names.what, "EXPLAIN with ANALYZE executes the statement", "leave ANALYZE out")
        elif name not in _EXPLAIN_OPTIONS:
            raise Refused(names.what, f"EXPLAIN option {shorten(name)} is not known to be harmless", "leave it out")
    if kind(explain.query) != "SelectStmt":
        raise Refused(names.what, f"EXPLAIN of {verb(explain.query)} is not a read", "explain a SELECT")
    Tree(explain.query.select_stmt, names).check()


def _is_off(option: Node) -> bool:
    """Whether the option says a clear no; a value that is left out means yes (defGetBoolean)."""
    if not option.HasField("arg"):
        return False
    if kind(option.arg) == "String":
        return option.arg.string.sval.lower() in _OFF
    return kind(option.arg) == "Integer" and option.arg.integer.ival == 0
