"""How grave a line is, whoever wrote it and through whatever it came: nothing grave is passed over, nothing quiet is
taken for grave (A5, A39, A60)."""

from __future__ import annotations

from pathlib import Path

import log_reading
import pytest
import yaml
from log_reading import NOW

from pytest_prodcheck.criteria.logs import coverage, judging
from pytest_prodcheck.observe.log import Digest, Origin, Own, Window

LINES = yaml.safe_load((Path(__file__).parent / "log_lines.yaml").read_text())
TEN_MINUTES = Window(NOW - 1200, NOW, NOW - 1200, "20m")
POD = Origin("plan-app-1/app", stamped=True)
RUN = "0123456789ab"


def of(line: str, *, stamped: bool = False, own: Own = log_reading.NOBODY) -> Digest:
    """The digest of a record, as it stands in a file, or behind the platform's time."""
    stamp = "2026-11-29T10:00:00.1Z " if stamped else ""
    text = "".join(f"{stamp}{one}\n" for one in line.split("\n"))
    return log_reading.digest(text, window=TEN_MINUTES, own=own, origin=POD if stamped else None)


def kinds(found: Digest) -> set[str]:
    """What was found that makes a gate red."""
    return {group.kind for group in found.groups if group.kind in ("error", "status") and group.count}


@pytest.mark.parametrize("stamped", [False, True], ids=["file", "pod"])
@pytest.mark.parametrize("line", LINES["grave"])
def test_a_grave_line_is_an_error(line: str, stamped: bool) -> None:
    """Levels that are numbers, letters, short or coloured, under any name; crashes that say no level."""
    assert kinds(of(line, stamped=stamped))


@pytest.mark.parametrize("size", [1 << 18, 64, 7])
@pytest.mark.parametrize("line", LINES["wrapped"])
def test_a_grave_line_is_one_however_it_is_wrapped(line: str, size: int) -> None:
    """Behind the prefixes of compose, syslog and the CRI, which parts long lines, with marks, zeros and other line
    ends; in blocks that end anywhere."""
    raw = f"{line}\n".encode()
    assert kinds(log_reading.digest(raw, window=TEN_MINUTES, block=size)) == {"error"}


@pytest.mark.parametrize("size", [1 << 18, 333, 20])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_what_windows_writes_is_read(encoding: str, mark: str, size: int) -> None:
    """UTF-16, with its mark and without, in blocks that end within a character."""
    text = f"{mark}2026-11-29 10:00:00,000 INFO app gr\u00fc\u00df\r\n2026-11-29 10:00:01,000 ERROR app declined\r\n"
    found = log_reading.digest(text.encode(encoding), window=TEN_MINUTES, block=size)
    assert [(group.kind, group.title) for group in found.groups] == [("error", "app declined")]
    assert found.streams[0].lines == 2


def test_a_hole_of_zeros_is_no_line() -> None:
    """What `copytruncate` leaves where the writer goes on at its old place: larger than a line may be."""
    found = log_reading.digest(b"\0" * 200_000 + b'{"level":50,"msg":"declined"}\n', window=TEN_MINUTES)
    assert kinds(found) == {"error"}
    assert found.streams[0].cut == 0


@pytest.mark.parametrize("stamped", [False, True], ids=["file", "pod"])
@pytest.mark.parametrize("line", LINES["answered"])
def test_a_request_that_was_answered_with_5xx_is_told(line: str, stamped: bool) -> None:
    """In the words of proxies and frameworks; the status is that of the answer."""
    (status,) = [group.data["status"] for group in of(line, stamped=stamped).groups if group.kind == "status"]
    assert status in (500, 502, 503)


@pytest.mark.parametrize("stamped", [False, True], ids=["file", "pod"])
@pytest.mark.parametrize("line", LINES["quiet"])
def test_a_quiet_line_is_none(line: str, stamped: bool) -> None:
    """Words of errors in healthy lines, sizes and durations of 500, traces at DEBUG."""
    assert not of(line, stamped=stamped).groups


@pytest.mark.parametrize(
    "line",
    [
        '{"level":"error","status":"²²²","msg":"x"}', "level=error msg=x status=²²²", '{"level":"²","msg":"error"}',
        '{"level":NaN,"msg":"error"}', '{"level":Infinity,"msg":"error"}', '{"level":1e999,"msg":"error"}',
        '{"severity":"error","err":{"message":{"a":[1]},"type":5}}', '{"level":"error","msg":"\\ud800 x"}',
        "9999-12-31T23:59:59-12:00 ERROR x y", "0001-01-01T00:00:00+14:00 ERROR x y",
        '{"ts":9999999999999999999,"level":"error","msg":"x"}',
    ],
)  # fmt: skip
def test_no_value_stops_the_reading(line: str) -> None:
    """Numbers that are none, times before and after all times, halves of characters: judged, and fit for every
    report."""
    found = of(line)
    said = [one.message for judge in judging.ALL for one in judge(found, log_reading.table(), "logs")]
    assert said
    assert "\n".join(said).encode()


