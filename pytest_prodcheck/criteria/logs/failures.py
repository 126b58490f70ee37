"""What drivers, run-times and the system say of a failure in a line that has no level.

Only in the words in which they say it, and where they say it: at the line's beginning, behind what a program says first
(`query failed: `), or as a whole sentence of theirs. A sentence that speaks of such failures is none.

Sources: Oracle's, Db2's, SQL Server's and MySQL's message references; Go's net and os; Node.js' `SystemError`; libcurl's
tool; Linux' printk lines; systemd's unit messages; Rails', gunicorn's, uvicorn's, Celery's and Spring Boot's; Bun's and
Rust's run-times; AWS Lambda's REPORT lines; Heroku's and Cloud Run's platform lines.
"""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

import re

_SYSTEM = r"E(?:CONNREFUSED|CONNRESET|CONNABORTED|TIMEDOUT|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH|ADDRINUSE|PIPE|MFILE|NFILE|NOMEM|NOSPC)"
_AFTER = r"(?:\A|[:>\]] |\t)"
"""Where the words of a library begin."""
_STATED = re.compile(
    # databases
    rf"{_AFTER}(?:ORA-\d{{5}}: |SQL\d{{4,5}}N\b|SQLSTATE\[|Msg \d+, Level (?:1[1-9]|2\d), State |pq: )"
    r"|\AERROR \d{4} \(\w{5}\)|\A[\w./-]{1,60}: (?:[Ee]rror|[Ff]atal|ERROR|FATAL): "
    # the network
    rf"|\b(?:connect|getaddrinfo|read|write|listen|bind|code:) '?{_SYSTEM}\b|{_AFTER}{_SYSTEM}: "
    rf"|{_AFTER}(?:dial|read|write|listen) (?:tcp|udp|unix)\b[^\n]{{0,200}}?: \w|{_AFTER}lookup \S{{1,200}}: no such host"
    rf"|(?:\A|: )(?:socket hang up|context deadline exceeded|address already in use|connection (?:refused|reset by peer))\s*\Z"
    rf"|\A\[Errno \d{{1,3}}\] |\Acurl: \(\d{{1,2}}\) "
    # run-times and frameworks
    r"|\A(?:called `(?:Result|Option)::\w{1,20}\(\)` on |memory allocation of \d+ bytes failed|panic\(|oh no: Bun has crashed"
    r"|SIG(?:SEGV|BUS|ABRT|ILL|FPE): |unexpected fault address |Kernel pid terminated|\{\"Kernel pid terminated"
    r"|PHP Warning:  Uncaught |Application startup failed|Exception encountered during context initialization"
    r"|Worker failed to boot|Container terminated on signal |Process exited with status [1-9])"
    r"|\A(?:\[[\w.-]{1,40}\] )?\[unhandled\] |\AInvalid `[\w.$]{1,80}\(\)` invocation"
    r"|\A\[?\w{0,60}Error(?:: | \[[A-Z_0-9]{3,60}\]:)"
    r"|\A(?:[A-Z]\w{0,60}::){1,5}(?!RoutingError|RecordNotFound)[A-Z]?\w{0,60}?"
    r"(?:Error|Exception|Bad|NotEstablished|NotUnique|Invalid|Violation|Deadlocked|Timeout|Refused|Denied|Missing|Exceeded) \("
    rf"|: \w{{0,60}}(?:Error|Exception): \w"
    rf"|{_AFTER}Task \S{{1,120}}\[[\w-]{{8,40}}\] raised unexpected: |\bAPPLICATION FAILED TO START\b"
    r"|\bWorker \(pid:\d+\) was sent SIG(?:KILL|SEGV|ABRT)|: Process exited with status [1-9]|\bState changed from \w{2,12} to crashed"
    r"|\bInternal server error: |(?:\A|: )fetch failed\s*\Z|\A\[(?:GraphQL|Network) error\]: "
    # the system
    r"|\A(?:\[ *\d+\.\d+\] )?(?:Kernel panic - |BUG: |watchdog: BUG: |\w{1,12}-fs error \(|blk_update_request: I/O error|"
    r"I/O error, dev |Out of memory: |INFO: task \S{1,80} blocked for more than )"
    r"|\.service: Start request repeated too quickly|\Asystemd\[\d+\]: Failed to start "
    r"|exec user process caused: |\Aexec \S{1,200}: (?:no such file|permission denied)|\A\S{0,80}sh: .{1,200}: (?:command )?not found\Z"
    r"|\A\S{1,80}: can't open file |\bbackend \S{1,80} has no server available!"
    # platforms
    r"|\AREPORT RequestId: [^\n]{1,400}\bStatus: (?:timeout|error)|\AMemory limit of \S{1,20} (?:\w{1,5} )?exceeded"
    rf"|\A%[0-3]\|[\d.]{{5,20}}\|\w{{3,12}}\|",
    re.MULTILINE,
)  # fmt: skip
_LOOKED_AT = 500
"""Characters of a message in which they are looked for."""

TIMED = re.compile(r"\A\[?\d{4}-\d\d-\d\d[T ][\d:.,]{8,18}(?:Z|[+-]\d\d:?\d\d)?\]?\s{1,8}")
"""A time that stands before what a program says."""
HINTS = (
    b"unwrap",
    b"repeated",
    b"sigkill",
    b"sigsegv",
    b"sigabrt",
    b"sigbus",
    b"errno",
    b"deadline",
    b"blocked",
    b"undefined",
)
WORDS = ("ora", "exist", "dial", "lookup", "hang", "peer", "listen", "fault", "exec", "boot", "available")
STARTS = (b"=SUPERVISOR REPORT", b"SQLN", b"Msg , Level ", b"curl: (", b"%|")
"""What such lines have in lower case and without digits: parts of words, words that are parts of too many others, and
what they begin with."""


def stated(message: str) -> bool:
    """Whether a line without a level states a failure."""
    return _STATED.search(TIMED.sub("", message[:_LOOKED_AT])) is not None
