"""A load run as plain data: how requests were sent, how the run ended, how the generator fared, and what was measured.

Samples are columns on disk, one folder a scenario, that `load.samples` maps into memory: nothing here opens a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypedDict

Model = Literal["open", "closed"]
"""`open`: arrivals start at a declared rate, whatever the system does; `closed`: each user waits for its answer before
it sends the next request."""

Ending = Literal["finished", "aborted", "breaker", "interrupted", "failed"]
"""`aborted`: an abort limit was passed; `breaker`: another target turned red while load ran; `interrupted`: Ctrl-C, the
deadline; `failed`: the generator itself (a scenario that cannot be loaded, no master, no users, a crash)."""

NO_ERROR = 0
"""Id in the column `error` of a request that was answered as its scenario wants."""


@dataclass(frozen=True, slots=True)
class Second:
    """What the generator saw of itself, in one second of one of its processes."""

    at: float
    """Seconds since the epoch, the second's end."""
    process: str = "local"
    """`local`, or the worker's name."""
    cpu: float = 0.0
    """Share of one core that the process used: 1.0 is saturated (Locust's Python uses one)."""
    lag: float = 0.0
    """Seconds by which the event loop was late at worst."""
    descriptors: int = 0
    """Open file descriptors."""
    most_descriptors: int = 0
    """The soft limit of them (RLIMIT_NOFILE); 0 where it is not known."""
    users: int = 0
    """Users that ran; in the open model the arrivals under way."""
    requests: int = 0
    """Requests that ended in this second, answered or not."""
    errors: int = 0
    """Of them, those that were errors."""
    missing: int = 0
    """Users that were to run and had ended already (closed model)."""


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """One kind of error of one load run."""

    kind: str
    """`status` (an undeclared HTTP status), a class of `observe.observation.ERROR_CLASSES` (`timeout`, `tcp.refused`,
    …), `assertion` (the scenario itself called the answer a failure), or `exception` (the scenario raised)."""
    message: str = ""
    """As it was first seen, redacted, at most 200 characters."""


@dataclass(frozen=True, slots=True)
class LoadRun:
    """One scenario, run once."""

    scenario: str
    """Its name in `[env.X.load]`."""
    model: Model = "closed"
    pacing: float = 0.0
    """Seconds between the intended starts of one user's iterations (closed model); 0 for none. With pacing, and in the
    open model, latency counts from the intended start: response time plus `late`."""
    file: str = ""
    """The Locust file, relative to `prodcheck.toml`; empty for a shipped scenario."""
    began_at: float = 0.0
    """Seconds since the epoch, when the first user or arrival was started."""
    ended_at: float = 0.0
    ending: Ending = "finished"
    message: str = ""
    """Why it did not finish, in words for people: which abort limit, which target, the scenario's `file:line`."""
    code: str = ""
    """Cause code of what `ending` says (`load.generator.failed`, `load.scenario.invalid`, …); empty when finished."""
    duration: float = 0.0
    """Seconds that were planned, warm-up included."""
    warm_up: float = 0.0
    """Seconds after `began_at` whose requests are not judged."""
    users: int = 0
    """The most users at once that were planned (closed model)."""
    rate: float = 0.0
    """The most arrivals a second that were planned (open model)."""
    planned: int = 0
    """Arrivals that were due until the run ended (open model); 0 in the closed model."""
    sent: int = 0
    """Arrivals that were started (open model); requests that ended, in the closed model."""
    unfinished: int = 0
    """Requests that were under way when the run ended: they are in no column."""
    unstarted: int = 0
    """Arrivals that could not start because `most_in_flight` were under way already (open model)."""
    samples: int = 0
    """Rows in the columns, warm-up included."""
    folder: str = ""
    """Absolute path of the columns; empty where nothing was recorded."""
    seconds: tuple[Second, ...] = ()
    """In order of time; at most 20,000, the rest is left out."""
    workers: int = 1
    """Processes that were to generate load."""
    workers_lost: tuple[str, ...] = ()
    """Names of those that were gone before the end."""
    remote: bool = False
    """Whether the processes run elsewhere (`master`)."""
    refused: tuple[str, ...] = ()
    """What the scenario tried and the guard did not send: another host, an undeclared write; each once."""
    notes: tuple[str, ...] = ()
    """What a reader must know: a clock that jumped, samples that were lost, output of a scenario that crashed."""
    engine: str = ""
    """`locust 2.47.0`."""
    raised: int = 0
    """Iterations that the scenario ended by an exception of its own: they tested nothing."""

    def as_json(self) -> dict[str, Any]:
        """The run as JSON-safe data."""
        return asdict(self)


class Column(TypedDict):
    """How one column lies on disk: native byte order, no header, one value a request."""

    name: str
    code: str
    """Type code of `array` and `memoryview.cast`."""


COLUMNS: tuple[Column, ...] = (
    {"name": "start", "code": "q"},
    {"name": "late", "code": "I"},
    {"name": "response", "code": "I"},
    {"name": "status", "code": "h"},
    {"name": "name", "code": "H"},
    {"name": "error", "code": "H"},
    {"name": "size", "code": "I"},
)
"""Files `FOLDER/PROCESS/start.q`, `…/late.I`, and so on; see `Part` for what they mean."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The samples of one process: columns of equal length, row i is one request. In the order in which they ended."""

    start: memoryview[int]
    """Microseconds after the run's `began_at` when the request really started (monotonic: a clock that is set does not
    move it); negative for none."""
    late: memoryview[int]
    """Microseconds between the intended start and the real one; 0 where nothing intended a start."""
    response: memoryview[int]
    """Microseconds from the real start to the end of the answer, or to the error. At most 4,294 s."""
    status: memoryview[int]
    """HTTP status; 0 where there is none or none came."""
    name: memoryview[int]
    """Index into `Samples.names`."""
    error: memoryview[int]
    """Index into `Samples.errors`; `NO_ERROR` for none. An error's response time is no latency."""
    size: memoryview[int]
    """Bytes of the answer's body, where the client says it; at most 4,294,967,295."""

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """All samples of one scenario's run. The ids in the columns mean the same in every part."""

    names: tuple[str, ...] = ()
    """`GET /api/tasks`, or the method and the `name=` that the scenario gives. At most 5,000; more share the last,
    `(other names)`."""
    errors: tuple[ErrorClass, ...] = ()
    """Index `NO_ERROR` is a placeholder. At most 1,000; more share the last."""
    parts: tuple[Part, ...] = ()

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Live:
    """What a run says while it runs, about the last second or two."""

    scenario: str
    at: float
    elapsed: float
    duration: float
    users: int = 0
    rate: float = 0.0
    """Requests a second that ended."""
    p95: float | None = None
    """Seconds, over the last two seconds; None where none was answered."""
    errors: float = 0.0
    """Share of the requests that ended in the last two seconds."""
    total: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
