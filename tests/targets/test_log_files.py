"""Files as they are found on machines: rotated, truncated, unreadable, none (A60, T22)."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.criteria.logs import coverage
from pytest_prodcheck.criteria.logs.fold import Folder
from pytest_prodcheck.observe.log import Digest, Fold, Origin, Own, Window
from pytest_prodcheck.targets.logs.files import Files
from pytest_prodcheck.targets.logs.prober import LogsProber


def line(seconds: float, words: str) -> str:
    """A line so many seconds before now."""
    return f"{datetime.fromtimestamp(time.time() - seconds, UTC).isoformat()} ERROR app: {words}\n"


def prober(folder: Path, folding: Any = Folder, **keys: Any) -> LogsProber:
    """What reads `app.log` in a folder."""
    table = LogsTarget(**{"file": ("app.log",), **keys})
    return LogsProber("logs", table, folding, Files("logs", table, folder))


def read(folder: Path, **keys: Any) -> Digest:
    """The digest of a reading."""
    digest: Digest = prober(folder, **keys).probe("test_errors", "", "", 1).facts["digest"]
    return digest


def words(digest: Digest) -> list[str]:
    """What the error records say."""
    return sorted(group.title for group in digest.groups if group.kind == "error")


def test_rotated_files_are_read_as_far_as_the_window_goes(tmp_path: Path) -> None:
    """`.1`, `.2.gz`: oldest first, as one stream; what is older than all that is compared is not opened."""
    (tmp_path / "app.log").write_text(line(10, "new"))
    (tmp_path / "app.log.1").write_text(line(300, "older"))
    with gzip.open(tmp_path / "app.log.2.gz", "wt") as file:
        file.write(line(900, "oldest"))
    (tmp_path / "app.log.3").write_text(line(9000, "of yesterday"))
    for name, age in (("1", 300), ("2.gz", 900), ("3", 9000)):
        os.utime(tmp_path / f"app.log.{name}", (0, time.time() - age))
    digest = read(tmp_path)
    assert words(digest) == ["app: new", "app: older", "app: oldest"]
    assert [(one.name, one.lines, one.read) for one in digest.streams] == [("app.log", 2, 3)]
    assert digest.gaps == ()


def test_a_window_that_was_rotated_away_is_a_gap(tmp_path: Path) -> None:
    """There are rotated files, and the oldest line of all is of within the window."""
    (tmp_path / "app.log").write_text(line(10, "new"))
    (tmp_path / "app.log.1").write_text(line(60, "older"))
    (gap,) = read(tmp_path).gaps
    assert (gap.origin, gap.reason) == ("app.log", "rotated")
    assert "the window begins at" in gap.text


def test_a_young_file_that_was_never_rotated_has_no_gap(tmp_path: Path) -> None:
    """The program was started a moment ago."""
    (tmp_path / "app.log").write_text(line(10, "new"))
    assert read(tmp_path).gaps == ()


def test_a_broken_rotated_file_is_a_gap(tmp_path: Path) -> None:
    """Half of a gzip file."""
    (tmp_path / "app.log").write_text(line(700, "early") + line(10, "new"))
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(line(700, "x").encode() * 500)[:-30])
    assert [gap.reason for gap in read(tmp_path).gaps] == ["unreadable"]


class Meanwhile:
    """A fold during whose first block something happens to the file."""

    def __init__(self, fold: Fold, happens: Any) -> None:
        self._fold, self._happens = fold, happens

    def take(self, origin: Origin, block: bytes) -> bool:
        """Takes the block; then it happens, once."""
        more = self._fold.take(origin, block)
        happens, self._happens = self._happens, lambda: None
        happens()
        return more

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fold, name)


def during(happens: Any) -> Any:
    """A folding whose folds are disturbed."""

    def folding(table: LogsTarget, window: Window, own: Own) -> Any:
        return Meanwhile(Folder(table, window, own), happens)

    return folding


def test_a_rotation_meanwhile_loses_nothing(tmp_path: Path) -> None:
    """What was written to the old file before it, and to the new one since."""
    log = tmp_path / "app.log"
    log.write_text(line(700, "early") + line(10, "old"))

    def rotate() -> None:
        log.rename(tmp_path / "app.log.1")
        with (tmp_path / "app.log.1").open("a") as file:
            file.write(line(5, "last words"))
        log.write_text(line(1, "first words"))

    digest: Digest = prober(tmp_path, during(rotate)).probe("", "", "", 1).facts["digest"]
    assert words(digest) == ["app: early", "app: first words", "app: last words", "app: old"]
    assert digest.gaps == ()


def test_a_rotation_at_the_last_moment_loses_nothing(tmp_path: Path) -> None:
    """Between the end of the file and the look whether its name stands for another one."""
    log = tmp_path / "app.log"
    log.write_text(line(700, "early"))

    class Late(Files):
        """Sees the file rotated when it looks."""

        def _after_rotation(self, path: Path, file: BinaryIO) -> BinaryIO | None:
            with log.open("a") as old:
                old.write(line(5, "last words"))
            log.rename(tmp_path / "app.log.1")
            log.write_text(line(1, "first words"))
            return super()._after_rotation(path, file)

    table = LogsTarget(file=("app.log",))
    one = LogsProber("logs", table, Folder, Late("logs", table, tmp_path))
    digest: Digest = one.probe("", "", "", 1).facts["digest"]
    assert words(digest) == ["app: early", "app: first words", "app: last words"]


def test_a_truncation_meanwhile_is_a_gap(tmp_path: Path) -> None:
    """`copytruncate` throws away what was not read yet."""
    log = tmp_path / "app.log"
    log.write_text(line(700, "early") + line(10, "old"))
    digest: Digest = prober(tmp_path, during(lambda: log.write_text(""))).probe("", "", "", 1).facts["digest"]
    assert [gap.reason for gap in digest.gaps] == ["rotated"]


@pytest.mark.parametrize(
    ("keys", "reason"),
    [({"at_most": "<= 1kB"}, "rotated"), ({"lines": 10}, "lines"), ({"reading": 1e-9}, "time")],
)
def test_bounds_are_gaps(tmp_path: Path, keys: dict[str, Any], reason: str) -> None:
    """Bytes (the end of the file is what is read), lines, time."""
    (tmp_path / "app.log").write_text("".join(line(300 - n, f"no {n}") for n in range(200)))
    digest = read(tmp_path, **keys)
    assert [gap.reason for gap in digest.gaps] == [reason]
    assert digest.streams == () or digest.streams[0].read < 200 or reason == "lines"


def test_patterns_name_files_and_not_their_rotated_ones(tmp_path: Path) -> None:
    """`*.log*` is each file once: a rotated one belongs to the one it was."""
    for name in ("a.log", "b.log", "a.log.1"):
        (tmp_path / name).write_text(line(700, "early") + line(10, name))
    digest = read(tmp_path, file=("*.log*",))
    assert [(one.name, one.lines) for one in digest.streams] == [("a.log", 2), ("b.log", 1)]


@pytest.mark.parametrize(
    ("made", "code", "says"),
    [
        (lambda path: None, "logs.source.missing", "No such file"),
        (lambda path: path.mkdir(), "logs.source.missing", "no regular file"),
        (os.mkfifo, "logs.source.missing", "no regular file"),
    ],
)
def test_what_is_no_file_is_said(tmp_path: Path, made: Any, code: str, says: str) -> None:
    """A name that is none, a directory, a pipe that would hang."""
    made(tmp_path / "app.log")
    problem = prober(tmp_path).ready().facts["problem"]
    assert problem["code"] == code
    assert says in problem["message"]


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocked, not red; root may read everything, so the system's refusal is stood in for."""
    (tmp_path / "app.log").write_text("x")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    problem = prober(tmp_path).ready().facts["problem"]
    assert (problem["code"], problem["refused"]) == ("logs.source.forbidden", True)
    assert "permission denied" in problem["message"]


