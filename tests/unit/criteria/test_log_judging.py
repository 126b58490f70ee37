"""What a digest comes to (A5, A50, A51, A60, B21, B68, C28, C30, C38, C39, E11, E45, E46, R22, T22)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import log_reading
import pytest
from log_reading import NOW, WINDOW

from pytest_prodcheck.criteria.logs import answers, judging
from pytest_prodcheck.criteria.logs.coverage import coverage
from pytest_prodcheck.criteria.logs.startup import startup
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.log import Answer, Asked, Digest, Gap, Origin, Own, Stream, Window

QUIET = '10.0.0.3 - - [29/Nov/2026:10:09:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"\n'


def at(seconds: float, words: str) -> str:
    """A line so many seconds before now, as Python's logging writes it."""
    moment = datetime.fromtimestamp(NOW - seconds, UTC).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
    return f"{moment} {words}\n"


def judged(
    judge: judging.Judge, text: str, *, quiet: str = QUIET, window: Window = WINDOW, **keys: Any
) -> list[Finding]:
    """What the judge finds in the text, with one quiet request beside it."""
    return judge(log_reading.digest(quiet + text, window=window, **keys), log_reading.table(**keys), "logs")


def test_silence_of_a_window_that_was_seen_is_green() -> None:
    """Traffic, and nothing else: no judge finds anything."""
    found = log_reading.digest(QUIET + at(5, "INFO app: ok"))
    assert [one for judge in judging.ALL for one in judge(found, log_reading.table(), "logs")] == []


@pytest.mark.parametrize("judge", [judging.server_errors, judging.errors, judging.private, judging.retries, coverage])
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "logs.source.empty"),
        (at(5000, "INFO app: long ago"), "logs.source.empty"),
        ("no line has a time\n" * 3, "logs.window.unproven"),
        (at(5, "INFO app: ok"), "logs.traffic.none"),
    ],
)
def test_silence_of_a_window_that_was_not_seen_is_unproven(judge: judging.Judge, text: str, code: str) -> None:
    """No lines, old ones, lines without times, no traffic: zero errors proves nothing, for no promise (T22)."""
    found = judged(judge, text, quiet="")
    assert code in {one.code for one in found}
    assert {one.severity for one in found} == {"insufficient"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the source gives no line in the window (since 2026-11-29T10:00:00Z, the rollout): app.log"),
        (at(900, "INFO app: old"),
         "no line in the window (since 2026-11-29T10:00:00Z, the rollout); the last one is of 2026-11-29T09:55:00Z"),
    ],
)  # fmt: skip
def test_an_empty_window_says_since_when(text: str, says: str) -> None:
    """And where it may be looked at."""
    origin = Origin("app.log", facts={"look": "tail -n 200 app.log"})
    (found,) = coverage(log_reading.digest(text, origin=origin), log_reading.table(traffic=False), "logs")
    assert (found.message, found.data["look"]) == (says, "tail -n 200 app.log")


def test_no_traffic_is_said_in_these_words() -> None:
    """And that our own requests are none."""
    own = QUIET.replace('"-"\n', '"prodcheck/1 (run 5f)"\n')
    (found,) = judged(coverage, own, quiet="")
    assert found.message == ("no traffic in the window (but 1 of our own), promised > 0: zero errors proves nothing")
    assert judged(coverage, own, quiet="", traffic=False) == []


def test_no_traffic_says_where_requests_would_show() -> None:
    """The next command shows the lines of the busiest stream, not the check once more."""
    origin = Origin("app.log", facts={"look": "tail -n 200 app.log"})
    (found,) = coverage(log_reading.digest(at(5, "INFO app: ok"), origin=origin), log_reading.table(), "logs")
    assert (found.code, found.data["look"]) == ("logs.traffic.none", "tail -n 200 app.log")


def test_what_may_not_be_read_blocks() -> None:
    """A refusal is never green, and no failure of what nobody saw (R22)."""
    found = log_reading.digest(QUIET)
    refused = Digest(found.window, found.streams, gaps=(Gap("plan-app/app", "refused", "pods/log is forbidden"),))
    findings = [one for judge in judging.ALL[:3] for one in judge(refused, log_reading.table(), "logs")]
    assert {(one.code, one.severity) for one in findings} == {("logs.source.forbidden", "blocked")}
    assert findings[0].message.startswith("cannot read logs: forbidden (plan-app/app)")


