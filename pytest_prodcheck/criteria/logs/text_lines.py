"""Records that are lines of text: logfmt, klog, Python's, Java's, Go's and Node's loggers, syslog.

Sources: kr/logfmt; kubernetes/klog's header; Python's `logging` and uvicorn's defaults; Logback's and Spring Boot's
pattern; Go's `log`; RFC 3164, RFC 5424; the CRI log format (kubelet-cri-logging.md of Kubernetes'
design proposals).
"""

from __future__ import annotations

import re

from pytest_prodcheck.criteria.logs.json_lines import is_error, path_of
from pytest_prodcheck.criteria.logs.record import ERROR, FATAL, Record, digits, level_of

_LOCAL = r"FEHLER|ERREUR|ERRORE|SCHWERWIEGEND|ОШИБКА|ВАЖНО|ПАНИКА|エラー|错误"
_LEVELS = r"TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|SEVERE|CRITICAL|FATAL|D?PANIC"
_SHORT = r"DBG|INF|WRN|ERR|FTL"
_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[:.]\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
_PAIR = re.compile(r"([A-Za-z_][\w.@-]*)=(\"(?:[^\"\\]|\\.)*\"|[^\s\"]*)")
_LOGFMT = re.compile(r"(?:[A-Za-z_][\w.@-]*=(?:\"(?:[^\"\\]|\\.)*\"|[^\s\"]*)\s*){2,}")
_KLOG = re.compile(r"([IWEF])(\d{4} \d\d:\d\d:\d\d\.\d+)\s+\d+ ([\w.-]+:\d+)\] (.*)", re.DOTALL)
_PYTHON = re.compile(
    rf"(?P<time>{_ISO})(?:\s+-)?\s+(?:(?P<name>[\w.]+)\s+(?:-\s+)?)?\[?(?P<level>{_LEVELS})\]?:?\s+(?:-\s+)?(?P<told>.*)",
    re.DOTALL,
)
_BASIC = re.compile(rf"(?P<level>{_LEVELS}):(?:(?P<name>[\w.]+):|\s+)(?P<told>.*)", re.DOTALL)
_JAVA = re.compile(
    r"(?=[^\n]{0,200}(?:---|\] | - ))"
    rf"(?P<time>{_ISO}|\d\d:\d\d:\d\d[.,]\d+)\s+(?:\[(?P<thread>[^\]]{{0,80}})\]\s+)?(?P<level>{_LEVELS})\s+"
    r"(?:\d+\s+---\s+)?(?:\[[^\]]{0,80}\]\s+){0,3}(?P<name>[\w.$\[\]/]+)\s*(?:-|:)\s(?P<told>.*)",
    re.DOTALL,
)
_GO = re.compile(
    r"(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)?) (?:\[(\w+)\] |(?=(?:ERR|FTL) )(\w+) |([\w/.-]+\.go:\d+): )?(.*)",
    re.DOTALL,
)
_GIN = re.compile(
    r"\[GIN\] (\d{4}/\d\d/\d\d - \d\d:\d\d:\d\d) \|\s*(\d{3}) \|[^|]*\|[^|]*\|\s*([A-Z]+)\s+\"([^\"]*)\"(.*)", re.DOTALL
)
_SYSLOG = re.compile(r"<(\d{1,3})>(?:1 )?(\S+ +\d+ [\d:]+|\S+)\s+\S+\s+([^\s:\[]+)(?:\[\d+\])?:?\s*(.*)", re.DOTALL)
_REDIS = re.compile(r"\d+:[XCSM] (\d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d+) ([.*#-]) (.*)", re.DOTALL)
_REDIS_ERROR = re.compile(r"\bfatal\b|BUG REPORT|crashed by signal|\berror\b|\bfailed\b|out of memory", re.IGNORECASE)
_NO_NOUN = (
    r"(?!(?<=error )(?:reporting|logs?|handl(?:ing|ers?)|pages?|rates?|budgets?|track(?:ing|er)|counts?|codes?|"
    r"boundar\w+|recovery|messages?|monitor(?:ing)?|thresholds?|levels?|reports?)\b)"
)
_CLOCK = r"(?:\d\d:\d\d:\d\d(?:[.,]\d{1,9})?|\d{1,2}:\d\d[AP]M)"
_DAY = r"\d\d-[A-Z][a-z]{2}-\d{4} "
_NAMED = re.compile(
    rf"\s{{0,4}}(?:[^\w\s\[(<\"']{{1,2}}\s+)?"
    rf"(?:\[?(?P<time>{_ISO}|(?:{_DAY})?{_CLOCK})\]?(?: [+-]\d\d:\d\d)?\s+)?[\[(<]?(?:{_CLOCK}\s+)?"
    rf"(?P<level>{_LEVELS}|{_SHORT}|CRIT|error|fatal|critical|warn|info|(?:Error|Critical)(?=\])|Fatal(?=[:\]]))\s{{0,6}}[\])>]?[:\s]+{_NO_NOUN}(?P<told>.*)",
    re.DOTALL,
)
_CHANNEL = re.compile(
    rf"\[(?P<time>{_ISO})\] [\w.-]{{1,60}}\.(?P<level>{_LEVELS}|ALERT|EMERGENCY): (?P<told>.*)", re.DOTALL
)
_DOTNET = re.compile(r"(?P<level>trce|dbug|info|warn|fail|crit): (?P<told>[\w.+`]+\[-?\d+\].*)", re.DOTALL)
_APACHE = re.compile(
    r"\[(?P<time>[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:.]{8,15} \d{4})\] "
    r"\[(?:[\w-]*:)?(?P<level>[a-z]{3,6})\d?\] (?P<told>.*)",
    re.DOTALL,
)
_LOGRUS = re.compile(r"(?P<level>TRAC|DEBU|INFO|WARN|ERRO|FATA|PANI)\[(?P<time>[^\]]{1,40})\] ?(?P<told>.*)", re.DOTALL)
_TORNADO = re.compile(
    r"\[(?P<level>[DIWEC]) (?P<time>[\d:., T-]{15,30}) (?P<name>[^\]]{1,200})\] (?P<told>.*)", re.DOTALL
)
_BRACKETED = re.compile(
    r"(?:[\w.-]{1,40}: )?\[(?P<level>emerg|alert|crit|ALERT|EMERG)\](?P<time>(?: \d+/\d+)?) *(?P<told>.*)", re.DOTALL
)
_SPDLOG = re.compile(
    rf"\[(?P<time>{_ISO})\](?:\[\d{{1,10}}\])? ?\[(?P<level>[a-z]{{4,8}})\]\[(?P<name>[^\]]{{1,80}})\] (?P<told>.*)",
    re.DOTALL,
)
_PIPED = re.compile(
    rf"(?P<time>{_ISO})\s{{0,8}}[|;]\s{{0,8}}(?P<level>[A-Za-z]{{3,12}})\s{{0,8}}[|;](?P<told>.*)", re.DOTALL
)
_KEYED = re.compile(r"(?:level|severity|lvl)[:=]\s{0,4}\"?(?P<level>[A-Za-z]{3,12})\"?[,;\s]+(?P<told>\w.*)", re.DOTALL)
_LOCALISED = re.compile(rf"(?P<level>{_LOCAL}): +(?P<told>.*)", re.DOTALL)
_BARE_PRIORITY = re.compile(r"<([0-7])>(?=\D)(.*)", re.DOTALL)
_CRASHED = re.compile(
    r"panic: |fatal error: |Segmentation fault|FATAL ERROR: |Bus error|Illegal instruction|Aborted \(core|"
    r"(?:\[[\d. ]{3,20}\] )?(?:traps: )?(?:\S{1,200}\[\d{1,10}\]:? )?(?:segfault at |general protection fault )|"
    r"npm (?:ERR!|error) code |[Uu]ncaught(?:Exception: | error: )|"
    r"Fatal Python error: |"
    r"\*\* \(\w|\*\*\* stack smashing|terminate called |thread '[^']{0,80}' (?:\(\d+\) )?panicked at |"
    r"Unhandled exception[.:]|Uncaught \w+Error|(?:\[[^\]]{10,40}\] )?PHP (?:Fatal|Parse) error:|"
    r"Exception in thread \"|"
    r"Fatal error: |PHP Recoverable fatal error:|# A fatal error has been detected by |"
    r"=(?:CRASH|ERROR|SUPERVISOR) REPORT=|"
    r"\S{1,200}: line \d{1,6}: +\d{1,10} (?:Segmentation fault|Killed|Aborted|Bus error|Illegal instruction)|"
    r"exec \S{1,200}: exec format error|"
    r"(?:RequestId: \S{36} )?Error: Runtime exited with error|\S{20,40} \S{36} Task timed out after |"
    r"\S{1,200}\.service: (?:Failed with result|Main process exited, code=(?:exited, status=[1-9]|killed|dumped))|"
    r"(?:\[n(?:uxt|itro)\] )?\[request error\] \[unhandled\](?! \[4\d\d\])|"
    r"\s*\+ Exception Group Traceback |Killed\s*\Z|"
    r"\S{1,200}:\d+:in [`'][^']{1,200}': [^\n]{1,500} \([\w:]+\)$",
    re.MULTILINE,
)
"""What run-times say by themselves when a program ends."""
_NAMING = (_CHANNEL, _APACHE, _DOTNET, _NAMED, _LOGRUS, _TORNADO, _BRACKETED, _SPDLOG, _PIPED, _KEYED, _LOCALISED)
_LEVEL_KEYS = ("level", "lvl", "severity", "loglevel", "log.level")
_ANSWERED = re.compile(r'"([A-Z]{3,7}) (\S+) HTTP/[\d.]+" (\d{3})')
_CRI = re.compile(r"(\S{20,40}) (?:stdout|stderr) [FP] (.*)", re.DOTALL)


