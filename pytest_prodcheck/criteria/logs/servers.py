"""Records of servers: access lines of nginx, ingress-nginx, Apache, Envoy, Node and AWS' load balancers; nginx' error
log; PostgreSQL's logs.

Sources: nginx' `combined` and ngx_errlog; ingress-nginx' `upstreaminfo`; Envoy's default format; morgan; "Access logs
for your Application Load Balancer" and "Access logs for your Classic Load Balancer" (AWS, Elastic Load Balancing);
PostgreSQL's log_line_prefix and csvlog (Error Reporting and Logging).
"""

from __future__ import annotations

import csv
import re

from pytest_prodcheck.criteria.logs.json_lines import path_of
from pytest_prodcheck.criteria.logs.record import Record, level_of

_COMBINED = re.compile(
    r"(?:[\w.:,@-]{1,255} ){3,8}?\[(?P<time>[^\]]{20,30})\] \"(?:(?P<method>[A-Z]{3,16}) (?P<path>\S+)[^\"]*|[^\"]*)\" "
    r"(?P<status>\d{3}) (?:\d+|-)(?P<rest>.*)", re.DOTALL)  # fmt: skip
_UPSTREAM = re.compile(r" \d+ [\d.]+ \[(?P<service>[^\]]*)\] \[[^\]]*\] (?P<upstream>\S+) ")
_ENVOY = re.compile(
    r"\[(?P<time>\d{4}-[^\]]{15,25})\] \"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[\d.]+\" (?P<status>\d{3}) "
)
_MORGAN = re.compile(r"(?P<method>GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (?P<path>/\S*) (?P<status>\d{3}) [\d.-]+ ?ms")
_MORGAN_SHORT = re.compile(
    r"\S{1,255} \S{1,255} (?P<method>[A-Z]{3,16}) (?P<path>/\S*) HTTP/[\d.]+ (?P<status>\d{3}) (?:\d+|-) - [\d.]+ ms"
)
_QUOTED = re.compile(r"\"(?P<method>[A-Z]{3,16}) (?P<path>\S+) HTTP/[\d.]+\" (?P<status>\d{3})(?!\S)")
_HAPROXY = re.compile(
    r"(?:\S{1,255} ){1,6}?\[(?P<time>[^\]]{20,30})\] \S+ \S+ [\d/+-]{9,60} "
    r"(?P<status>\d{3}) [^\"]{0,300}\"(?P<method>[A-Z]{3,16}) (?P<path>\S+)"
)
_BALANCER = re.compile(
    r"(?:(?:https?|h2|grpcs|wss?) )?(?P<time>\d{4}-\d\d-\d\dT[\d:.]{8,15}Z) \S{1,255} \S{3,60} (?P<target>\S{1,60}) "
    r"(?:-?[\d.]{1,20} ){3}(?P<status>\d{3}|-) (?P<answered>\d{3}|-) (?:-|\d{1,20}) (?:-|\d{1,20}) "
    r"\"(?P<method>[A-Z]{3,16}|-) (?P<path>\S{1,8000}) ?[^\"]{0,60}\"(?P<rest>.*)",
    re.DOTALL,
)
"""AWS: type (not of a classic one), time, balancer, client, target, three times, the balancer's status and the
target's, bytes, request. `-` and -1 stand for what there was not."""
_PARTS = re.compile(r"\"([^\"]{0,8000})\"|(\S{1,8000})")
_REASON = 11
"""Fields from the request's to `error_reason`."""
_TOLD = re.compile(
    r"\b(?P<method>GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (?P<path>\S{1,500}) (?:- |-> |responded )?"
    r"(?P<status>5\d\d) (?:in )?\(?\d"
    r"|\b(?:Completed (?P<rails>5\d\d) [A-Z][\w ]{2,40} in|Sent (?P<phoenix>5\d\d) in) \d"
    r"|\bstatus=(?P<tower>5\d\d)\b"
)
"""A request that was answered, in the words of Next.js, Hono, Serilog, .NET, Rails, Phoenix and tower-http."""
_NGINX_ERROR = re.compile(r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) \[(\w+)\] \d+#\d+: (?:\*\d+ )?(.*)", re.DOTALL)
_SEVERITY = (
    r"DEBUG[1-5]?|INFO|NOTICE|LOG|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION|"
    r"FEHLER|PANIK|ERREUR|ERRORE|ERRO|FATALE|ОШИБКА|ВАЖНО|ПАНИКА|エラー|错误"
)
"""Those that are grave also as `lc_messages` has them translated."""
_STDERR = re.compile(
    rf"(?P<time>\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [A-Z]{{2,5}}| [+-]\d\d)?)(?P<prefix>[^\n]{{0,160}}?)"
    rf"\b(?P<severity>{_SEVERITY}):  (?P<told>.*)", re.DOTALL)  # fmt: skip