@pytest.mark.parametrize(
    "line",
    [
        '{"due":"2020-01-01T00:00:00Z","time":"2026-11-29T10:00:01Z","level":"error","msg":"declined"}',
        "2026-11-29T10:00:00Z INFO a\nERROR invoice of 2020-01-01 00:00:00 failed\n2026-11-29T10:00:01Z INFO a",
        "2026-11-29 05:00:00 EST [1] ERROR:  boom",
        "2026-11-29 02:00:00 IST [1] ERROR:  boom",
    ],
    ids=["another field", "in the words", "a named zone", "a name of two zones"],
)
def test_a_line_is_of_its_own_time(line: str) -> None:
    """A time that it speaks of, or of another zone, does not take it out of the window."""
    assert kinds(of(line)) == {"error"}


def test_a_line_that_is_not_read_whole_is_a_gap() -> None:
    """Where nothing was found, the rest of it may say it; a long one that is read whole is judged."""
    found = of("2026-11-29T10:00:00Z INFO " + "x" * 70_000 + " ERROR boom")
    (finding,) = coverage.unproven(found, log_reading.table(traffic=False), "logs")
    assert (finding.code, finding.severity) == ("logs.source.incomplete", "insufficient")
    assert finding.message == "the window is not covered: app.log: 1 lines are longer than is read"
    whole = '{"time":"2026-11-29T10:00:00Z","msg":"' + "x" * 20_000 + '","level":"error"}'
    assert kinds(of(whole)) == {"error"}


@pytest.mark.parametrize(
    "shared", ['"pod":"plan-app-7d9f8c6b5d-x2x4z"', '"user":{"id":"123e4567-e89b-42d3-a456-426614174000"}']
)
def test_what_our_requests_share_with_others_makes_no_line_ours(shared: str) -> None:
    """A pod's name, a user's id; the request's own id does."""
    name = "7b6f2c1e-aaaa-4000-8000-0000000000aa"
    ours = f'{{"level":"error",{shared},"req":{{"id":"{name}"}},"agent":"prodcheck/1 (run {RUN})","msg":"boom"}}'
    theirs = f'{{"level":"error",{shared},"msg":"declined"}}'
    beside = f'{{"level":"error","request_id":"{name}","msg":"beside"}}'
    found = of(f"{ours}\n{theirs}\n{beside}", own=Own(RUN))
    assert {group.title: group.ours for group in found.groups} == {"boom": 1, "declined": 0, "beside": 1}


@pytest.mark.parametrize(
    "line",
    [
        "ERROR connect postgresql://plan:@@@@db:5432/plan failed",
        "ERROR dsn host=db user=plan password='@@@ two' dbname=plan",
        "ERROR plan:@@@@db:5432 refused the connection",
        '{"level":"error","msg":"dial plan:@@@@tcp(db:3306)/plan: connection refused"}',
        '{"error":"ECONNREFUSED","url":"plan:@@@@db:5432"}',
        "ERROR headers {'authorization': 'Bearer @@@'}",
        "ERROR Set-Cookie: sid=@@@; HttpOnly",
        'ERROR {"apiKey":"@@@"}',
        "ERROR x-hasura-admin-secret: @@@",
        "ERROR GET /x?access_token=@@@ failed",
        "ERROR -----BEGIN PRIVATE KEY----- @@@EvQIBADANBgkqhkiG9w0 -----END PRIVATE KEY-----",
        "ERROR -----BEGIN RSA PRIVATE KEY-----\n@@@EvQIBADANBgkqhkiG9w0\n-----END RSA PRIVATE KEY-----",
        "ERROR user max.@@@@corp.example.de not found",
        '{"level":"error","msg":"failed","err":"postgresql:\\/\\/u:@@@@h\\/d"}',
        '{"level":"error","msg":"GET /x?a=b\\u0026access_token\\u003d@@@ failed"}',
        "ERROR " + "x" * 250 + " postgresql://plan:@@@" + "y" * 60 + "@db:5432/plan failed",
    ],
)
def test_no_finding_says_a_secret(line: str) -> None:
    """Neither its words nor its data, before any report masks them; a title that is cut off does not cut a mask."""
    found = of(line.replace("@@@", "c4naryOfLogs0123456789"))
    said = [repr(one) for judge in judging.ALL for one in judge(found, log_reading.table(), "logs")]
    assert said
    assert not any("c4nary" in one for one in said)
