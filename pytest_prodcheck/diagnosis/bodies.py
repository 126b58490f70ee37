"""What an application's error body reveals of its reason: SQLSTATEs, Prisma codes, drivers' words, exception names.

Sources: Prisma's user-facing-errors (facts.md §8), SQLAlchemy's and psycopg_pool's messages, HikariCP, node-postgres,
Hasura's and PostgREST's error shapes.
"""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_prodcheck.diagnosis import hasura, libpq, sqlstate

PRISMA: Mapping[str, str] = {
    "P1000": "database.auth.password_rejected",
    "P1001": "database.tcp.refused",
    "P1002": "database.tcp.timeout",
    "P1003": "database.name.not_found",
    "P1008": "database.query.timeout",
    "P1010": "database.auth.no_connect_privilege",
    "P1011": "database.tls.untrusted",
    "P1017": "database.connection.dropped",
    "P2002": "database.data.constraint",
    "P2003": "database.data.constraint",
    "P2021": "database.schema.table_missing",
    "P2022": "database.schema.column_missing",
    "P2024": "database.pool.exhausted",
    "P2028": "database.pool.exhausted",
    "P2034": "database.lock.serialization",
    "P2037": "database.connections.exhausted",
    "P3009": "database.migration.failed",
    "P3018": "database.migration.failed",
}

TEXTS: tuple[tuple[str, str], ...] = (
    (r"QueuePool limit|couldn'?t get a connection after|PoolTimeout|timeout exceeded when trying to connect|Connection is not available, request timed out|connection pool (exhausted|timed? ?out)|pool (is )?exhausted|Timed out fetching a new connection|remaining connection pool", "database.pool.exhausted"),
    (r"relation \"?[\w.]+\"? does not exist|no such table|table `?[\w.]+`? does not exist|UndefinedTable", "database.schema.table_missing"),
    (r"column \"?[\w.]+\"?( of relation \"?[\w.]+\"?)? does not exist|no such column|UndefinedColumn", "database.schema.column_missing"),
    (r"operator does not exist|cannot cast type|function \S+\(.*\) does not exist|cannot be cast", "database.schema.column_type"),
    (r"schema \"?\w+\"? does not exist", "database.schema.schema_missing"),
    (r"permission denied for (table|relation|view|schema|sequence|function|column)|InsufficientPrivilege", "database.privilege.missing"),
    (r"No space left on device|could not extend file|DiskFull", "database.disk.full"),
    (r"read-only transaction|ReadOnlySqlTransaction", "database.server.read_only"),
    (r"canceling statement due to lock timeout|could not obtain lock|LockNotAvailable", "database.lock.contention"),
    (r"canceling statement due to statement timeout|QueryCanceled", "database.query.timeout"),
    (r"idle-in-transaction timeout", "database.lock.idle_in_transaction"),
    (r"deadlock detected", "database.lock.deadlock"),
    (r"could not serialize access", "database.lock.serialization"),
    (r"password string too short|(session|cookie) (secret|password) .*(32|short)|Password must be at least 32", "auth.session_secret.too_short"),
    (r"could not fetch JWK|(fetch|retriev)\w* (the )?(jwks|openid.configuration).*(fail|error)|(fail|error)\w* .*(jwks|openid.configuration)", "auth.idp.unreachable"),
    (r"invalid_client", "auth.client.rejected"),
    (r"JWTExpired|jwt expired|token (has|is) expired|Signature has expired|ExpiredSignatureError|TokenExpiredError", "runner.token.expired"),
    (r"(missing|no|required).{0,20}(authorization|bearer|access token|auth token)\b|(authorization header|bearer token|access token|credentials) (is |are |was |were )?(missing|required|not (provided|found|present))", "auth.header.dropped"),
)  # fmt: skip
"""Drivers', servers' and libraries' words. The first one that is found counts."""