def test_the_run_is_a_window(tmp_path: Path) -> None:
    """`since = "run"`: what was there before it is what is compared."""
    (tmp_path / "app.log").write_text(line(100, "before"))
    one = prober(tmp_path, since="run", before=600.0)
    with (tmp_path / "app.log").open("a") as file:
        file.write(line(-0.5, "during"))
    digest: Digest = one.probe("", "", "", 1).facts["digest"]
    counts = {group.title: (group.count, group.before) for group in digest.groups}
    assert counts == {"app: before": (0, 1), "app: during": (1, 0)}
    assert digest.window.boundary


def test_one_reading_an_attempt(tmp_path: Path) -> None:
    """All checks share it; a later attempt reads again, and the fixture takes what is there."""
    (tmp_path / "app.log").write_text(line(10, "a"))
    one = prober(tmp_path)
    evidence = one.probe("test_errors", "", "", 1)
    first = evidence.facts["digest"]
    assert [seen.operation for seen in evidence.observations] == ["read 1 log stream"]
    assert one.probe("test_slow", "", "", 1).facts["digest"] is first
    assert one.query() is first
    (tmp_path / "app.log").write_text(line(10, "b"))
    assert words(one.probe("test_errors", "", "", 2).facts["digest"]) == ["app: b"]


@pytest.mark.parametrize(("suffix", "pack"), [("bz2", bz2.open), ("xz", lzma.open)])
def test_rotated_files_are_unpacked(tmp_path: Path, suffix: str, pack: Any) -> None:
    """In each way that logrotate packs them; what cannot be unpacked is a gap."""
    (tmp_path / "app.log").write_text(line(10, "new"))
    with pack(tmp_path / f"app.log.1.{suffix}", "wt") as file:
        file.write(line(300, "older"))
    assert words(read(tmp_path)) == ["app: new", "app: older"]
    (tmp_path / f"app.log.1.{suffix}").write_text("not packed")
    assert [gap.reason for gap in read(tmp_path).gaps] == ["unreadable", "rotated"]