def test_a_gap_leaves_silence_unproven_and_errors_red() -> None:
    """What was rotated away may have had more; what was seen is enough for red."""
    text = QUIET + at(9, "ERROR app: boom")
    seen = log_reading.digest(text)
    digest = Digest(seen.window, seen.streams, seen.groups, (Gap("app.log", "rotated", "file.1 is gone"),))
    table = log_reading.table()
    assert [one.severity for one in judging.errors(digest, table, "logs")] == ["error"]
    assert [one.code for one in judging.server_errors(digest, table, "logs")] == ["logs.source.incomplete"]


def test_a_clock_ahead_is_said() -> None:
    """A node whose lines are younger than now."""
    (found,) = judged(coverage, at(-300, "INFO app: from the future"))
    assert (found.code, found.severity, found.data["ahead_s"]) == ("logs.clock.skewed", "warning", 300)


def test_server_errors_are_counted_by_route() -> None:
    """With their number, and when (A3, A60, B11)."""
    lines = "".join(QUIET.replace("GET / ", f"GET /api/tasks/{n} ").replace(" 200 ", " 502 ") for n in range(3))
    (found,) = judged(judging.server_errors, lines)
    assert found.message == "3× 502 on GET /api/tasks/<id> at 2026-11-29T10:09:00Z; new since the rollout"
    assert (found.subject, found.data["status"]) == ("GET /api/tasks/<id>", 502)


@pytest.mark.parametrize(("words", "count"), [("", 0), (": no such table: goals", 1)])
def test_the_line_of_a_request_is_no_second_error(words: str, count: int) -> None:
    """That it was answered 500 is found once; a reason beside it is found as well."""
    said = {"level": "error", "status": 500, "method": "POST", "path": "/a", "msg": f"POST /a 500{words}"}
    line = f"{json.dumps({'time': NOW - 5, **said})}\n"
    assert [one.code for one in judged(judging.server_errors, line)] == ["logs.requests.server_errors"]
    assert len(judged(judging.errors, line)) == count


def test_what_was_there_before_is_said_so() -> None:
    """And is as grave as `known` says; what is new is an error."""
    before, now, new = at(700, "ERROR app: old"), at(9, "ERROR app: old"), at(9, "ERROR app: new")
    old = before + now
    found = {one.data["fingerprint"]: one for one in judged(judging.errors, old + new, quiet="", known="warning")}
    words = {one.severity: one.message.partition("; ")[2] for one in found.values()}
    assert words == {"warning": "1× before it, too", "error": "new since the rollout"}
    assert [one.severity for one in judged(judging.errors, old, quiet="")] == ["error"]
    window = Window(NOW - 600, NOW, NOW - 1200, "the last 10m")
    assert [one.severity for one in judged(judging.errors, old, quiet="", window=window, known="warning")] == ["error"]


def test_lines_of_our_own_requests_are_evidence_only() -> None:
    """The 500 that we caused is judged where we got it."""
    text = QUIET + at(9, "ERROR app: request of run 5f1d0c2ab3e4f607 failed")
    found = log_reading.digest(text, own=Own("5f1d0c2ab3e4f607"))
    assert [group.ours for group in found.groups] == [1]
    assert judging.errors(found, log_reading.table(), "logs") == []


def test_a_fallback_in_use_is_a_warning() -> None:
    """Visible, and not green (E46); tokens that are checked without the provider are red (E11)."""
    (fallback,) = judged(judging.errors, at(9, "WARNING app: 3 fallback handlers created"))
    (local,) = judged(judging.errors, at(9, "WARNING app: Local JWT validation is active"))
    assert (fallback.severity, fallback.code) == ("warning", "logs.handler.fallback")
    assert (local.severity, local.code) == ("error", "logs.validation.local")


def test_level_warning_takes_warnings() -> None:
    """The level that is declared, and above."""
    text = at(9, "WARNING app: cache is cold")
    assert judged(judging.errors, text) == []
    assert [one.code for one in judged(judging.errors, text, level="warning")] == ["logs.record.grave"]
    assert judged(judging.errors, at(9, "ERROR app: boom"), level="fatal") == []


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("was never awaited", 1), ("re:P10\\d\\d", 2), ("re:never\\s+awaited", 1), ("WAS NEVER", 1), ("nothing", 0)],
)
def test_forbidden_patterns(pattern: str, count: int) -> None:
    """Plain text and regular expressions, also such as hold no word that the screen could look for (C38)."""
    text = at(9, "INFO app: coroutine x was never awaited") + at(8, "INFO app: P1001") + at(7, "INFO app: P1002")
    found = judged(judging.forbidden, text, forbid=(pattern,))
    assert sum(one.data["count"] for one in found) == count


