"""Lines are grouped and counted by period; what our own requests caused is told from the rest (A60, C28, E45, T22)."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime

import log_reading
import pytest
from log_reading import NOW, WINDOW

from pytest_prodcheck.criteria.logs.fold import Folder
from pytest_prodcheck.criteria.logs.times import Clock
from pytest_prodcheck.observe.log import Asked, Origin, Own, Window

RUN = "5f1d0c2ab3e4f607"


def at(seconds: float) -> str:
    """A time so many seconds before now, as Python's logging writes it."""
    return datetime.fromtimestamp(NOW - seconds, UTC).strftime("%Y-%m-%d %H:%M:%S,000")


def error(seconds: float, words: str = "disk on fire") -> str:
    """An error line."""
    return f"{at(seconds)} ERROR app: {words}\n"


def test_like_records_are_one_group() -> None:
    """With their number, the first line, first and last seen."""
    found = log_reading.digest("".join(error(60 - n, f"job {n} of {n:08x} failed") for n in range(50)))
    (group,) = found.groups
    assert (group.count, group.line) == (50, f"{at(60)} ERROR app: job 0 of 00000000 failed")
    assert (group.first, group.last) == (NOW - 60, NOW - 11)


def test_the_time_before_is_counted_apart() -> None:
    """What was there before the rollout is known; what is older than that is not compared."""
    found = log_reading.digest(error(5000) + error(700) + error(650) + error(100))
    (group,) = found.groups
    assert (group.count, group.before) == (1, 2)
    assert (found.streams[0].lines, found.streams[0].read) == (1, 4)


def test_codes_and_statuses_are_told_apart() -> None:
    """P2024 is not P2025, 42501 is not 42703, 502 is not 503, level 50 is not 30."""
    lines = [
        f"{at(9)} ERROR app: prisma says P2024", f"{at(8)} ERROR app: prisma says P2025",
        f"{at(7)} ERROR app: SQLSTATE 42501", f"{at(6)} ERROR app: SQLSTATE 42703",
        'x - - [29/Nov/2026:10:09:00 +0000] "GET /a HTTP/1.1" 502 1 "-" "-"',
        'x - - [29/Nov/2026:10:09:00 +0000] "GET /a HTTP/1.1" 503 1 "-" "-"',
        '{"level":30,"time":1795946940000,"msg":"job failed"}', '{"level":50,"time":1795946940000,"msg":"job failed"}',
    ]  # fmt: skip
    found = log_reading.digest("\n".join(lines) + "\n")
    assert [group.count for group in found.groups] == [1] * 7


def test_lines_of_our_own_requests_are_told() -> None:
    """By the run's id in them, and by an id that such a line has beside it."""
    ours, theirs = "7b6f2c1e-aaaa-4000-8000-0000000000aa", "7b6f2c1e-bbbb-4000-8000-0000000000bb"
    lines = [
        f"{at(9)} ERROR app: request {ours} failed: boom", f"{at(9)} ERROR app: request {theirs} failed: boom",
        'x - - [29/Nov/2026:10:09:00 +0000] "GET /a HTTP/1.1" 500 1 "-" '
        f'"prodcheck/1 (run {RUN})" 1 0.1 [s] [] u {ours}',
    ]  # fmt: skip
    found = log_reading.digest("\n".join(lines) + "\n", own=Own(RUN))
    assert {group.kind: (group.count, group.ours) for group in found.groups} == {"error": (2, 1), "status": (1, 1)}
    assert (found.streams[0].requests, found.streams[0].own_requests) == (0, 1)


def test_an_id_of_an_answer_finds_its_lines() -> None:
    """The 500 that we got, and what the application says of it; also in a line that is quiet by itself."""
    name = "7b6f2c1e-aaaa-4000-8000-0000000000aa"
    text = (
        f"{at(9)} INFO app: [{name}] begins\n{at(9)} ERROR app: [{name}] unhandled\n"
        'Traceback (most recent call last):\n  File "/app/a.py", line 1, in go\n    x()\n'
        'psycopg.OperationalError: connection to server at "db" (10.0.0.5), port 5432 failed: '
        'FATAL:  password authentication failed for user "plan"\n'
    )
    own = Own(RUN, frozenset({name}), (Asked("http", "GET /a", 500, (name,)),))
    said = log_reading.digest(text, own=own, block=40).answers[name]
    assert said.code == "database.auth.password_rejected"
    assert said.trace
    assert [line.partition("] ")[2][:6] for line in said.lines] == ["begins", "unhand"]