def test_a_packed_file_that_is_named_is_unpacked(tmp_path: Path) -> None:
    """As a load balancer leaves them: each is a stream; half of one is a gap."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.log.gz").write_bytes(gzip.compress((line(10, name) * 200).encode()))
    digest = read(tmp_path, file=("*.log.gz",))
    assert [(one.name, one.lines) for one in digest.streams] == [("a.log.gz", 200), ("b.log.gz", 200)]
    assert words(digest) == ["app: a", "app: b"]
    assert digest.gaps == ()
    whole = (tmp_path / "b.log.gz").read_bytes()
    (tmp_path / "b.log.gz").write_bytes(whole[: len(whole) // 2])
    assert [gap.reason for gap in read(tmp_path, file=("*.log.gz",)).gaps] == ["unreadable"]


def test_what_is_packed_in_a_way_that_is_not_read_is_a_gap(tmp_path: Path) -> None:
    """zstd: its lines may have told."""
    (tmp_path / "app.log").write_text(line(10, "new"))
    (tmp_path / "app.log.1.zst").write_bytes(b"\x28\xb5\x2f\xfd")
    assert next(gap.text for gap in read(tmp_path).gaps) == "app.log.1.zst cannot be read: zstd is not read"


def test_files_of_one_name_are_streams_of_their_own(tmp_path: Path) -> None:
    """Each with its own first line, and its own gap."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.log").write_text(line(10, name))
    digest = read(tmp_path, file=("*/app.log",))
    assert [one.name for one in digest.streams] == [str(tmp_path / name / "app.log") for name in ("a", "b")]


def test_files_beyond_those_that_are_read_are_a_gap(tmp_path: Path) -> None:
    """Their errors were not seen."""
    for number in range(203):
        (tmp_path / f"{number}.log").write_text(line(10, "x"))
    (gap,) = read(tmp_path, file=("*.log",)).gaps
    assert gap.text == "3 further files match: no more than 200 are read"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("declined\n", "app.log: no line says when it was written"),
        (line(3600 * 2, "two hours behind"), "app.log: written to at "),
    ],
    ids=["without times", "in another zone"],
)
def test_a_file_whose_lines_are_not_dated_within_the_window(tmp_path: Path, text: str, says: str) -> None:
    """One that is written to now, beside a whole one: its lines may be of the window, and are not seen."""
    (tmp_path / "app.log").write_text(text.replace("ERROR", "INFO"))
    beside = line(900, "old") + line(1, "new")
    (tmp_path / "other.log").write_text(beside.replace("ERROR", "INFO"))
    found = read(tmp_path, file=("app.log", "other.log"), traffic=False)
    (finding,) = coverage.unproven(found, LogsTarget(file=("app.log",), traffic=False), "logs")
    assert (finding.code, finding.severity) == ("logs.window.unproven", "insufficient")
    assert finding.message.startswith(says)


def test_a_file_that_nobody_writes_to_is_quiet(tmp_path: Path) -> None:
    """It is as old as its last line says."""
    (tmp_path / "app.log").write_text(line(7200, "old").replace("ERROR", "INFO"))
    os.utime(tmp_path / "app.log", (time.time() - 7200,) * 2)
    (tmp_path / "other.log").write_text(line(1, "new").replace("ERROR", "INFO"))
    found = read(tmp_path, file=("app.log", "other.log"), traffic=False)
    assert coverage.unproven(found, LogsTarget(file=("app.log",), traffic=False), "logs") == []


def test_lines_of_our_own_requests_show_a_clock_that_is_behind(tmp_path: Path) -> None:
    """What is dated before our run cannot be of our requests: so much of the window is dated before it, too."""
    run = "0123456789ab"
    (tmp_path / "app.log").write_text(line(3600, f"GET /a prodcheck/1 (run {run})").replace("ERROR", "INFO"))
    (tmp_path / "other.log").write_text(line(1, "new").replace("ERROR", "INFO"))
    os.utime(tmp_path / "app.log", (time.time() - 3600,) * 2)
    table = LogsTarget(file=("app.log", "other.log"), traffic=False)
    one = LogsProber("logs", table, Folder, Files("logs", table, tmp_path), run)
    found = one.probe("", "", "", 1).facts["digest"]
    (finding,) = coverage.unproven(found, LogsTarget(file=("app.log",), traffic=False), "logs")
    assert finding.code == "logs.window.unproven"
    assert "its clock or time zone is another one" in finding.message