def test_credentials_and_personal_data_are_masked() -> None:
    """The finding says that a line prints them, and does not."""
    text = (
        at(9, "INFO app: connecting to postgresql://app_user:dummy-DsnPa55-3vK@db.test:5432/shop")
        + at(8, "INFO app: mail to jane.roe@mail.plan-shop.io")
        + at(7, "INFO app: card 4111 1111 1111 1111 declined")
    )
    found = judged(judging.private, text)
    assert sorted((one.code, one.severity) for one in found) == [
        ("logs.privacy.personal_data", "warning"),
        ("logs.privacy.personal_data", "warning"),
        ("logs.secret.printed", "error"),
    ]
    said = str([one.as_json() for one in found])
    assert not [word for word in ("dummy-DsnPa55-3vK", "jane.roe", "4111 1111") if word in said]
    assert "log prints a credential: " in said
    assert [one.code for one in judged(judging.private, text, personal_data=False)] == ["logs.secret.printed"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"msg": "login with password=dummy-DsnPa55-3vK"}, "login with password=[redacted]"),
        ({"msg": "login", "password": "dummy-DsnPa55-3vK"}, '"password": "[redacted]'),
    ],
)
def test_a_credential_in_json_is_said_by_its_message_or_its_key(said: dict[str, str], shown: str) -> None:
    """Not by the middle of the object, nor without the numbers before it."""
    line = {"time": "2026-11-29T10:09:51.204+00:00", "level": "info", "attempt": 3, **said}
    (found,) = judged(judging.private, f"{json.dumps(line)}\n")
    assert found.message.startswith(f"log prints a credential: {shown} (1×, app.log at ")


@pytest.mark.parametrize(
    ("others", "says"),
    [("", "1× mail: connection refused to mail.internal:2525"),
     ("2526", "2× like: mail: connection refused to mail.internal:2525")],
)  # fmt: skip
def test_a_finding_shows_the_numbers_of_its_example(others: str, says: str) -> None:
    """What only groups them, the form without numbers, hides what the remedy asks for."""
    text = "".join(
        at(9, f"ERROR mail: connection refused to mail.internal:{port}") for port in ("2525", *others.split())
    )
    (found,) = judged(judging.errors, text)
    assert found.message.startswith(f"{says} (app.log ")


@pytest.mark.parametrize(
    ("gaps", "storm"),
    [([0.01] * 30, True), ([0.01 * 2**n for n in range(11)], False), ([2.0] * 30, False), ([0.01] * 5, False)],
)  # fmt: skip
def test_retries_without_pauses(gaps: list[float], storm: bool) -> None:
    """Ten and more, less than a second apart, not growing (C30)."""
    times, text = 300.0, ""
    for gap in gaps:
        text += at(times, "WARNING app: retrying connection to the broker, attempt 3")
        times -= gap
    found = judged(judging.retries, text)
    assert bool(found) is storm
    if storm:
        assert found[0].message.startswith("app.log retries each 10ms, 30×: storm")


def test_slow_queries() -> None:
    """With their worst (B21)."""
    text = "".join(
        f"2026-11-29 10:09:00.000 UTC [7] LOG:  duration: {took} ms  statement: select * from tasks where id = {n}\n"
        for n, took in enumerate((12.5, 1500.0, 2312.5))
    )
    (found,) = judged(judging.slow, text, slow=1.0)
    assert found.message.startswith("2 slow query lines, worst 2.31s: ")


@pytest.mark.parametrize(("limit", "holds"), [("< 5", False), ("< 6", True), ("< 80%", False), ("< 90%", True)])
def test_refused_log_ins_by_reason(limit: str, holds: bool) -> None:
    """As a number, or as a share of all (B68)."""
    text = at(9, "INFO auth: user u1 logged in") + at(8, "INFO auth: token rejected: signature mismatch")
    text += "".join(at(7, "INFO auth: login failed: wrong password") for _ in range(4))
    found = judged(judging.logins, text, auth_failures=limit)
    assert bool(found) is not holds
    if not holds:
        assert found[0].message.startswith("4 “wrong password”, 1 “bad signature” vs 1 log-ins granted")
        assert found[0].data["file"] == "/app.log"


