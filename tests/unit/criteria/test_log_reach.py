"""A log that fell silent within the window: cut off, or quiet and healthy (A60, T22)."""

from __future__ import annotations

from datetime import UTC, datetime

import log_reading
import pytest
from log_reading import NOW

from pytest_prodcheck.criteria.logs import judging, reach
from pytest_prodcheck.criteria.logs.fold import Folder
from pytest_prodcheck.observe.log import Digest, Origin, Own, Sent
from pytest_prodcheck.observe.observation import Observation

RUN = "5f1d0c2ab3e4f607"


def request(seconds: float, agent: str = "curl") -> str:
    """The access line of a request so many seconds before the end of the window."""
    clf = datetime.fromtimestamp(NOW - seconds, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    return f'10.0.0.3 - - [{clf}] "GET /api/goals HTTP/1.1" 200 1 "-" "{agent}"\n'


def ours(seconds: float) -> str:
    """The access line of a request of this run."""
    return request(seconds, f"prodcheck/1 (run {RUN})")


def words(seconds: float) -> str:
    """A line that tells of no request."""
    return f"{datetime.fromtimestamp(NOW - seconds, UTC).isoformat()} INFO app: tick\n"


def sent(*seconds: float, target: str = "http") -> Sent:
    """Requests of ours so long before the end of the window."""
    return Sent(target, tuple(NOW - one for one in sorted(seconds, reverse=True)))


def digest(logs: dict[str, str], *requests: Sent) -> Digest:
    """What is read of streams by their names; `app-1` and `app-2` are replicas of one program."""
    folder = Folder(log_reading.table(), log_reading.WINDOW, Own(RUN, sent=requests))
    for name, text in logs.items():
        program = name.partition("-")[0]
        origin = Origin(name, facts={"workload": program, "pod": name, "container": "app"})
        folder.take(origin, text.encode())
        folder.ends(origin)
    return folder.result()


THIRTY = sent(*(4 - n / 10 for n in range(31)))


def test_a_log_that_fell_silent_although_we_sent_requests_is_unproven() -> None:
    """It told of others' requests nine minutes ago, and of none of ours: no promise about it is green."""
    found = digest({"app": request(590) + request(540)}, THIRTY)
    (finding,) = judging.errors(found, log_reading.table(), "logs")
    assert (finding.code, finding.severity) == ("logs.source.silent", "insufficient")
    assert finding.message == (
        "app: last line 2026-11-29T10:01:00Z, 9 min before the end of the window, although we sent 31 requests since "
        "(http 31)"
    )
    silent = {one.code for judge in judging.ALL[:5] for one in judge(found, log_reading.table(), "logs")}
    assert silent == {"logs.source.silent"}
    assert reach.mention(found, log_reading.table(), "logs") == ""


@pytest.mark.parametrize(
    "text",
    [
        request(540) + ours(3), request(540) + words(2), request(540) + request(5), request(540) + ours(30),
    ],
    ids=["our own", "another line", "another request", "late by a buffer"],
)  # fmt: skip
def test_a_line_of_the_end_proves_the_end(text: str) -> None:
    """Whatever it says; a shipper or a buffer may be half a minute behind."""
    found = digest({"app": text}, THIRTY)
    assert reach.silent(found, log_reading.table(), "logs") == []
    assert reach.mention(found, log_reading.table(), "logs") == ""


def test_where_nothing_was_sent_silence_is_a_mention() -> None:
    """Quiet and healthy: no finding, and the run says since when, and why that proves nothing."""
    found = digest({"app": request(590) + request(540)})
    assert judging.errors(found, log_reading.table(), "logs") == []
    assert reach.mention(found, log_reading.table(), "logs") == (
        "logs: app: last line 2026-11-29T10:01:00Z, 9 min before the end of the window; we sent it no request: quiet, "
        "or cut off, is not told apart"
    )


def test_logs_of_another_part_need_not_show_us() -> None:
    """`traces = false` says so; the mention remains."""
    found, table = digest({"app": request(540)}, THIRTY), log_reading.table(traces=False)
    assert reach.silent(found, table, "logs") == []
    assert "our requests need not show there (traces = false)" in reach.mention(found, table, "logs")


def test_a_program_that_tells_of_no_requests_may_be_quiet() -> None:
    """Its silence says nothing, whatever we sent."""
    found, table = digest({"worker": words(540)}, THIRTY), log_reading.table(traffic=False)
    assert reach.silent(found, table, "logs") == []
    assert "its lines tell of no requests" in reach.mention(found, table, "logs")


def test_a_log_that_was_cut_off_while_we_asked_is_unproven() -> None:
    """The first of our requests shows, the last ones of two minutes do not."""
    found = digest({"app": request(540) + ours(200)}, sent(200, 150, 100, 1))
    (finding,) = reach.silent(found, log_reading.table(), "logs")
    assert "although we sent 3 requests since (http 3)" in finding.message


def test_of_several_targets_a_log_need_serve_only_one() -> None:
    """What was sent to another one since is no gap of it."""
    requests = (sent(100, 90, target="http.app"), sent(*range(1, 60), target="http.hasura"))
    assert reach.silent(digest({"app": request(540) + ours(91)}, *requests), log_reading.table(), "logs") == []
    assert reach.silent(digest({"app": request(540)}, *requests), log_reading.table(), "logs")


def test_replicas_are_one_program_and_other_programs_are_not() -> None:
    """Ours reached one of two replicas; a program that names our requests elsewhere must show them, others may not."""
    table = log_reading.table()
    replicas = {"app-1": request(540), "app-2": request(540) + ours(2)}
    assert reach.silent(digest(replicas, THIRTY), table, "logs") == []
    found = digest({**replicas, "hasura": request(540)}, THIRTY)
    assert reach.silent(found, table, "logs") == []
    assert "hasura: last line" in reach.mention(found, table, "logs")
    earlier = digest({"app": request(540, "prodcheck/1 (run of before)"), "hasura": words(2) + request(2)}, THIRTY)
    assert [one.subject for one in reach.silent(earlier, table, "logs")] == ["app"]
    nobody = digest({"app": request(540), "hasura": request(300)}, THIRTY)
    assert [one.subject for one in reach.silent(nobody, table, "logs")] == ["hasura"]


def test_a_clock_that_is_behind_is_no_silence() -> None:
    """Our own first line shows by how much."""
    found = digest({"app": request(540) + ours(94) + ours(91)}, sent(4, 3, 2, 1))
    assert reach.silent(found, log_reading.table(), "logs") == []


def test_what_the_system_answered_counts_as_sent() -> None:
    """Not what failed on the way, a gateway's 5xx, or what was asked of others."""
    seen = [
        Observation("http.app", "GET /", status=200, started_at=2.0),
        Observation("http.app", "GET /", status=404, started_at=1.0),
        Observation("graphql", "query", status=200, started_at=3.0),
        Observation("http.app", "GET /", status=502, started_at=4.0),
        Observation("http.app", "GET /", error="tcp.refused", started_at=5.0),
        Observation("auth", "token", status=200, started_at=6.0),
        Observation("database", "connect", started_at=7.0),
    ]
    assert Own.of(RUN, seen).sent == (Sent("graphql", (3.0,)), Sent("http.app", (1.0, 2.0)))
