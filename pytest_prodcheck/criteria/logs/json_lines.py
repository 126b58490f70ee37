"""Records that are JSON objects: zap, pino, bunyan, winston, structlog, logback, ECS, Google's, Hasura's, PostgreSQL's.

Sources: the encoders of go.uber.org/zap, pinojs/pino, hynek/structlog, logfellow/logstash-logback-encoder; Elastic
Common Schema; Google's LogEntry; hasura/graphql-engine docs, "Logs"; PostgreSQL, "Error Reporting and Logging",
jsonlog."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from pytest_prodcheck.criteria.logs import envelopes
from pytest_prodcheck.criteria.logs.record import ERROR, Record, digits, level_of

_HTTP = "http"
_TIME = ("time", "ts", "timestamp", "@timestamp", "asctime", "datetime", "receiveTimestamp", "@t", "t")
_LEVEL = (
    "level_name",
    "level",
    "severity",
    "lvl",
    "log.level",
    "levelname",
    "loglevel",
    "error_severity",
    "severitytext",
    "severity_text",
    "@l",
    "@level",
    "log_level",
    "severity_label",
    "l",
)
_MESSAGE = (
    "msg",
    "message",
    "event",
    "text",
    "short_message",
    "textPayload",
    "@m",
    "@mt",
    "messagetemplate",
    "body",
    "@message",
    "m",
)
_USUAL = (_MESSAGE, _TIME, ("level", *_LEVEL))
_SCAN = json.JSONDecoder().raw_decode
"""What `json.loads` does behind its choices: each line is read."""
_TRACE = (
    "stack",
    "stacktrace",
    "stack_trace",
    "exc_info",
    "traceback",
    "error.stack_trace",
    "exception",
    "errorVerbose",
    "@x",
)
_STATUS = (
    "status",
    "statuscode",
    "status_code",
    f"{_HTTP}.response.status_code",
    f"{_HTTP}.status_code",
    "response_code",
    "http_status",
    "httpstatus",
    "response_status",
    "responsestatus",
    "resp_status",
    "downstreamstatus",
)
_METHOD = ("method", "request_method", f"{_HTTP}.request.method", f"{_HTTP}.method", "requestmethod")
_ROUTE = (
    "path",
    "route",
    "url",
    "uri",
    "request_path",
    "requestpath",
    "url.path",
    f"{_HTTP}.target",
    f"{_HTTP}.route",
    "requesturl",
    "request_uri",
)
_INNER = ("err", "error", "exception", "exc_info")
_FAILED = (*_INNER, "errors", "errormessage", "error_message")
_NO_ERROR = frozenset(
    {"", "0", "-", "none", "null", "nil", "<nil>", "undefined", "false", "no", "n/a", "ok", "success", "no error"}
)
"""What an error is said to be where there is none."""
_OF_SYSTEM = re.compile(
    r"E(?:CONN|TIMEDOUT|NOTFOUND|AI_|HOST|NET|ADDR|PIPE|PROTO|NOENT|NOSPC|MFILE|NFILE|NOMEM|ACCES|PERM)\w*"
)
"""Codes of the operating system, as Node.js says them (errno(3), `dns.lookup`)."""
_SAID = re.compile(
    r"""["'](?:@?level|@l|severity|lvl|log\.?_?level|level_?name|severity_?text)["']\s{0,4}:\s{0,4}["']?(\w{1,12})""",
    re.IGNORECASE,
)
_AROUND = ("data", "fields", "extra", "context", "ctx", "attributes", "payload", "properties", "meta",
           "labels", "jsonpayload")  # fmt: skip
"""Where loggers put what a program adds."""
_REQUEST = ("req", "request", "httpRequest", "http", "http_info", "res", "response")
_ECS = ("request", "response")
_SYSLOG = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_LOG, _STREAM = "log", "stream"
_BEFORE, _LOOKED_AT = 200, 4000
OPENINGS = ("{", "[{")
"""With what an object begins, or a list of them."""
_ERR = 3
"""Journald's priority of errors; smaller ones are graver (syslog(3))."""


