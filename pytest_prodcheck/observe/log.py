"""What was read of logs: streams, groups of like records, and the digest of all of them, as plain frozen data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pytest_prodcheck.observe.observation import Json, Observation

Kind = Literal["error", "status", "forbidden", "slow", "retry", "secret", "personal", "refusal", "login", "fallback"]
"""What a group of records is about: a grave record, a 5xx answer, a forbidden pattern, a slow query, a retry, a
credential, personal data, a refused log-in, a granted one, a fallback that is in use."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is judged: from `since` to `until`, and the time before it that it is compared with."""

    since: float
    until: float
    before: float
    """Where the time before begins; as `since` where nothing is compared."""
    why: str = ""
    """What `since` is, in words: `the rollout at …`, `10m`, `this run`."""
    boundary: bool = False
    """Whether `since` is an event (a rollout, the run) and not a duration: what was there before it is known."""
    offset: float = 0.0
    """What is added to times without a zone, in seconds."""
    run: float = 0.0
    """When this run began."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One stream of lines in the order in which they were written: a file, a container, a Loki stream."""

    name: str
    stamped: bool = False
    """Whether each line begins with the RFC 3339 time at which the platform took it, and a blank."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """`pod`, `container`, `workload`, `node`, `file`."""
    previous: bool = False
    """Whether it is of an instance that has ended."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Why the window of one stream is not covered: what was lost, or not read."""

    origin: str
    reason: Literal["rotated", "bytes", "lines", "time", "unreadable", "refused", "vanished"]
    text: str


@dataclass(frozen=True, slots=True)
class Stream:
    """What one stream gave."""

    name: str
    lines: int = 0
    """Lines within the window."""
    read: int = 0
    """Lines that were read, the time before the window included."""
    first: float | None = None
    """Time of the first line that was read; None where no line says when it was written."""
    last: float | None = None
    requests: int = 0
    """Lines within the window that tell of an answered request, our own not counted."""
    own_requests: int = 0
    own_from: float | None = None
    """Time of the first line that names this run; None where none does."""
    cut: int = 0
    """Lines that were longer than is read."""
    worded: int = 0
    """Lines within the window that are not empty; counted where a share of structured ones is promised."""
    structured: int = 0
    """How many of them are JSON with time, level and message."""
    unstructured: str = ""
    """The first that is not, masked."""
    ready_at: float | None = None
    """Time of the line that says that the program is ready."""
    graves_before_ready: int = 0
    first_grave: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    previous: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Records that say the same."""

    kind: Kind
    code: str
    """The cause code that the records speak for."""
    title: str
    """Their words, without what differs."""
    fingerprint: str
    line: str
    """The first of them, masked, on one line, at most 300 characters."""
    origin: str
    count: int = 0
    """Records within the window."""
    before: int = 0
    """Records in the time before."""
    ours: int = 0
    """How many of `count` our own requests caused."""
    first: float | None = None
    last: float | None = None
    data: Mapping[str, Json] = field(default_factory=dict)
    example: str = ""
    """The words of the first of them, masked, with what differs; empty where the title says it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the logs say of one request by its id."""

    lines: tuple[str, ...]
    """Masked; at most five."""
    code: str = ""
    """The cause code that they speak for; empty where they name none."""
    exception: str = ""
    trace: bool = False


@dataclass(frozen=True, slots=True)
class Digest:
    """Everything that is judged of one target's logs."""

    window: Window
    streams: tuple[Stream, ...] = ()
    groups: tuple[Group, ...] = ()
    gaps: tuple[Gap, ...] = ()
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """Request id → what its lines say, of the ids that were looked for."""
    bytes: int = 0
    left_out: int = 0
    """Groups beyond those that are kept."""
    sent: tuple[Sent, ...] = ()
    """What this run has asked over HTTP before the lines were read."""

    def of(self, *kinds: Kind) -> list[Group]:
        """The groups of some kinds that were seen within the window, the most frequent first."""
        found = [group for group in self.groups if group.kind in kinds and group.count]
        return sorted(found, key=lambda group: (-(group.count - group.ours), group.fingerprint))

    @property
    def lines(self) -> int:
        """Lines within the window."""
        return sum(stream.lines for stream in self.streams)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of ours that was answered with 5xx."""

    target: str
    operation: str
    status: int
    ids: tuple[str, ...]
    """Request ids that its answer gave."""


@dataclass(frozen=True, slots=True)
class Sent:
    """When this run asked one target over HTTP: those requests that the system answered, and not with a 5xx, which may
    be a gateway's own."""

    target: str
    times: tuple[float, ...]
    """Seconds since the epoch, ascending; at least one."""


@dataclass(frozen=True, slots=True)
class Own:
    """What this run knows of its own requests."""

    run: str = ""
    """Its id: in the User-Agent, `x-prodcheck-run` and `traceparent` of each request."""
    ids: frozenset[str] = frozenset()
    """Request ids that answers gave us."""
    asked: tuple[Asked, ...] = ()
    """Those of our requests whose answer was a 5xx: their lines are looked for."""
    sent: tuple[Sent, ...] = ()

    @classmethod
    def of(cls, run: str, observations: Iterable[Observation]) -> Own:
        """What the answers of a run tell."""
        ids: set[str] = set()
        asked = []
        times: dict[str, list[float]] = {}
        for seen in observations:
            named = request_ids(seen.headers)
            if len(ids) < _IDS:
                ids.update(named)
            if seen.server_error:
                asked.append(Asked(seen.target, seen.operation, seen.status or 0, named))
            elif seen.status is not None and seen.target.partition(".")[0] in _SERVED and seen.started_at:
                times.setdefault(seen.target, []).append(seen.started_at)
        sent = tuple(Sent(target, tuple(sorted(found))) for target, found in sorted(times.items()))
        return cls(run, frozenset(ids), tuple(asked), sent)


_IDS = 5000
_SERVED = ("http", "graphql")
"""Targets whose requests go to the system's own programs; an identity provider is often somebody else's."""
_REQUEST_IDS = ("x-request-id", "x-correlation-id", "request-id", "x-trace-id", "x-amzn-requestid", "cf-ray")


def request_ids(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of a request in its answer's headers (lower-case names)."""
    return tuple(headers[name] for name in _REQUEST_IDS if 8 <= len(headers.get(name, "")) <= 128)


class Fold(Protocol):
    """What takes lines as they are read, and keeps of them what is judged."""

    def take(self, origin: Origin, block: bytes) -> bool:
        """Takes bytes of a stream, lines whole or not; False where no more lines are wanted."""
        ...

    def ends(self, origin: Origin) -> None:
        """The stream has no more bytes."""
        ...

    def result(self) -> Digest:
        """What was found, without gaps."""
        ...
