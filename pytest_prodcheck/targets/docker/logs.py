"""A container's log, bounded: the daemon's stream is taken apart into stdout and stderr."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.docker.api import DockerApi, quoted

_HEADER = 8
_STREAMS = {1: "stdout", 2: "stderr"}


@dataclass(frozen=True, slots=True)
class LogRead:
    """What was read of one container's log. `whole` says whether nothing was cut off by the bound."""

    observation: Observation
    lines: tuple[tuple[str, str], ...] = ()
    """Stream (`stdout`, `stderr`; both are stdout where the container has a terminal) and line, as they came."""
    whole: bool = True


def read(
    api: DockerApi, container: str, *, since: float = 0.0, tail: int = 0, at_most: int = 1_000_000, times: bool = False
) -> LogRead:
    """The log of a container: from `since` (seconds since the epoch), its last `tail` lines (0: all), at most
    `at_most` bytes. `times`: each line begins with the daemon's RFC 3339 time. Raises errors.Refused."""
    parameters = {"stdout": "1", "stderr": "1", "tail": str(tail) if tail else "all"}
    parameters |= {"since": f"{since:.9f}"} if since else {}
    parameters |= {"timestamps": "1"} if times else {}
    answer = api.read(f"/containers/{quoted(container)}/logs", parameters, at_most)
    whole = answer.observation.error != "body.too_large"
    if answer.observation.status != 200 or (answer.observation.error and whole):
        return LogRead(answer.observation)
    return LogRead(answer.observation, tuple(lines(answer.body)), whole)


def plain(body: bytes) -> bytes:
    """Both streams in one, as a terminal shows them: the headers of the daemon's stream taken out."""
    return b"".join(part for _, part in _frames(body)) if _framed(body) else body


def lines(body: bytes) -> Iterator[tuple[str, str]]:
    """The lines of a stream, each stream's in its order; a line that is cut off in one frame goes on in the next."""
    if not _framed(body):
        yield from (("stdout", line) for line in body.decode(errors="replace").splitlines())
        return
    open_lines: dict[str, bytes] = {}
    for stream, part in _frames(body):
        *whole, rest = (open_lines.pop(stream, b"") + part).split(b"\n")
        yield from ((stream, line.decode(errors="replace").rstrip("\r")) for line in whole)
        if rest:
            open_lines[stream] = rest
    yield from ((stream, rest.decode(errors="replace")) for stream, rest in open_lines.items())


def _framed(body: bytes) -> bool:
    """Whether it is the daemon's multiplexed stream, and no terminal's raw output."""
    return len(body) >= _HEADER and body[0] in (0, 1, 2) and body[1:4] == b"\0\0\0"


def _frames(body: bytes) -> Iterator[tuple[str, bytes]]:
    position = 0
    while position + _HEADER <= len(body):
        size = int.from_bytes(body[position + 4 : position + _HEADER], "big")
        start = position + _HEADER
        yield _STREAMS.get(body[position], "stdout"), body[start : start + size]
        position = start + size
