"""What a record is about, and which cause it speaks for: one record may be several things (a 5xx that took too long).

What drivers, servers and libraries say is `diagnosis.bodies`' to know; here stands what only logs say.
"""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.criteria.logs import failures, fingerprint, privacy, traces
from pytest_prodcheck.criteria.logs.patterns import Forbidden
from pytest_prodcheck.criteria.logs.record import ERROR, FATAL, INFO, WARNING, Record
from pytest_prodcheck.diagnosis import bodies, sqlstate
from pytest_prodcheck.observe.log import Kind

LEVELS: Mapping[str, int] = {"warning": WARNING, "error": ERROR, "fatal": FATAL}

SPECIAL: tuple[tuple[str, str], ...] = (
    (r"coroutine '?[\w.<>]*'? was never awaited|'coroutine' object has no attribute|object coroutine can't be used", "logs.coroutine.never_awaited"),
    (r"unhandled ?promise ?rejection|unhandledRejection|\[nitro\] \[unhandled\]|Unhandled rejection", "logs.rejection.unhandled"),
    (r"OutOfMemoryError|JavaScript heap out of memory|Out of memory: Kill|oom-kill|\bMemoryError\b|Cannot allocate memory|fatal error: runtime: out of memory|OOMKilled|Perhaps out of memory\?|Memory limit of .{1,30} exceeded|Allowed memory size of \d+ bytes exhausted|memory allocation of \d+ bytes failed", "logs.memory.exhausted"),
    (r"No space left on device|\bENOSPC\b|Disk quota exceeded", "logs.disk.full"),
    (r"ModuleNotFoundError|No module named|Cannot find (?:module|package) |ERR_MODULE_NOT_FOUND|\bImportError\b|NoClassDefFoundError|ClassNotFoundException|error while loading shared libraries|no such file to load|Cannot load such file", "logs.module.missing"),
    (r"server process \(PID \d+\) was terminated by signal|all server processes terminated; reinitializing", "database.server.restarted"),
    (r"local JWT validation|emergency (?:token |JWT )?validation|validating (?:tokens? )?locally", "logs.validation.local"),
    (r"ERR_INVALID_URL|Invalid URL|Failed to parse URL|Only absolute URLs are supported|\b\w*(?:GQL|GRAPHQL|API)_(?:HOST|URL|ENDPOINT)\b.{0,20}\b(?:undefined|not set|missing)|unsupported protocol scheme \"\"", "logs.client.bad_url"),
)  # fmt: skip
"""Words that have a meaning of their own at any level above debugging (E1, A43, B36, B43, E11, A39)."""
_SPECIAL = tuple((re.compile(pattern, re.IGNORECASE), code) for pattern, code in SPECIAL)
_FALLBACK = re.compile(
    r"\bfall(?:ing|s)? ?back to\b|\bfallback (?:\w+ )?(?:handler|mode|created|used|active|in use)|using (?:the )?fallback|\bdegraded mode\b",
    re.IGNORECASE,
)
_RETRY = re.compile(r"\bretry(?:ing)?\b|\bretries\b|\breconnect(?:ing)?\b|\battempt \d+", re.IGNORECASE)
_REFUSED = re.compile(r"\brefused\b|ECONNREFUSED", re.IGNORECASE)
_TIMED_OUT = re.compile(
    r"connect\w*\W+(?:\w+\W+){0,4}(?:timed? ?out|timeout)|ETIMEDOUT|dial tcp .*i/o timeout", re.IGNORECASE
)
_AUTH = re.compile(
    r"\b(?:log-?in|sign-?in|authenticat\w*|auth|tokens?|jwts?|password|credentials?|unauthori[sz]ed)\b", re.IGNORECASE
)
_GRANTED = re.compile(
    r"\blog(?:ged|-?in) (?:in|succe\w+|ok)\b|\bsigned in\b|successful(?:ly)? (?:log-?in|logged in|authenticated)|authentication succe\w+|session created",
    re.IGNORECASE,
)
_REASONS: tuple[tuple[str, str], ...] = (
    (r"expired", "expired token"),
    (r"signature", "bad signature"),
    (r"audience|\baud\b", "wrong audience"),
    (r"issuer|\biss\b", "wrong issuer"),
    (r"missing|no (?:authorization|token|bearer)|not provided|required", "no credential"),
    (r"wrong password|(?:invalid|bad|incorrect) (?:password|credentials?|username)|password authentication failed|login failed|failed (?:log-?in|password)", "wrong password"),
    (r"unknown user|no such user|user not found|does not exist", "unknown user"),
    (r"locked|disabled|suspended|too many", "locked account"),
    (r"forbidden|denied|not allowed|insufficient", "not permitted"),
    (r"invalid|malformed|rejected|unauthori[sz]ed|fail\w*|could not|cannot", "invalid token"),
)  # fmt: skip
_SLOW = re.compile(r"\bslow (?:query|statement|sql)\b", re.IGNORECASE)
_TOOK = re.compile(
    r"\b(?:took|duration|elapsed|time|in)[:= ]{1,3}(\d+(?:\.\d+)?) ?(ms|s|sec|seconds|us|µs)\b|\b(\d+(?:\.\d+)?) ?(ms|s)\b",
    re.IGNORECASE,
)
_UNITS = {"ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_GRAVE_WORD = re.compile(r"\b(?:ERROR|FATAL|CRITICAL|PANIC)\b|\bpanic serving\b")
_TRACEBACK = "Traceback (most recent call last):"
"""Its frames may stand behind something that is not known to us: it is grave without them."""
_TALKATIVE = ("access", "ingress", "redis")
"""Formats whose lines without a level are never grave by their words."""
_TELLING = 600
"""Characters of a message in which its reason is looked for: what tells of errors goes back and forth in them."""
_LAYERS = ("database.", "cache.", "auth.", "graphql.", "runner.")


@dataclass(frozen=True, slots=True)
class Seed:
    """What makes a group: its kind, the cause it speaks for, and what its records share."""

    kind: Kind
    code: str
    title: str
    data: Mapping[str, str | int | float] = field(default_factory=dict)
    example: str = ""
    """The words of this record, masked, with all that differs from others'; empty where the title says it."""

    @classmethod
    def like(cls, kind: Kind, code: str, words: str, data: Mapping[str, str | int | float] | None = None) -> Seed:
        """One whose records share their first line but for ids, times, addresses and numbers."""
        return cls(
            kind, code, fingerprint.normalised(words), data or {}, privacy.shown(words.strip().partition("\n")[0])
        )

    @property
    def fingerprint(self) -> str:
        """The same in every run."""
        exception, frame = str(self.data.get("exception", "")), str(self.data.get("frame", ""))
        return fingerprint.of(self.kind, exception, self.title, frame)


class Sorter:
    """Says of each record what it is about, by what a target promises."""

    def __init__(self, promised: LogsTarget) -> None:
        self._threshold = LEVELS[promised.level]
        self._forbidden = [Forbidden(text) for text in promised.forbid]
        self._slow, self._logins = promised.slow, promised.auth_failures is not None
        self._personal = promised.personal_data is not False

    @property
    def words(self) -> tuple[bytes, ...]:
        """Further words that let a line through the screen."""
        own = [needle for one in self._forbidden if (needle := one.needle)]
        grave = (b"warn",) if self._threshold <= WARNING else ()
        logins = (b"logged in", b"signed in", b"login", b"authent", b"session") if self._logins else ()
        return (*own, *grave, *logins)

    @property
    def patterns(self) -> tuple[Callable[[str], bool], ...]:
        """Forbidden patterns that hold no word of their own: the screen tries them on each line."""
        return tuple(one.found_in for one in self._forbidden if not one.needle)

    def seeds(self, record: Record, text: str) -> Iterator[Seed]:
        """What the record is about. `text` is all of it as it was read."""
        yield from self._private(record, text)
        yield from self._forbids(text)
        if record.status:
            yield from _answered(record)
            if not record.exception and record.level < self._threshold:
                return
        said = f"{record.message}\n{record.trace[-1000:]}"
        if (slow := self._slowness(record, said)) is not None:
            yield slow
        special = (
            "" if 0 < record.level < INFO else next((code for pattern, code in _SPECIAL if pattern.search(said)), "")
        )
        if special or self._is_grave(record):
            seed = _grave(record, special)
            if record.status < 500 or seed.code != "logs.record.grave":  # that line says no more than the 5xx itself
                yield seed
        elif fallback := _FALLBACK.search(record.message):
            yield Seed.like("fallback", "logs.handler.fallback", record.message, {"words": fallback[0]})
        if _RETRY.search(record.message):
            yield Seed.like("retry", "logs.retries.storm", _RETRY.sub("retry", record.message))
        if self._logins:
            yield from _login(record)

    def _is_grave(self, record: Record) -> bool:
        if record.level:
            return record.level >= self._threshold
        if record.exception:
            return True
        said = record.message[:200]
        return record.form not in _TALKATIVE and (
            _TRACEBACK in said or _GRAVE_WORD.search(said) is not None or failures.stated(record.message)
        )

    def _private(self, record: Record, text: str) -> Iterator[Seed]:
        if found := privacy.credential(record.message) or privacy.credential(text):
            yield Seed.like("secret", "logs.secret.printed", found)
        if self._personal and (what := privacy.personal(text)):
            yield Seed("personal", "logs.privacy.personal_data", what)

    def _forbids(self, text: str) -> Iterator[Seed]:
        for one in self._forbidden:
            if one.found_in(text):
                yield Seed("forbidden", "logs.pattern.forbidden", one.text)

    def _slowness(self, record: Record, said: str) -> Seed | None:
        named = _SLOW.search(said) is not None
        if self._slow is None or (record.seconds is None and not named):
            return None
        seconds = record.seconds if record.seconds is not None else _took(said)
        if seconds is not None and seconds < self._slow and not named:
            return None
        title = re.sub(r"\bduration: [\d.]+ ms  ", "", record.message)
        return Seed.like("slow", "logs.query.slow", title, {"seconds": seconds or 0.0})


def _answered(record: Record) -> Iterator[Seed]:
    if record.status >= 500:
        route = fingerprint.route(record.method, record.route) or "an unnamed route"
        yield Seed("status", "logs.requests.server_errors", f"{route} {record.status}",
                   {"route": route, "status": record.status})  # fmt: skip


def _grave(record: Record, special: str) -> Seed:
    trace = traces.read(f"{record.message}\n{record.trace}")
    exception = record.exception or (trace.type if trace else "")
    told = trace.told if trace and trace.told else record.message
    code, names = _cause(record, special, f"{exception}: {told}" if exception else told)
    data: dict[str, str | int | float] = {**names}
    data |= {"exception": exception} if exception else {}
    data |= {"frame": trace.frame} if trace and trace.frame else {}
    data |= {"sqlstate": record.sqlstate} if record.sqlstate else {}
    words = f"{exception}: {told}" if exception and exception not in told else told
    return Seed.like("error", code, words if words.strip() else "a grave line without words", data)


def _cause(record: Record, special: str, words: str) -> tuple[str, Mapping[str, str]]:
    """The code that the record's words speak for, and the names in them."""
    words = words[:_TELLING]
    of_postgres = record.form.startswith("postgres")
    if special == "logs.disk.full" and of_postgres:
        return "database.disk.full", {}
    if special:
        return special, {}
    if record.sqlstate and (code := sqlstate.classify(record.sqlstate)) != "unknown":
        told = bodies.reveal(words)
        return (told.code, told.data) if told and told.code.startswith("database.") else (code, {})
    told = bodies.reveal(words)
    if told is not None and told.code.startswith(_LAYERS):
        return told.code, told.data
    if _REFUSED.search(words):
        return "logs.connection.refused", {}
    if _TIMED_OUT.search(words):
        return "logs.connection.timeout", {}
    return ("logs.exception.unhandled" if record.exception else "logs.record.grave"), {}


def _login(record: Record) -> Iterator[Seed]:
    said = record.message[:500]
    if _GRANTED.search(said):
        yield Seed("login", "logs.logins.refused", "granted")
    elif _AUTH.search(said):
        reason = next((reason for pattern, reason in _REASONS if re.search(pattern, said, re.IGNORECASE)), "")
        if reason:
            yield Seed("refusal", "logs.logins.refused", reason)


def _took(said: str) -> float | None:
    found = _TOOK.search(said)
    if found is None:
        return None
    number, unit = (found[1], found[2]) if found[1] else (found[3], found[4])
    return float(number) * _UNITS.get(unit.lower(), 1.0)