def logfmt(text: str) -> Record | None:
    """`ts=… level=error msg="…" err=…`."""
    if "=" not in text[:80] or not _LOGFMT.match(text):
        return None
    said = {name.lower(): _unquoted(value) for name, value in _PAIR.findall(text)}
    level = next((said[key] for key in _LEVEL_KEYS if said.get(key)), None)
    status = said.get("status") or said.get("status_code") or (said.get("code", "") if "path" in said else "")
    if level is None and "msg" not in said and not (digits(status) and "method" in said):
        return None
    told = said.get("msg") or said.get("message") or said.get("event") or ""
    errors = [said[key] for key in ("err", "error") if said.get(key)]
    told += "".join(f": {error}" for error in errors)
    record = Record("logfmt", told, level_of(level or ""), said.get("ts") or said.get("time") or said.get("t") or "")
    record.status = int(status) if digits(status) and 100 <= int(status) <= 599 else 0
    if level is None and not record.status and any(map(is_error, errors)):
        record.level = ERROR
    record.method, record.route = said.get("method", ""), path_of(said.get("path") or said.get("uri") or "")
    return record


def klog(text: str) -> Record | None:
    """Kubernetes' own: `E1129 10:00:00.000000       1 file.go:12] message`."""
    found = _KLOG.match(text)
    return Record("klog", found[4], level_of(found[1]), found[2]) if found else None