_DRIVER = re.compile(r"psycopg|asyncpg|sqlalchemy|postgres|pg_|SQLSTATE|prisma|knex|typeorm|sequelize|jdbc|pgx|pq:|:5432|FATAL|database|\bdsn\b", re.I)  # fmt: skip
_STATE = re.compile(r"(?:SQLSTATE|sqlstate|pgcode|status_code|sql_state|\"code\")[\"'\s:=\[(]*([0-9A-Z]{5})\b")
_STATES_OF_POSTGRES = ("08", "22", "23", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "58", "XX")
_PRISMA = re.compile(r"\b(P[123]\d{3})\b")
_HASURA = re.compile(r"\"code\"\s*:\s*\"([a-z][a-z-]+)\"")
_BUG = re.compile(
    r"\b(ZeroDivisionError|KeyError|TypeError|AttributeError|IndexError|NameError|ImportError|ModuleNotFoundError|"
    r"AssertionError|ValueError|UnboundLocalError|RecursionError|NotImplementedError|UnicodeDecodeError|ReferenceError|"
    r"RangeError|SyntaxError|NullPointerException|IllegalArgumentException|IllegalStateException|ClassCastException|"
    r"ArrayIndexOutOfBoundsException|IndexOutOfBoundsException|ArithmeticException|NumberFormatException|"
    r"StackOverflowError|NullReferenceException|DivideByZeroException|DivisionByZeroError|NoMethodError|"
    r"runtime error: [\w ]+)"
)  # fmt: skip
"""Exceptions that a program raises by itself, not for the sake of a dependency (Python, Node, Java, .NET, Ruby, Go)."""

_ABSENT = re.compile(r"\b(None|NoneType|null|undefined|nil)\b|fetch failed|failed to fetch", re.IGNORECASE)
"""A value that is not there, or Node's `TypeError: fetch failed`: most often something else gave no answer."""

_PLACES: tuple[tuple[str, str], ...] = (
    ("user", r"(?:failed for user|too many connections for role|role) [\"'`\\]*([\w.$-]+)"),
    ("table", r"(?:relation|permission denied for (?:table|relation|view)|policy for (?:table|relation)|no such table:?|[Tt]able) [\"'`\\]*([\w.$]+)"),
    ("column", r"column:? [\"'`\\]*([\w.$]+)"),
    ("database", r"database [\"'`\\]+([\w.$-]+)"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """What a body says of its reason: a cause code and the names in it (`user`, `table`, `column`, `exception` …)."""

    code: str
    data: Mapping[str, str] = field(default_factory=dict)


def reveal(text: str) -> Reason | None:
    """The reason that an error body names; None where it names none."""
    code = _code(text)
    if code:
        return Reason(code, _names(text))
    if bug := _BUG.search(text):
        absent = {"absent": "yes"} if _ABSENT.search(text[bug.end() : bug.end() + 200]) else {}
        return Reason("http.application.unhandled_exception", {"exception": bug[1], **absent})
    return None


def _code(text: str) -> str:
    if found := _PRISMA.search(text):
        return PRISMA.get(found[1], "")
    specific = libpq.classify(text, _state(text)) if _state(text) else ""
    if specific not in ("", "unknown"):
        return specific
    for pattern, code in TEXTS:
        if re.search(pattern, text, re.IGNORECASE):
            return code
    return _driver(text) or _engine(text)


def _state(text: str) -> str:
    found = _STATE.search(text)
    state = found[1] if found else libpq.state_in(text)
    return state if state.startswith(_STATES_OF_POSTGRES) and sqlstate.classify(state) != "unknown" else ""


def _driver(text: str) -> str:
    # `Connection refused` alone may speak of any service: a driver's name or port must stand beside it
    specific = next((code for pattern, code in libpq.SPECIFIC[:-2] if re.search(pattern, text, re.IGNORECASE)), "")
    if specific or not _DRIVER.search(text):
        return specific
    code = libpq.classify(text)
    return "" if code == "unknown" else code


def _engine(text: str) -> str:
    found = _HASURA.search(text)
    code = hasura.classify(found[1], text) if found else "unknown"
    return "" if code == "unknown" else code


def _names(text: str) -> dict[str, str]:
    found = {name: re.search(pattern, text) for name, pattern in _PLACES}
    return {name: match[1] for name, match in found.items() if match}