GOOD = '{"level":"info","ts":"2026-11-29T10:09:00Z","msg":"ok"}\n'


def test_structured_lines() -> None:
    """The share of lines that are JSON with time, level and message, and the first that is none (A51)."""
    text = QUIET.replace("GET", "POST") + "".join(GOOD if n % 3 else "print() was here\n" for n in range(300))
    (found,) = judged(judging.structured, text, quiet="", structured="> 95%")
    assert found.message == (
        "101 of 301 lines (34%) are not JSON with time, level and message; the first: "
        '10.0.0.3 - - [29/Nov/2026:10:09:00 +0000] "POST / HTTP/1.1" 200 1 "-" "-" (app.log)'
    )
    assert (found.code, found.seen) == ("logs.lines.unstructured", "66%")
    assert judged(judging.structured, text, quiet="", structured="> 50%") == []
    assert judged(judging.structured, text, quiet="") == []


@pytest.mark.parametrize("at_", [0, 17, 36, 999])
def test_each_line_counts_for_the_share_of_structured_ones(at_: int) -> None:
    """Also those that come as often as a sample would be taken: nothing is left to a line's place."""
    text = "".join("print() was here\n" if n % 37 == at_ % 37 else GOOD for n in range(3700))
    (found,) = judged(judging.structured, text, structured="> 99%", traffic=False, quiet="")
    assert found.message.startswith("100 of 3700 lines (3%) are not JSON")
    one = "".join("print() was here\n" if n == at_ else GOOD for n in range(3700))
    (found,) = judged(judging.structured, one, structured=">= 100%", traffic=False, quiet="")
    assert found.message.startswith("1 of 3700 lines (0.03%) are not JSON")
    assert found.seen == "99.97%"


@pytest.mark.parametrize(
    ("line", "good"),
    [
        ('{"@timestamp":"x","log":{"level":"info"},"message":"ok"}', True),
        ('{"Timestamp":"x","Level":"Info","MessageTemplate":"ok"}', True),
        ('{"type":"startup","timestamp":"x","level":"info","detail":{"a":1}}', True),
        ('{"log":"{\\"level\\":\\"info\\",\\"ts\\":1,\\"msg\\":\\"ok\\"}\\n","stream":"stdout","time":"x"}', True),
        ('{"log":"print() was here\\n","stream":"stdout","time":"x"}', False),
        ('{"ts":1,"level":"info"}', False),
        ('{"ts":1,"level":"info","msg":null}', False),
        ('{"ts":1,"level":"info","msg":"cut o', False),
        ('[{"ts":1,"level":"info","msg":"x"}]', False),
    ],
)
def test_what_counts_as_structured(line: str, good: bool) -> None:
    """An object with time, level and message, under the names that loggers give them, in a run-time's envelope, too."""
    found = judged(judging.structured, f"{line}\n" * 20, structured="> 50%", traffic=False, quiet="")
    assert (found == [] or {one.code for one in found} == {"logs.window.unproven"}) is good


def test_few_lines_and_gaps_prove_no_share_of_structured_ones() -> None:
    """Nineteen lines are too few; and what was rotated away may have had others."""
    (found,) = judged(judging.structured, GOOD * 19, structured="> 95%", traffic=False, quiet="")
    assert (found.code, found.severity) == ("logs.lines.too_few", "insufficient")
    assert found.message == "19 lines in the window: a share of structured ones needs 20"
    table = log_reading.table(structured="> 95%", traffic=False)
    seen = log_reading.digest(GOOD * 20, structured="> 95%")
    assert judging.structured(seen, table, "logs") == []
    gap = replace(seen, gaps=(Gap("app.log", "rotated", "file.1 is gone"),))
    assert [one.code for one in judging.structured(gap, table, "logs")] == ["logs.source.incomplete"]


@pytest.mark.parametrize(
    ("started", "text", "code"),
    [
        (100, at(95, "INFO app: Server listening on 3000"), ""),
        (100, at(6, "INFO app: Server listening on 3000"), "logs.startup.late"),
        (100, at(90, "INFO app: waiting for the database"), "logs.startup.late"),
        (100, at(98, "ERROR app: no database") + at(95, "INFO app: Server listening"), "logs.startup.errors"),
        (5000, at(9, "INFO app: ok"), "logs.startup.unseen"),
    ],
)
def test_programs_say_that_they_are_ready(started: float, text: str, code: str) -> None:
    """Soon enough after their start, with nothing grave before it (C39)."""
    begun = datetime.fromtimestamp(NOW - started, UTC).isoformat()
    origin, keys = Origin("pod/app", facts={"started_at": begun}), {"line": "server listening", "within": 30.0}
    digest = log_reading.digest(text, origin=origin, ready=keys)
    found = startup(digest, log_reading.table(ready=keys), "logs")
    assert [one.code for one in found] == ([code] if code else [])


