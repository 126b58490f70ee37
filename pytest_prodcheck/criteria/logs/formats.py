"""From the text of one record to a `Record`, by the format that its source was seen to write, or that is declared."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from pytest_prodcheck.criteria.logs import failures, json_lines, servers, text_lines, traces
from pytest_prodcheck.criteria.logs.record import ERROR, INFO, WARNING, Record, plain

Parser = Callable[[str], Record | None]

PARSERS: Mapping[str, Parser] = {
    "json": json_lines.parse,
    "access": servers.access,
    "nginx-error": servers.nginx_error,
    "postgres": servers.postgres,
    "postgres-csv": servers.postgres_csv,
    "klog": text_lines.klog,
    "logfmt": text_lines.logfmt,
    "java": text_lines.java,
    "python": text_lines.python,
    "go": text_lines.go,
    "redis": text_lines.redis,
    "syslog": text_lines.syslog,
    "text": text_lines.named,
}
"""Every format by name, the most telling first: the first that knows the line counts."""

_SPOKEN = {"hasura": "json", "postgres-json": "json", "ingress": "access"}
"""Forms that another format's parser tells apart."""
_WORDED = ("text", "python", "java", "go", "klog", "syslog", "json")
_CARRIERS = ("json", "syslog")
_ENVELOPES = 3
_LONGEST = 16_384
_OBJECT = 65_536
"""Characters of a JSON object, which says nothing where it is cut off."""


def parse(text: str, first: str = "", only: str = "") -> Record:
    """The record of a text, its trace read. `first` is the format that is tried before others; `only` is declared: what
    it does not know is plain text."""
    text, envelope = opened(text[:_OBJECT])
    text = plain(text if text.startswith(json_lines.OPENINGS) else text[:_LONGEST])
    names = (only,) if only else (_SPOKEN.get(first, first), *PARSERS)
    tried = (PARSERS[name](text) for name in names if name in PARSERS)
    record = next((found for found in tried if found is not None), None) or text_lines.plain(text)
    record = _inner(record) or record
    if not record.status and record.form in _WORDED:
        servers.told(record)
    record.time, record.message = envelope or record.time, plain(record.message[:_LONGEST])
    record.trace = record.trace[:_LONGEST]
    return _with_trace(record, text)


def _inner(record: Record) -> Record | None:
    """The record that is carried as a message: shippers put whole lines there (Fluent Bit's `log`, Docker's GELF), and
    journald, syslog and Google call whatever a program prints information. None where there is none."""
    if record.status or record.exception or (record.level and not record.carried):
        return None
    if record.form not in _CARRIERS:
        return None
    said = record.message.strip()
    tried = (PARSERS[name](said) for name in PARSERS)
    inner = next((found for found in tried if found is not None), None)
    if inner is None and record.level == INFO:
        inner = text_lines.plain(said)
    elif inner is None or not (inner.level or inner.status):
        return None
    if inner.level < record.level and record.carried == "priority" and record.level >= WARNING:
        return None
    inner.time = record.time or inner.time
    return inner


def opened(text: str) -> tuple[str, str]:
    """The line without the envelopes of container run-times, and the envelope's time."""
    time = ""
    for _ in range(_ENVELOPES):
        inner = text_lines.cri(text)
        if inner is not None:
            text, time = inner, time or text.partition(" ")[0]
            continue
        if not text.startswith('{"log":'):
            break
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            break
        line = json_lines.unwrapped(said) if isinstance(said, dict) else None
        if line is None:
            break
        text, time = line, time or str(said["time"])
    return text, time


def _with_trace(record: Record, text: str) -> Record:
    body = f"{record.message}\n{record.trace}" if record.trace else record.message
    if record.form == "access":
        return record
    trace = traces.read(body)
    if trace is not None and not trace.type and not record.level:
        trace = traces.named_within(body, trace)
    if (trace is None and record.level >= ERROR) or (record.form == "text" and not record.level):
        trace = trace or traces.heading(failures.TIMED.sub("", record.message))
    if trace is not None:
        record.exception = trace.type or record.exception
        record.trace = record.trace or (text if trace.frame else "")
    return record