def parse(text: str) -> Record | None:
    """The record of one JSON object; None for what is none. Only `jsonlog` of a container run-time is unwrapped."""
    if not text.startswith(OPENINGS):
        return _behind(text) or _line_of(text)
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return _broken(text)
    return of(said) if isinstance(said, dict) else _gravest(one for one in said if isinstance(one, dict))


def _behind(text: str) -> Record | None:
    """The record of an object behind a time or a name (`app: {…}`), where it is one by itself."""
    start = text.find("{", 0, _BEFORE)
    if start <= 0 or not text.rstrip().endswith("}"):
        return None
    try:
        said = json.loads(text[start:])
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or _level(_any_case(said)) is None or _first(_any_case(said), _MESSAGE) is None:
        return None
    return of(said)


def _broken(text: str) -> Record | None:
    """What was cut off, or is not quite JSON (a literal of Python, two objects): the gravest level that it names."""
    levels = [level_of(found[1]) for found in _SAID.finditer(text[:_LOOKED_AT])]
    return Record("json", text, max(levels)) if any(levels) else None


def _line_of(text: str) -> Record | None:
    """The line of an object that is written over several which has its level."""
    found = _SAID.match(text.lstrip()[:_BEFORE]) if text[:1].isspace() else None
    return Record("json", text, level_of(found[1])) if found and level_of(found[1]) else None


def of(said: Mapping[str, Any]) -> Record | None:
    """The record that the object is, by names of its fields in any case (.NET writes `Level`); None where it wraps a
    plain line (`unwrapped`)."""
    if unwrapped(said) is not None:
        return None
    if (several := envelopes.carried(said)) is not None:
        return _gravest(several)
    said = _any_case(said)
    if "error_severity" in said:
        return _postgres(said)
    if isinstance(said.get("detail"), Mapping) and isinstance(said.get("type"), str):
        return _hasura(said)
    return _generic(said)


def _gravest(several: Iterable[Mapping[str, Any]]) -> Record | None:
    """The record of many that is to be judged; None where there is none."""
    found = [record for one in several if (record := of(one)) is not None]
    return max(found, key=lambda one: (one.level >= ERROR, one.status >= 500, bool(one.exception)), default=None)


def unwrapped(said: Mapping[str, Any]) -> str | None:
    """The line inside Docker's json-file envelope; None where there is no envelope."""
    line = said.get(_LOG)
    return line.rstrip("\n") if isinstance(line, str) and _STREAM in said and "time" in said else None


def complete(said: Mapping[str, Any]) -> bool:
    """Whether time, level and message are there (A51)."""
    return all(_has(said, names) for names in _USUAL) or _complete(_any_case(said))