def started(name: str, container: str, ready: float | None, workload: str = "app", **keys: Any) -> Stream:
    """A container's stream: it started 100 s ago, and said so many seconds later that it is ready."""
    begun = datetime.fromtimestamp(NOW - 100, UTC).isoformat()
    facts = {"started_at": begun, "workload": workload, "pod": name, "container": container, **keys}
    return Stream(f"{name}/{container}", 9, 9, NOW - 100, ready_at=ready if ready is None else NOW - 100 + ready,
                  facts=facts)  # fmt: skip


ENDED = {"ended_at": "2026-11-29T10:09:00Z"}


@pytest.mark.parametrize(
    ("streams", "late"),
    [
        ([started("app-1", "app", 5), started("db-0", "db", None, "db"), started("app-1", "proxy", None)], []),
        ([started("app-1", "app", 5), started("app-2", "app", None)], ["app-2/app"]),
        ([started("app-1", "app", 5), started("app-1", "init", None, **ENDED)], []),
        ([started("app-1", "app", 5), started("app-2", "app", None, **ENDED)], []),
        ([started("app-1", "app", None), started("job-1", "app", 5, "job", **ENDED)], ["app-1/app"]),
        ([started("app-1", "app", None), started("db-0", "db", None, "db")], ["app-1/app, db-0/db"]),
    ],
)
def test_only_programs_that_say_it_must_say_that_they_are_ready(streams: list[Stream], late: list[str]) -> None:
    """A database beside it, an init container and a completed job never do; its other replicas must (C39)."""
    table = log_reading.table(ready={"line": "listening", "within": 30.0})
    found = startup(Digest(WINDOW, tuple(streams)), table, "logs")
    assert [(one.subject, one.code) for one in found] == [(name, "logs.startup.late") for name in late]


def test_a_line_that_nobody_says_is_one_finding() -> None:
    """Which of the containers should have said it, is not known."""
    table = log_reading.table(ready={"line": "listening", "within": 30.0})
    streams = (started("app-1", "app", None), started("db-0", "db", None, "db"))
    (found,) = startup(Digest(WINDOW, streams), table, "logs")
    assert found.message == "none of 2 containers ever said 'listening' (app-1/app, db-0/db): app-1/app runs for 100s"
    assert (found.data["pod"], found.data["container"]) == ("app-1", "app")


@pytest.mark.parametrize(("first", "codes"), [(100, []), (5000, ["logs.startup.unseen"])])
def test_a_file_shows_a_start_by_its_first_line(first: float, codes: list[str]) -> None:
    """One that goes on from before the window does not say when the program started."""
    stream = Stream("app.log", 9, 9, NOW - first, ready_at=NOW - 95, facts={"file": "/app.log"})
    table = log_reading.table(ready={"line": "listening", "within": 30.0})
    assert [one.code for one in startup(Digest(WINDOW, (stream,)), table, "logs")] == codes


def test_a_500_has_its_own_lines() -> None:
    """One with a trace; one whose log does not say why; one without lines; one without an id (E45)."""
    said = {
        "a": Answer(("ERROR boom",), "logs.exception.unhandled", "KeyError", trace=True),
        "b": Answer(("INFO GET /b 500",)),
    }
    asked = [
        Asked("http", "GET /a", 500, ("a",)), Asked("http", "GET /b", 500, ("b",)),
        Asked("http", "GET /c", 500, ("c",)), Asked("http", "GET /d", 500, ()), Asked("http", "GET /e", 503, ()),
    ]  # fmt: skip
    found = answers.traces(Digest(WINDOW, answers=said), asked, "logs")
    assert [(one.subject, one.code) for one in found] == [
        ("GET /b", "logs.trace.missing"), ("GET /c", "logs.trace.missing"), ("GET /d", "logs.trace.no_id"),
    ]  # fmt: skip
    assert found[0].message.startswith("generic 500, no traceback: GET /b of http answered 500")