_CSV_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [A-Z]{2,5},")
_STATE = re.compile(r"\b(?=\w*\d)([0-9A-Z]{5})\b(?=[: ]*$)")
_STATED = re.compile(r"^([0-9A-Z]{5}): ")
DURATION = re.compile(r"duration: ([\d.]+) ms(?:  (?:statement|execute [^:]{0,80}|plan): ?(.*))?", re.DOTALL)
_OF_REST = 16_000
"""Characters behind a balancer's request that are taken apart."""
_COLUMNS = 23
"""Columns of csvlog since PostgreSQL 9.0; later versions append."""


def access(text: str) -> Record | None:
    """One answered request; ingress-nginx says which service it was for, a load balancer of AWS which target."""
    if balanced := _BALANCER.match(text):
        return _balanced(balanced)
    ways = (_COMBINED, _ENVOY, _MORGAN, _MORGAN_SHORT, _QUOTED, _HAPROXY)
    found = next((one for one in (way.match(text) for way in ways) if one), None)
    if not found:
        return None
    said = found.groupdict()
    record = Record("access", text, 0, said.get("time") or "")
    record.method, record.route = said["method"] or "", path_of(said["path"] or "")
    record.status = int(said["status"])
    if (rest := said.get("rest")) and (upstream := _UPSTREAM.search(rest)):
        record.form = "ingress"
        record.message = f"{record.method} {record.route} {record.status} from {upstream['service'] or 'no service'}"
    return record


def _balanced(found: re.Match[str]) -> Record:
    """The status is what the client got. Where nobody answered it (its connection was closed), there is none."""
    status, target = found["status"], found["target"]
    record = Record("access", "", 0, found["time"], status=int(status) if status != "-" else 0)
    record.method, record.route = found["method"].strip("-"), path_of(found["path"])
    parts = [quoted or plain for quoted, plain in _PARTS.findall(found["rest"][:_OF_REST])]
    reason = parts[_REASON] if len(parts) > _REASON and parts[_REASON] != "-" else ""
    whose = "no target" if target == "-" else f"{target} ({found['answered']})" if found["answered"] != "-" else target
    record.message = f"{record.method} {record.route} {status} from {whose}{f': {reason}' if reason else ''}"
    return record


def told(record: Record) -> None:
    """Adds the 5xx that the words of a record without a status tell of."""
    if found := _TOLD.search(record.message[:600]):
        said = found.groupdict()
        record.status = int(said["status"] or said["rails"] or said["phoenix"] or said["tower"])
        record.method, record.route = said["method"] or record.method, path_of(said["path"] or "") or record.route


def nginx_error(text: str) -> Record | None:
    """nginx' error log: `2026/11/29 10:00:00 [error] 7#7: *1 connect() failed …`."""
    found = _NGINX_ERROR.match(text)
    return Record("nginx-error", found[3], level_of(found[2]), found[1]) if found else None


def postgres(text: str) -> Record | None:
    """PostgreSQL on stderr, with any log_line_prefix that begins with a time."""
    found = _STDERR.match(text)
    if not found:
        return None
    severity, told = found["severity"], found["told"]
    record = Record("postgres", f"{severity}:  {told}", level_of(severity.rstrip("12345")), found["time"])
    state = _STATED.match(told) or _STATE.search(found["prefix"].strip())
    record.sqlstate = state[1] if state else ""
    record.seconds = _seconds(told)
    return record


def postgres_csv(text: str) -> Record | None:
    """One row of PostgreSQL's csvlog, which may have line breaks in its fields."""
    if not _CSV_TIME.match(text):
        return None
    try:
        row = next(csv.reader([*text.splitlines(keepends=True)]))
    except (csv.Error, StopIteration):
        return None
    if len(row) < _COLUMNS:
        return None
    record = Record("postgres-csv", f"{row[11]}:  {row[13]}", level_of(row[11].rstrip("12345")), row[0])
    record.sqlstate, record.seconds = row[12].replace("00000", ""), _seconds(row[13])
    return record


def _seconds(told: str) -> float | None:
    found = DURATION.search(told)
    return float(found[1]) / 1000 if found else None
