"""What an application's error body reveals of its reason: SQLSTATEs, Prisma codes, drivers' words, exception names.

Only what the body *states* counts (`statements`), and only in the form in which servers and drivers say it: at the start of a
statement, or beside a driver's name. Sources: Prisma's user-facing-errors (facts.md §8), PostgreSQL's and Redis' messages,
the pools of SQLAlchemy, psycopg, HikariCP, ActiveRecord, Npgsql, Knex and Sequelize, Hasura's and PostgREST's error shapes.
"""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_prodcheck.diagnosis import hasura, libpq, sqlstate
from pytest_prodcheck.diagnosis.statements import statements

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
    (r"QueuePool limit|couldn'?t get a connection after|PoolTimeout|timeout exceeded when trying to connect|Connection is not available, request timed out|connection pool (?:has been |is )?(?:exhausted|timed? ?out)|pool (?:is )?exhausted|Timed out fetching a new connection|remaining connection pool|could not obtain a connection from the pool|Timeout acquiring a connection|ConnectionAcquireTimeout", "database.pool.exhausted"),
    (r"relation [\"'`\\]+[\w.]+[\"'`\\]+ does not exist|no such table:? \S|table [\"'`\\]+[\w.]+[\"'`\\]+ (?:does not|doesn't) exist|\S*UndefinedTable", "database.schema.table_missing"),
    (r"column [\"'`\\]*[\w.]+[\"'`\\]*(?: of relation [\"'`\\]+[\w.]+[\"'`\\]+)? does not exist|no such column: ?\S|\S*UndefinedColumn", "database.schema.column_missing"),
    (r"operator does not exist: |cannot cast type |function [\w.]+\(.{0,500}\) does not exist|(?:default for column|column) [\"\\]+\w+[\"\\]+ cannot be cast|column [\"\\]+\w+[\"\\]+ is of type \w+ but expression is of type", "database.schema.column_type"),
    (r"schema [\"'`\\]+\w+[\"'`\\]+ does not exist", "database.schema.schema_missing"),
    (r"permission denied for (?:table|relation|view|schema|sequence|function|column) \S|\S*InsufficientPrivilege", "database.privilege.missing"),
    (r"could not extend file|could not (?:write to|create) (?:temporary )?file .{0,500}No space left on device|\S*DiskFull", "database.disk.full"),
    (r"cannot execute [A-Z ]+ in a read-only transaction|\S*ReadOnlySqlTransaction", "database.server.read_only"),
    (r"canceling statement due to lock timeout|could not obtain lock on|\S*LockNotAvailable", "database.lock.contention"),
    (r"canceling statement due to statement timeout|\S*QueryCanceled", "database.query.timeout"),
    (r"terminating connection due to idle-in-transaction timeout", "database.lock.idle_in_transaction"),
    (r"deadlock detected[\s.]*$", "database.lock.deadlock"),
    (r"could not serialize access", "database.lock.serialization"),
    (r"new row violates row-level security policy", "database.rls.write_rejected"),
    (r"infinite recursion detected in policy", "database.rls.policy_recursion"),
    (r"(?:duplicate key value|null value in column .{0,500}|new row for relation .{0,500}|insert or update on table .{0,500}|update or delete on table .{0,500}) violates \S+ ?\S* constraint", "database.data.constraint"),
    (r"password authentication failed for user|Authentication failed against database server", "database.auth.password_rejected"),
    (r"no pg_hba\.conf entry for host|pg_hba\.conf rejects connection", "database.auth.host_not_allowed"),
    (r"sorry, too many clients already|remaining connection slots are reserved", "database.connections.exhausted"),
    (r"too many connections for (?:role|database) ", "database.connections.role_limit"),
    (r"the database system is (?:starting up|shutting down|in recovery mode|not yet accepting)", "database.server.starting"),
    (r"terminating connection due to administrator command", "database.server.restarted"),
    (r"server closed the connection unexpectedly", "database.connection.dropped"),
    (r"permission denied for database [\"\\]", "database.auth.no_connect_privilege"),
    (r"database [\"'`\\]+[\w.$-]+[\"'`\\]+ does not exist\s*(?:$|[.(\"',])", "database.name.not_found"),
    (r"Can(?:'t|not) reach database server", "database.tcp.refused"),
    (r"Migrations are pending|\S*PendingMigrationError", "database.migration.pending"),
    (r"NOAUTH Authentication required|HELLO must be called with the client already authenticated", "cache.auth.required"),
    (r"(?:WRONGPASS )?invalid username-password pair", "cache.auth.rejected"),
    (r"(?:LOADING )?Redis is loading the dataset", "cache.server.loading"),
    (r"READONLY You can'?t write|You can'?t write against a read only replica", "cache.server.read_only_replica"),
    (r"MASTERDOWN |Link with MASTER is down", "cache.server.primary_down"),
    (r"(?:OOM )?command not allowed when used memory", "cache.memory.full"),
    (r"MISCONF |Redis is configured to save RDB", "cache.persistence.failed"),
    (r"(?:ERR )?max number of clients reached", "cache.clients.limit_reached"),
    (r"(?<!\w)\w*password string too short|(?:session|cookie) (?:secret|password) .{0,500}(?:32|short)|Password must be at least 32", "auth.session_secret.too_short"),
    (r"could not fetch JWK|(?:fetch|retriev)\w* (?:the )?(?:jwks|openid.configuration).{0,500}(?:fail|error)|(?:fail|error)\w* .{0,500}(?:jwks|openid.configuration)", "auth.idp.unreachable"),
    (r"\binvalid_client\b", "auth.client.rejected"),
    (r"(?:invalid|bad|wrong) (?:token |jwt )?signature|(?:jwt |token )?signature (?:verification failed|is invalid|mismatch|does(?: not|n't) match)|\S*(?:InvalidSignatureError|SignatureException|BadSignatureError|JWSSignatureVerificationFailed)|crypto/rsa: verification error", "auth.token.signature_invalid"),
    (r"(?:unable to find|could not find|no (?:matching|applicable|suitable)) (?:a )?(?:signing |verification |public )?key|\S*(?:SigningKeyNotFoundError|JWKSNoMatchingKey)|IDX10501|IDX10503", "auth.jwks.stale_in_consumer"),
    (r"(?:jwt |token )?(?:invalid |wrong |unexpected |incorrect )(?:token |jwt )?audience|(?:jwt |token |the )?audience (?:is |was )?(?:invalid|mismatch|wrong|incorrect|does(?: not|n't) match|not allowed)|unexpected ?\W?aud\W? claim|The aud claim is not valid|\S*InvalidAudienceError|IDX10214", "auth.token.audience_mismatch"),
    (r"(?:jwt |token )?(?:invalid |wrong |unexpected |incorrect )(?:token |jwt )?issuer|(?:jwt |token |the )?issuer (?:is |was )?(?:invalid|mismatch|wrong|incorrect|does(?: not|n't) match|not (?:allowed|trusted))|unexpected ?\W?iss\W? claim|The iss claim is not valid|\S*InvalidIssuerError|IDX10205", "auth.token.issuer_mismatch"),
    (r"The specified alg value is not allowed|(?:jwt )?(?:invalid|unexpected) (?:signing )?(?:algorithm|method)|signing method \S+ is invalid|\S*InvalidAlgorithmError|\S*JOSEAlgNotAllowed", "auth.token.algorithm_mismatch"),
    (r"(?:the |access )?token is not yet valid|jwt not active|\S*ImmatureSignatureError|\W?(?:nbf|iat)\W? claim timestamp check failed|token used before (?:issued|valid)", "auth.clock.skewed"),
    (r".{0,40}JWTExpired|jwt expired|(?:the |access )?token (?:has|is) expired|Signature has expired|\S*ExpiredSignatureError|TokenExpiredError", "runner.token.expired"),
    (r"(?:missing|no|required).{0,20}(?:authorization|bearer|access token|auth token)\b|(?:authorization header|bearer token|access token|credentials) (?:is |are |was |were )?(?:missing|required|not (?:provided|found|present))", "auth.header.dropped"),
)  # fmt: skip
"""Drivers', servers' and libraries' words. The first one that is stated counts. `\\S*` stands before names of classes,
which may have a path before them (`sqlalchemy.exc.X`)."""