def test_a_stamped_stream_is_read_by_its_stamps() -> None:
    """The platform's time stands before each line, also before the frames of a trace."""
    stamp = "2026-11-29T10:09:00.123456789Z "
    lines = ["Traceback (most recent call last):", '  File "/app/a.py", line 1, in go', "    x()", "KeyError: 'a'"]
    text = "".join(f"{stamp}{line}\n" for line in lines)
    (group,) = log_reading.digest(text, origin=Origin("pod/app", stamped=True)).groups
    assert (group.title, group.data["frame"], group.first) == ("KeyError: 'a'", "/app/a.py go", NOW - 60 + 0.123456789)


def test_lines_beyond_the_limit_are_not_wanted() -> None:
    """The fold says so, whoever reads."""
    folder = Folder(log_reading.table(lines=10), WINDOW, Own())
    assert folder.take(Origin("a"), b"x\n" * 5)
    assert not folder.take(Origin("a"), b"x\n" * 5)


def test_groups_are_bounded_and_nothing_is_lost() -> None:
    """What differs each time is still counted, and said to be more than is kept."""
    words = (f"{chr(97 + n // 676 % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n % 26)}q" for n in range(2000))
    found = log_reading.digest("".join(error(60, f"no {word} found") for word in words))
    assert len(found.groups) <= 201
    assert found.left_out > 1000


def test_memory_does_not_grow_with_the_lines() -> None:
    """Four times the lines, the same memory."""

    def peak(count: int) -> int:
        folder, block = Folder(log_reading.table(), WINDOW, Own()), b"".join(_mixed(n) for n in range(500))
        tracemalloc.start()
        for _ in range(count):
            folder.take(Origin("a"), block)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(20) < 1.3 * peak(5)


def _mixed(number: int) -> bytes:
    line = error(60, f"job {number:08x} failed") if number % 10 == 0 else f"{at(60)} INFO app: job {number:08x} done\n"
    return line.encode()


@pytest.mark.parametrize(
    ("line", "seconds"),
    [
        (b"2026-11-29T10:09:00.5Z x", -59.5),
        (b"2026-11-29T11:09:00+01:00 x", -60),
        (b"2026-11-29 10:09:00,250 INFO x", -59.75),
        (b"2026-11-29 10:09:00.123 UTC [7] LOG:  x", -59.877),
        (b"2026/11/29 10:09:00 [error] x", -60),
        (b'10.0.0.1 - - [29/Nov/2026:11:09:00 +0100] "GET', -60),
        (b"I1129 10:09:00.000000       1 x.go:1] x", -60),
        (b"<11>Nov 29 10:09:00 host x", -60),
        (b"1:M 29 Nov 2026 10:09:00.000 # x", -60),
        (b'{"level":30,"time":1795946940000,"msg":"x"}', -60),
        (b'{"level":"info","ts":1795946940.5,"msg":"x"}', -59.5),
        (b'{"msg":"' + b"x" * 300 + b'","time":"2026-11-29T10:09:00Z"}', -60),
        (b"no time at all", None),
        (b"9999-99-99T99:99:99Z x", None),
    ],
)
def test_times_are_read(line: bytes, seconds: float | None) -> None:
    """However they are written; a year that is not written is this one."""
    read = Clock(NOW).of(line)
    assert read == (pytest.approx(NOW + seconds, abs=0.001) if seconds is not None else None)


def test_a_time_of_last_december_is_of_last_year() -> None:
    """klog writes no year."""
    new_year = datetime(2027, 1, 1, tzinfo=UTC).timestamp()
    assert Clock(new_year).of(b"E1231 23:59:00.000000 1 x.go:1] x") == new_year - 60


def test_local_times_are_moved() -> None:
    """By what the zone of the machine that wrote them is behind UTC."""
    window = Window(NOW - 600, NOW, NOW - 1200, offset=-3600.0)
    late = datetime.fromtimestamp(NOW - 60 + 3600, UTC).strftime("%Y-%m-%d %H:%M:%S")
    (group,) = log_reading.digest(f"{late} ERROR app: x\n", window=window).groups
    assert group.first == NOW - 60
