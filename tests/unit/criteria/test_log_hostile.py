"""What a program writes is hostile: no line crashes the parsers, takes them long, or reaches the terminal as it is."""

from __future__ import annotations

import time

import log_reading
import pytest

from pytest_prodcheck.config import bounded
from pytest_prodcheck.criteria.logs import formats, traces

LINE = b"2026-11-29 10:09:00,000 ERROR app: "
LONG = 65_000


@pytest.mark.parametrize(
    "raw",
    [
        b"\xff\xfe\x00\x80 ERROR \xc3\x28\n",
        LINE + b"\x00\x00boom\x00\n",
        LINE + b"\x1b[2J\x1b]0;title\x07boom\r\n",
        LINE + b"\xe2\x80\xae evil \xe2\x80\x8b\n",
        b'{"level":"error","msg":' + b"[" * 50_000 + b"\n",
        b'{"level":["error"],"msg":{"a":1},"time":[],"error":7,"status":"x","req":[]}\n',
        b'{"type":"http-log","level":null,"detail":{"operation":[],"http_info":3}}\n',
        b'{"type":7,"detail":{"operation":{"error":{"internal":[]}}},"level":"error"}\n',
        b'{"log":"{\\"log\\":\\"x\\",\\"stream\\":\\"a\\",\\"time\\":\\"b\\"}","stream":"s","time":"t"}\n',
        b"\n\r\n \n\t\n",
        b'2026-11-29 10:09:00.000 UTC,"' + b'"' * 999 + b"\n",
        b"9999-12-31T23:59:59Z ERROR from the future\n",
        b"0000-00-00T00:00:00Z ERROR from nowhere\n",
    ],
)
def test_no_line_crashes_the_fold(raw: bytes) -> None:
    """And what is kept of it is one printable line, with no end left open."""
    found = log_reading.digest(raw + LINE + b"the next one\n")
    assert any(group.title == "app: the next one" for group in found.groups)
    assert all(group.line.isprintable() for group in found.groups)


@pytest.mark.parametrize(
    "text",
    [
        "A" * LONG, "A." * (LONG // 2), "a " * (LONG // 2), "at " * (LONG // 3), "File \"" * (LONG // 6), "=" * LONG,
        "a=b " * (LONG // 4), "[" * LONG, "] " * (LONG // 2), "error " * (LONG // 6), "@" * LONG, "a@a." * (LONG // 4),
        "4" * LONG, "4 " * (LONG // 2), "://a:" * (LONG // 5), "token=" * (LONG // 6), "\tat a(" * (LONG // 6),
        "Caused by: " * (LONG // 11), "ERROR: " * (LONG // 7), "duration: 1" * (LONG // 11), "-" * LONG, ":" * LONG,
        "AB12 " * (LONG // 5), "(" * LONG, "name.Name" * (LONG // 9),
        "{" * LONG, "{\"level\":" * (LONG // 9), " \"level\" : " * (LONG // 11),
        "a-1 | " * (LONG // 6), "Nov 29 10:00:00 a b: " * (LONG // 21), "#033[" * (LONG // 5),
        "2026-11-29T10:00:00Z | " * (LONG // 23),
        "http 2026-11-29T10:00:00.1Z a b c 0.1 " * (LONG // 38), "x: line 1: " * (LONG // 11),
        "app: {" * (LONG // 6), "Timeout" * (LONG // 7), "retry " * (LONG // 6),
    ],
    ids=lambda text: text[:8],
)  # fmt: skip
def test_no_line_takes_long(text: str) -> None:
    """As long as lines are read, of what makes patterns go back."""
    begun = time.process_time()
    log_reading.digest(LINE + text.encode() + b"\n", auth_failures="< 5", slow=1.0, forbid=("re:x.*y.*z",))
    formats.parse(text)
    traces.read(text)
    assert time.process_time() - begun < 2.0


@pytest.mark.parametrize(
    "unit",
    ["a:b@", "a:b@c", "a/b@", "connect a:1", "curl -u ", "mysql -p", "a: error: ", "Error [A]: ", "A::Error (",
     "dial tcp a: ", "lookup a", "exec a: ", "Task a[12345678] raised ", '[{"a":', '{"resourceLogs":[{', '{"error":'],
)  # fmt: skip
def test_a_line_of_a_megabyte_takes_no_time(unit: str) -> None:
    """Whatever patterns of log-ins, failures and envelopes begin on it again and again."""
    begun = time.process_time()
    log_reading.digest(LINE + (unit * (1_000_000 // len(unit))).encode() + b"\n", auth_failures="< 5", slow=1.0)
    assert time.process_time() - begun < 2.0


def test_a_line_of_fifty_megabytes() -> None:
    """Its beginning is judged, its rest passed over, and the next line is one."""
    blocks, size = [LINE + b"huge ", *[b"x" * (1 << 20)] * 50, b"\n" + LINE + b"the next one\n"], 0
    text = b"".join(blocks)
    found = log_reading.digest(text)
    size = sum(len(group.line) for group in found.groups)
    assert [group.title[:12] for group in found.groups] == ["app: huge xx", "app: the nex"]
    assert (found.streams[0].cut, found.streams[0].lines) == (1, 2)
    assert size < 700


def test_windows_line_ends() -> None:
    """A carriage return is no part of a record: the same group with and without."""
    found = log_reading.digest(LINE + b"boom\r\n" + LINE + b"boom\n")
    assert [(group.title, group.count) for group in found.groups] == [("app: boom", 2)]


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|a)*b", "(a?)+", "(a{1,50}){1,50}", "(?:x(y*)z)+", "a*b*c*d*", "[z", "(?P<a",
     "a{0,99}b{0,99}c{0,99}d+"],
)  # fmt: skip
def test_a_pattern_that_may_take_long_is_refused(pattern: str) -> None:
    """Repetitions within repetitions, and too many side by side; and what is no pattern."""
    with pytest.raises(ValueError, match=r"repetition|regular expression"):
        bounded.bounded(pattern)


@pytest.mark.parametrize(
    ("pattern", "reach"),
    [("P10\\d\\d", 4000), ("(?i)was never awaited", 4000), ("x.*y", 4000), ("x.*y.*z", 800), ("a+b+c+", 100),
     ("(?:abc)+", 4000), ("[*+]{2}", 4000), (r"\(a\)\*", 4000), ("(a|b)c", 4000), ("[)]+", 4000)],
)  # fmt: skip
def test_a_pattern_that_cannot_take_long_is_taken(pattern: str, reach: int) -> None:
    """With as many characters of a line as keep it quick."""
    assert bounded.bounded(pattern)[1] == reach


def test_the_slowest_pattern_that_is_taken() -> None:
    """Three repetitions side by side over what they all match."""
    pattern, reach = bounded.bounded("a+a+a+b")
    begun = time.process_time()
    pattern.search(("a" * 5000)[:reach])
    assert time.process_time() - begun < 1.0