_DRIVER = re.compile(
    r"psycopg|connection to server at \W|asyncpg|sqlalchemy|postgres|\bpg_|\bPG::|SQLSTATE|prisma|knex|typeorm|sequelize|jdbc|\bpgx\b|\bpq: |npgsql|ActiveRecord|"
    r"\.db\.utils\.|:5432|port\W{1,4}5432|FATAL: |\bdsn\b|database server|(?:to|reach|with) (?:the )?(?:database|db)\b|"
    r"(?:database|\bdb) (?:connection|server|host|error|is|unavailable|unreachable)|(?:ENOTFOUND|EAI_AGAIN|lookup|UnknownHostException:) (?:db|database|pg)\b|"
    r"^(?:[\w-]+\.)*[\w-]*(?:database|datasource|db)[\w-]*(?:\.[\w-]+)*: ", re.I | re.M)  # fmt: skip
_CACHE = re.compile(
    r"redis|valkey|memcache|jedis|lettuce|predis|:6379|:11211|port\W{1,4}6379|ReplyError", re.IGNORECASE
)
_NO_CACHE: tuple[tuple[str, str], ...] = (
    (r"refused|ECONNREFUSED", "cache.tcp.refused"),
    (r"timed? ?out|ETIMEDOUT|No route to host|unreachable", "cache.tcp.timeout"),
    (r"Authentication required", "cache.auth.required"),
)  # fmt: skip
_ENDS = r":;)\]>|(=,«"
_BEFORE = rf"(?:^|[{_ENDS}]\s*|\b(?:ERROR|FATAL|PANIC|Exception|The|[Cc]aused by)[:\s]+|-\s)"
"""What stands before a driver's own words: nothing, a name and its colon, a bracket; not a sentence."""
_CLASS = re.compile(r"\\S\*(\w+|\(\?:[\w|]+\))")
_STATE = re.compile(r"(?:SQLSTATE|sqlstate|pgcode|status_code|sql_?state)[\"'\s:=\[(]*([0-9A-Z]{5})\b", re.IGNORECASE)
_CODE = re.compile(r"^(?:[\w-]+\.)*code: ([0-9A-Z]{5})$", re.MULTILINE)
_OF_SQL = re.compile(
    r"relation|column|table|privilege|permission denied|violates|statement|transaction|connection|database|syntax|function|"
    r"operator|constraint|deadlock|schema|severity|routine|already exists", re.IGNORECASE)  # fmt: skip