def _has(said: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Whether one of the fields is there, with a value; without a generator, because each line is asked."""
    for name in names:  # noqa: SIM110
        if said.get(name) is not None:
            return True
    return False


def is_structured(text: str) -> bool:
    """Whether the text is one JSON object with time, level and message (A51)."""
    try:
        said, end = _SCAN(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, dict) and (end == len(text) or text[end:].isspace()) and complete(said)


def _complete(said: Mapping[str, Any]) -> bool:
    hasura = isinstance(said.get("detail"), Mapping) and isinstance(said.get("type"), str)
    message = hasura or _first(said, _MESSAGE) is not None
    return message and _first(said, _TIME) is not None and _level(said) is not None


def _generic(said: Mapping[str, Any]) -> Record:
    record = Record("json", _message(said), level_of(_level(said) or ""), _text(_first(said, _TIME)))
    record.trace = _text(_first(said, _TRACE))
    for key in _INNER:
        _add_error(record, said.get(key))
    for error in _further(said) if not record.level else ():
        _add_error(record, error)
    for kind, told in (("error.type", "error.message"), ("exception.type", "exception.message"),
                       ("errortype", "errormessage")):  # fmt: skip
        _add_error(record, {"type": said.get(kind), "message": said.get(told)})
    for part in _requests(said):
        _add_request(record, _any_case(part))
    record.carried = _carried(said)
    if not record.level and not record.status and _failed(record, said):
        record.level = ERROR
    return record


def _carried(said: Mapping[str, Any]) -> Literal["", "priority", "stream"]:
    """Whose the level is: journald's, Docker's for GELF, or Google's for plain text, which do not know the program's;
    Google calls all of stderr an error."""
    if "textpayload" in said:
        return "stream"
    default = str(said.get("severity", "")).upper() == "DEFAULT"
    return "priority" if default or "short_message" in said or digits(_text(said.get("priority"))) else ""


def _failed(record: Record, said: Mapping[str, Any]) -> bool:
    """Whether an object without a level and without a status says by its fields alone that something failed."""
    code = _text(said.get("code"))
    if code and _OF_SYSTEM.fullmatch(code):
        asked = ":".join(_text(said[name]) for name in ("address", "port") if said.get(name) is not None)
        _add_error(record, f"{_text(said.get('syscall'))} {code} {asked}".strip())
        return True
    cause = said.get("cause")
    return (
        (isinstance(cause, Mapping) and is_error(cause))
        or any(is_error(said.get(name)) for name in _FAILED)
        or _has_run_out(said)
    )


def _has_run_out(said: Mapping[str, Any]) -> bool:
    """Whether AWS Lambda's own report of a run says that it had no good end."""
    told = said.get("record") if str(said.get("type", "")).startswith("platform.") else None
    return isinstance(told, Mapping) and told.get("status") in ("timeout", "error", "failure")


def is_error(value: object) -> bool:
    """Whether a field named after an error has one."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO_ERROR
    if isinstance(value, Mapping):
        named = ("message", "msg", "type", "name", "code", "stack", "error", "detail", "reason")
        return any(isinstance(value.get(name), str) and is_error(value[name]) for name in named)
    if isinstance(value, list):
        return any(is_error(one) for one in value if isinstance(one, str | Mapping))
    return value is True


def _further(said: Mapping[str, Any]) -> Iterator[object]:
    """Errors that an object without a level has further inside: in a list, or in what a program adds."""
    listed = said.get("errors")
    yield from listed[:1] if isinstance(listed, list) else ()
    for name in _AROUND:
        if isinstance(inner := said.get(name), Mapping):
            yield from (inner.get(key) for key in _INNER if isinstance(inner.get(key), Mapping))


def _any_case(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object with each field under its name in lower case, too."""
    return {**{name.lower(): value for name, value in said.items()}, **said}


def _requests(said: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The parts in which a request may be told: the object itself, what it nests, and what that nests (ECS)."""
    yield said
    for name in (*_REQUEST, "url"):
        if isinstance(part := said.get(name), Mapping):
            yield part
            yield from (inner for key in _ECS if isinstance(inner := part.get(key), Mapping))


def _message(said: Mapping[str, Any]) -> str:
    if (found := _first(said, _MESSAGE)) is not None:
        return _text(found)
    if isinstance(line := said.get(_LOG), str):
        return line  # Fluent Bit's
    inner = said.get("fields") or said.get("jsonpayload")  # of Rust's tracing; Google's
    return _text(inner.get("message") if isinstance(inner, Mapping) else None)


def _level(said: Mapping[str, Any]) -> object:
    if (found := _first(said, _LEVEL)) is not None:
        number = _text(found) if "short_message" in said else ""  # GELF: syslog's numbers
        return _SYSLOG[int(number)] if digits(number) and int(number) < len(_SYSLOG) else found
    if isinstance(inner := said.get(_LOG), Mapping):
        return inner.get("level")
    if isinstance(letter := said.get("s"), str) and "ctx" in said:
        return letter  # MongoDB's
    if (numbered := _numbered(said)) is not None:
        return numbered
    around = (part for name in _AROUND if isinstance(part := said.get(name), Mapping))
    inside = (part.get(name) for part in around for name in ("level", "severity"))
    words = (said.get("priority"), said.get("status"), *inside)  # Log4j's, Datadog's
    return next((word for word in words if isinstance(word, str) and not digits(word) and level_of(word)), None)


def _numbered(said: Mapping[str, Any]) -> str | None:
    """The level by journald's priority, or by OpenTelemetry's number (17 to 20 are errors, further ones fatal)."""
    priority, number = _text(said.get("priority")), _text(said.get("severitynumber", said.get("severity_number")))
    if digits(priority):
        return "fatal" if int(priority) < _ERR else "error" if int(priority) == _ERR else "info"
    if digits(number):
        return "fatal" if int(number) > 20 else "error" if int(number) > 16 else "info"
    named = number.removeprefix("SEVERITY_NUMBER_").rstrip("1234")
    return named.lower() if named != number and level_of(named) else None


def _add_error(record: Record, error: object) -> None:
    if isinstance(error, str):
        if error and error not in record.message:
            record.message = f"{record.message}: {error}" if record.message else error
    elif isinstance(error, Mapping):
        kind = _text(error.get("type") or error.get("name") or error.get("kind"))
        told = _text(error.get("message") or error.get("msg") or error.get("error"))
        code = _text(error.get("code"))
        record.exception = record.exception or kind
        record.trace = record.trace or _text(error.get("stack") or error.get("stacktrace") or error.get("stack_trace"))
        for words in (told, code):
            if words and words not in record.message:
                record.message = f"{record.message}: {words}" if record.message else words


def _add_request(record: Record, part: Mapping[str, Any]) -> None:
    status = _first(part, _STATUS)
    method, route = _first(part, _METHOD), _first(part, _ROUTE)
    if status is None and isinstance(method, str) and isinstance(route, str):
        status = part.get("code")
    number = str(status).removesuffix(".0")
    if digits(number) and 100 <= int(number) <= 599:
        record.status = record.status or int(number)
    if isinstance(method, str) and not record.method:
        record.method = method
    if isinstance(route, str) and route.startswith(("/", "http")) and not record.route:
        record.route = path_of(route)


def path_of(url: str) -> str:
    """The path of a URL or request target, without its query."""
    path = url.partition("?")[0].partition("#")[0]
    if "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    return path


def _hasura(said: Mapping[str, Any]) -> Record:
    detail: Mapping[str, Any] = said["detail"]
    info = detail.get("http_info") if isinstance(detail.get("http_info"), Mapping) else {}
    operation = detail.get("operation") if isinstance(detail.get("operation"), Mapping) else {}
    error = operation.get("error") if isinstance(operation, Mapping) else None
    record = Record("hasura", _text(said["type"]), level_of(said.get("level", "")), _text(said.get("timestamp")))
    if isinstance(info, Mapping):
        _add_request(record, info)
    if isinstance(error, Mapping):
        record.level = max(record.level, ERROR)
        record.message = f"{record.message}: {_text(error.get('code'))}: {_text(error.get('error'))}"
        record.message += _of_internal(error.get("internal"))
    else:
        told = detail.get("message") or detail.get("error") or detail.get("info") or detail.get("kind")
        record.message += f": {_text(told)}" if told else ""
    if isinstance(operation, Mapping) and isinstance(operation.get("query_execution_time"), int | float):
        record.seconds = float(operation["query_execution_time"])
    return record


def _of_internal(internal: object) -> str:
    """PostgreSQL's words in Hasura's `internal.error`: SQLSTATE and message."""
    if isinstance(internal, str):
        return f": {internal}"
    error = internal.get("error") if isinstance(internal, Mapping) else None
    if not isinstance(error, Mapping):
        return ""
    return f": SQLSTATE {_text(error.get('status_code'))}: {_text(error.get('message'))}"


def _postgres(said: Mapping[str, Any]) -> Record:
    severity = _text(said["error_severity"])
    record = Record("postgres-json", f"{severity}:  {_text(said.get('message'))}", level_of(severity))
    record.time, record.sqlstate = _text(said.get("timestamp")), _text(said.get("state_code"))
    return record


def _first(said: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((said[key] for key in keys if said.get(key) is not None), None)


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)[:2000] if isinstance(value, dict | list) else str(value)
