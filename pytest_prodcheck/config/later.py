"""What interface.md promises and this version cannot judge: refused, because an unjudged promise is a false green."""

from __future__ import annotations

from pytest_prodcheck.config.merge import REMOVED, RawTarget, Table
from pytest_prodcheck.config.problems import Problems

TABLES = ("notify",)
_DSN = 'dsn = "postgresql://reader@db.example/plan?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem"'


def take_tables(environment: Table, problems: Problems) -> None:
    """Takes the tables of later versions out of a merged environment, and adds a problem for each."""
    for key in [key for key in TABLES if key in environment]:
        if environment.pop(key) is not REMOVED:
            problems.add((key,), _words(key))
    if isinstance(database := environment.get("database"), dict):
        environment["database"] = dict(database)  # the document itself stays as it was read
        _take_tls(environment["database"], ("database",), problems)


def take_keys(target: RawTarget, problems: Problems) -> None:
    """Takes what a later version will judge out of a target's table, and adds a problem for each."""
    if target.kind == "database":
        _take_tls(target.table, target.path, problems)


def _take_tls(table: Table, path: tuple[str, ...], problems: Problems) -> None:
    """`tls` of a database or of a family of them: the DSN says whom to trust, and nobody reads a certificate's end."""
    written = table.get("tls", REMOVED)
    if written is REMOVED or (isinstance(written, dict) and "dsn" in written):  # a database that is called tls
        return
    del table["tls"]
    trust = "whom to trust stands in the DSN (sslmode, sslrootcert, sslcert, sslkey)"
    problems.add((*path, "tls"), f"{_words('tls of a database')}; {trust}", _DSN)


def _words(what: str) -> str:
    return (
        f"this version cannot judge {what} yet, and a promise that is not judged would be a false green: leave it out"
    )