_STATES_OF_POSTGRES = ("08", "22", "23", "25", "28", "3D", "3F", "40", "42", "53", "55", "57", "58", "XX")
_PRISMA = re.compile(r"(?:^|[:(\[]\s*)(P[123]\d{3})(?=$|[:)\].,])|(?:prisma|error code|errorCode).{0,200}?\b(P[123]\d{3})\b", re.MULTILINE | re.IGNORECASE | re.DOTALL)  # fmt: skip
_HASURA = re.compile(r"code: ([a-z][a-z-]+)$", re.MULTILINE)
_OF_HASURA = re.compile(r"path: \$", re.MULTILINE)
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
    ("user", r"(?:failed for user|too many connections for role|credentials for|role) [\"'`\\]+([\w.$-]+)"),
    ("table", r"(?:relation|policy for (?:table|relation)|[Tt]able) [\"'`\\]+([\w.$]+)|(?:permission denied for (?:table|relation|view)|no such table:?) [\"'`\\]*([\w.$]+)"),
    ("column", r"column:? [\"'`\\]*([\w.$]+)"),
    ("database", r"database [\"'`\\]+([\w.$-]+)"),
    ("asked", r"(?:ECONNREFUSED|ETIMEDOUT|dial tcp|onnection to|connecting to|onnect to|database server at) [`'\"]*([\w.-]+`?:`?\d{2,5})"),
    ("asked", r"server at [\"'][^\"']+[\"'] \(([\d.]+)\), port \d+"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reason:
    """What a body says of its reason: a cause code and the names in it (`user`, `table`, `column`, `exception` …)."""

    code: str
    data: Mapping[str, str] = field(default_factory=dict)


def reveal(text: str) -> Reason | None:
    """The reason that an error body states; None where it states none."""
    blocks = statements(text)
    for said in blocks:
        if code := _code(said):
            return Reason(code, _names(said))
    said = "\n".join(blocks)
    if bug := _BUG.search(said):
        absent = {"absent": "yes"} if _ABSENT.search(said[bug.end() : bug.end() + 200]) else {}
        return Reason("http.application.unhandled_exception", {"exception": bug[1], **absent})
    return None


def _code(said: str) -> str:
    if found := _PRISMA.search(said):
        return PRISMA.get(found[1] or found[2], "")
    state = _state(said)
    specific = libpq.classify(said, state) if state else ""
    if specific not in ("", "unknown"):
        return specific
    stated = next((code for pattern, code in TEXTS if _states(pattern, said)), "")
    return stated or _driver(said) or _engine(said)


def _states(pattern: str, said: str) -> bool:
    """Whether a statement begins with these words, or has them beside the name of a driver or server."""
    begun, anywhere = _searched(pattern)
    if begun.search(said):
        return True
    found = anywhere.search(said)
    line = said[said.rfind("\n", 0, found.start()) + 1 :].partition("\n")[0] if found else ""
    return bool(_DRIVER.search(line) or _CACHE.search(line))


@functools.cache
def _searched(pattern: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What finds the words at the start of a statement, and anywhere. A class's path is looked at once a word, not from
    each of its characters: else it would take the square of the word's length."""
    names = "|".join(_CLASS.findall(pattern))
    words = _CLASS.sub("", pattern).strip("|").replace("||", "|")
    begun, anywhere = [f"{_BEFORE}(?:{words})"] if words else [], [words] if words else []
    if names:
        begun += [rf"{_BEFORE}(?<!\S)\S*(?:{names})", rf"(?<!\S)[^\s{_ENDS}]*[{_ENDS}]\S*(?:{names})"]
        anywhere += [names]
    flags = re.IGNORECASE | re.MULTILINE
    return re.compile("|".join(begun), flags), re.compile("|".join(anywhere), flags)


def _state(said: str) -> str:
    found = _STATE.search(said)
    state = found[1] if found else libpq.state_in(said) or _bare_code(said)
    return state if state.startswith(_STATES_OF_POSTGRES) and sqlstate.classify(state) != "unknown" else ""


def _bare_code(said: str) -> str:
    """The value of a key `code` where it is a SQLSTATE: digits alone may be anything, unless the words are SQL's."""
    found = _CODE.search(said)
    if not found:
        return ""
    others = said[: found.start()] + said[found.end() :]
    worded = re.search(r"^(?:[\w-]+\.)*(?:message|error|detail|title): \D", others, re.MULTILINE)
    return found[1] if not found[1].isdigit() or not worded or _OF_SQL.search(others) else ""


def _driver(said: str) -> str:
    # `Connection refused` alone may speak of any service: a driver's name or port must stand beside it
    if _CACHE.search(said):
        return next((code for pattern, code in _NO_CACHE if re.search(pattern, said, re.IGNORECASE)), "")
    code = libpq.classify(said) if _DRIVER.search(said) else "unknown"
    return "" if code == "unknown" else code


def _engine(said: str) -> str:
    found = _HASURA.search(said)
    code = hasura.classify(found[1], said) if found and _OF_HASURA.search(said) else "unknown"
    return "" if code == "unknown" else code


def _names(said: str) -> dict[str, str]:
    found = {name: re.search(pattern, said) for name, pattern in reversed(_PLACES)}
    return {name: next(filter(None, match.groups())).replace("`", "") for name, match in found.items() if match}