def python(text: str) -> Record | None:
    """`logging` with a usual format, `basicConfig`'s, uvicorn's (whose access lines have a status)."""
    found = _PYTHON.match(text) or _BASIC.match(text)
    if not found:
        return None
    record = Record("python", found["told"], level_of(found["level"]), found.groupdict().get("time") or "")
    if answered := _ANSWERED.search(found["told"]):
        record.method, record.route, record.status = answered[1], path_of(answered[2]), int(answered[3])
    return record


def java(text: str) -> Record | None:
    """Logback, Log4j, Spring Boot."""
    found = _JAVA.match(text)
    return Record("java", found["told"], level_of(found["level"]), found["time"]) if found else None


def go(text: str) -> Record | None:
    """Go's `log`, and Gin's access lines."""
    if found := _GIN.match(text):
        record = Record("go", found[5].strip(), 0, found[1])
        record.method, record.route, record.status = found[3], path_of(found[4]), int(found[2])
        return record
    found = _GO.match(text)
    return Record("go", found[5], level_of(found[2] or found[3] or ""), found[1]) if found else None


def syslog(text: str) -> Record | None:
    """RFC 3164 and 5424, with their priority."""
    names = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
    if found := _BARE_PRIORITY.match(text):  # sd-daemon(3)
        return Record("syslog", found[2], level_of(names[int(found[1])]))
    found = _SYSLOG.match(text)
    if not found:
        return None
    return Record("syslog", found[4], level_of(names[int(found[1]) % 8]), found[2], carried="priority")


def redis(text: str) -> Record | None:
    """`1:M 29 Nov 2026 10:00:00.000 # message`; `#` is a warning, and all that is graver."""
    found = _REDIS.match(text)
    if not found:
        return None
    level = "info" if found[2] != "#" else "error" if _REDIS_ERROR.search(found[3]) else "warning"
    return Record("redis", found[3], level_of(level), found[1])


def named(text: str) -> Record | None:
    """A level, and what it is about: `[ERROR] …`, `2026-11-29T10:00:00Z error: …`, `FATAL …`."""
    found = next((one for one in (way.match(text) for way in _NAMING) if one and level_of(one["level"])), None)
    if not found:
        return None
    return Record("text", found["told"], level_of(found["level"]), found.groupdict().get("time") or "")


def plain(text: str) -> Record:
    """Whatever it is; a panic says by itself how grave it is."""
    return Record("text", text, FATAL if _CRASHED.match(text) else 0)


def cri(text: str) -> str | None:
    """The line inside the CRI's envelope (`TIME stderr F line`); None where there is none."""
    found = _CRI.match(text)
    return found[2] if found else None


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
