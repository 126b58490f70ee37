"""A cache as the owner asks it: readiness, log-ins, readings, keys, one declared write, and whether it serves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.config.models import CacheTarget
from pytest_prodcheck.errors import NotReady, Refused
from pytest_prodcheck.observe.cache import Keys, Reading, Serving, Step, Trip
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.observation import Kind, Observation
from pytest_prodcheck.targets.cache import looks, lookups, nodes, round_trip, sentinel
from pytest_prodcheck.targets.cache.address import Place
from pytest_prodcheck.targets.cache.connect import Connector
from pytest_prodcheck.targets.guard.redis import Licence

if TYPE_CHECKING:
    from pytest_prodcheck.targets.cache.session import Session
    from pytest_prodcheck.targets.guard.redis import Word

Endpoint = Callable[[], Observation]
"""Asks the endpoint of `serves` once."""
_ASKED_ELSEWHERE = ("NOAUTH", "WRONGPASS", "NOPERM", "ERR")
_LOOKUPS_OF_A_TRIP = 6
"""At most: a TTL for its slot, GET, TTL and EXISTS, and two GET of a clean-up over another session."""
_OWN_LOGIN = ("dns.", "tcp.", "tls.", "protocol")


class CacheProber:
    """Asks one cache as our reader; nothing but reads, and the one declared write."""

    def __init__(self, target: str, table: CacheTarget, run: str, endpoint: Endpoint | None = None) -> None:
        """Raises ConfigError where a file of certificates holds none."""
        self.target, self.table, self._run, self._endpoint = target, table, run, endpoint
        self._connector = Connector(target, table, run)
        if table.url.startswith(("rediss:", "valkeys:")):
            self._connector.context  # noqa: B018 - a file that is none is said before anything is sent
        self._baseline: Reading | None = None
        self._readings: dict[int, tuple[Reading, tuple[int, ...]]] = {}
        """By attempt, each with the lookups that were ours until then."""
        self._idle: list[Session] = []
        self._lock, self._reading = threading.Lock(), threading.Lock()
        self._sent = {"cache": 0, "logins": 0, "writes": 0, "refused": 0}
        self._own = [0, 0, 0]
        """Lookups of ours that found their key, that did not, and of which the answer does not tell it: no part of the
        application's hit ratio."""
        self.lane, self.width = target, 4

    @property
    def sent(self) -> Mapping[str, int]:
        """How many commands, log-ins and writes were sent, and how many commands were refused."""
        return self._sent

    def ready(self) -> Evidence:
        """Our reader's log-in, a PING, and the first reading; where it fails, whether another credential gets in."""
        session, seen = self._connected(self.table.url)
        if session is None:
            return Evidence((seen,), self._asked_elsewhere(seen))
        try:
            self._baseline = self._read(session, seen)
        finally:
            self._leave(session)
        return Evidence((seen,), {"reading": self._baseline})

    def probe(self, function: str, subject: str, user: str, attempt: int) -> Evidence:
        """The evidence of one shipped check."""
        del user
        if function == "test_login":
            return self.login(subject)
        if function in ("test_keys", "test_expires"):
            return self._looked(lambda session: {"keys": self._keys(session, subject, function)})
        if function == "test_slow_log":
            return self._looked(lambda session: {"slow_log": looks.slow_log(self._sessions(session, primaries=False))})
        if function == "test_sentinel":
            return self._watched()
        if function == "test_round_trip":
            return self._round_trip()
        if function == "test_serves":
            return self._serves()
        late = function in ("test_evicted", "test_hit_ratio")
        reading, own = self._fresh(-attempt if late else attempt)
        return Evidence((), {**({"before": self._baseline, "own": own} if late else {}), "reading": reading})

    def login(self, name: str) -> Evidence:
        """A declared credential logs in and PINGs."""
        session, seen = self._connected(self.table.logins[name], f"login {name}", name, "declared")
        if session is not None:
            self._leave(session, keep=False)
            return Evidence((seen,))
        return Evidence((seen,), self._asked_elsewhere(seen, reader=True))

    def command(self, words: Sequence[Word]) -> tuple[Observation, Any]:
        """A test's own command, and its answer. Raises errors.Refused for what is not a proven read."""
        from pytest_prodcheck.targets.guard import redis as guard

        try:
            guard.check(words)
        except Refused:
            self._count("refused")
            raise
        session, seen = self._session()
        if session is None:
            return replace(seen, kind="fixture"), None
        try:
            seen, answer = self._timed(session, words, "fixture")
            self._looked_up(lookups.counted(words, answer, answered=seen.expected))
            return seen, answer
        finally:
            self._leave(session)

    def repeater(self, function: str, subject: str, user: str) -> Callable[[], Observation] | None:
        """None: what is repeated for a limit is PING."""
        del function, subject, user
        return None

    def repeaters(self) -> Sequence[Callable[[], Observation]]:
        """PING."""
        return [self._ping]

    def close(self) -> None:
        """Ends the sessions that are kept."""
        with self._lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def _ping(self) -> Observation:
        session, seen = self._session()
        if session is None:
            return replace(seen, operation="PING", kind="sample")
        try:
            return self._timed(session, ("PING",), "sample")[0]
        finally:
            self._leave(session)

    def _timed(self, session: Session, words: Sequence[Word], kind: Kind) -> tuple[Observation, Any]:
        """One exchange on a session; one that did not end with an answer is closed."""
        from pytest_prodcheck.targets.cache.session import Garbage, Said, TooMuch
        from pytest_prodcheck.targets.transport_errors import classify

        session.stream.bound(self.table.timeout)
        name = str(words[0]).upper()
        seen = Observation(self.target, name, kind, started_at=time.time(), expected=False)
        began = time.perf_counter()
        answer: Any = None
        try:
            answer = session.ask(*words)
            seen = replace(seen, expected=True)
        except Said as refusal:
            seen = replace(seen, code=refusal.word or "ERR", message=refusal.text)
        except Garbage as nonsense:
            seen = replace(seen, error="protocol", message=str(nonsense))
        except TooMuch as much:
            seen = replace(seen, error="body.too_large", message=str(much))
        except OSError as error:
            seen = replace(seen, error=classify(error, connected=True))
        took = time.perf_counter() - began
        if seen.error:
            session.close()
        return replace(seen, phases={"first_byte": took}, wall=took), answer

    def _connected(
        self, url: str, operation: str = "connect", subject: str = "", kind: Kind = "readiness",
        licence: Licence | None = None,
    ) -> tuple[Session | None, Observation]:  # fmt: skip
        self._count("logins")
        return self._connector.attempt(url, operation=operation, subject=subject, kind=kind, licence=licence)

    def _session(self) -> tuple[Session | None, Observation]:
        """A kept session of our reader that is still open, or a new one."""
        with self._lock:
            idle, self._idle = self._idle, []
        for number, session in enumerate(idle):
            if session.stream.quiet:
                with self._lock:
                    self._idle += idle[number + 1 :]
                return session, Observation(self.target, "connect")
            session.close()
        return self._connected(self.table.url)

    def _leave(self, session: Session, *, keep: bool = True) -> None:
        """Puts a session back, or closes it; what it asked is counted."""
        self._count("cache", session.asked)
        session.asked = 0
        if keep and session.stream.quiet:
            with self._lock:
                if len(self._idle) < self.width:
                    self._idle.append(session)
                    return
        session.close()

    @contextmanager
    def _asking(self) -> Iterator[Session]:
        """A session of our reader for some questions. Raises NotReady where there is none."""
        session, seen = self._connected(self.table.url)
        if session is None:
            raise NotReady(self.target, seen.message or seen.error or seen.code)
        try:
            yield session
        finally:
            self._leave(session, keep=False)

    def _looked(self, look: Callable[[Session], Mapping[str, Any]]) -> Evidence:
        """The facts of a look; where it was refused or broke off, why."""
        from pytest_prodcheck.targets.cache.session import Garbage, Said, TooMuch

        try:
            with self._asking() as session:
                session.stream.bound(self.table.timeout)
                return Evidence((), look(session))
        except Said as refusal:
            return Evidence((), {"refused": refusal.text})
        except (Garbage, TooMuch, OSError, NotReady) as error:
            return Evidence((), {"broken": str(error) or type(error).__name__})

    def _keys(self, session: Session, pattern: str, function: str) -> Keys:
        found = looks.keys(
            self._sessions(session, primaries=True), pattern, lives=function == "test_expires",
            cluster=self.table.cluster, database=self._connector.server(self.table.url).database,
            timeout=self.table.timeout,
        )  # fmt: skip
        self._looked_up((found.looked + found.asked[0], found.asked[1], 0))  # TTL counts as a lookup
        return found

    def _sessions(self, session: Session, *, primaries: bool) -> Iterator[Session]:
        server = self._connector.server(self.table.url)
        return nodes.sessions(self._connector, session, server, primaries=primaries)

    def _looked_up(self, number: Sequence[int]) -> None:
        with self._lock:
            self._own = [one + more for one, more in zip(self._own, number, strict=True)]

    def _fresh(self, attempt: int) -> tuple[Reading, tuple[int, ...]]:
        """One reading for all checks of an attempt, and our lookups before it; a negative number is one at the end of
        the run."""
        with self._reading:
            if attempt == 1 and self._baseline is not None:
                return self._baseline, ()
            if attempt not in self._readings:
                session, seen = self._connected(self.table.url)
                if session is None:
                    return Reading(unread={self.target: f"{seen.code or seen.error} {seen.message}".strip()}), (0, 0, 0)
                try:
                    own = tuple(self._own)
                    self._readings[attempt] = (self._read(session, seen), own)
                finally:
                    self._leave(session, keep=False)
            return self._readings[attempt]

    def _read(self, session: Session, seen: Observation) -> Reading:
        from pytest_prodcheck.targets.cache.session import Garbage, Said, TooMuch

        place = Place(str(seen.data["host"]), int(seen.data["port"]))
        try:
            session.stream.bound(self.table.timeout)
            return nodes.reading(self._connector, session, self._connector.server(self.table.url), place)
        except Said as refusal:
            return Reading(unread={str(place): refusal.text})
        except (Garbage, TooMuch, OSError) as error:
            return Reading(unread={str(place): str(error) or type(error).__name__})

    def _watched(self) -> Evidence:
        try:
            return Evidence((), {"watch": sentinel.watch(self._connector, self.table.url)})
        except LookupError as problem:
            return Evidence((), {"broken": str(problem.args[0])})

    def _round_trip(self) -> Evidence:
        promised = self.table.round_trip
        if promised is None:
            return Evidence()
        licence = Licence(promised.key, int(promised.ttl))
        session, seen = self._connected(self.table.url, "round trip", promised.name, "declared", licence)
        if session is None:
            return Evidence((seen,), {"trip": Trip((Step("connect", seen.message or seen.error, False),))})
        try:
            if self.table.cluster:
                session, seen = self._at_slot(session, seen, promised.key, licence)
            session.stream.bound(self.table.timeout)
            trip = round_trip.done(session, promised, f"prodcheck {self._run}")
        finally:
            self._leave(session, keep=False)
        if trip.written and not trip.gone:
            trip = replace(trip, gone=self._undone(licence))
        whole = all(step.right for step in trip.steps)
        at_slot = int(self.table.cluster)  # asked with a TTL
        self._looked_up((2, 1, at_slot) if whole else (0, 0, _LOOKUPS_OF_A_TRIP))
        self._count("writes", int(trip.written))
        return Evidence((replace(seen, phases={}, expected=True),), {"trip": trip})

    def _undone(self, licence: Licence) -> bool:
        """The clean-up once more, where the first session broke off on the way."""
        promised = self.table.round_trip
        session, seen = self._connected(self.table.url, licence=licence)
        if session is None or promised is None:
            return False
        try:
            if self.table.cluster:
                session, _ = self._at_slot(session, seen, promised.key, licence)
            session.stream.bound(self.table.timeout)
            return round_trip.undone(session, promised, f"prodcheck {self._run}")
        finally:
            self._leave(session, keep=False)

    def _at_slot(self, session: Session, seen: Observation, key: str, licence: Licence) -> tuple[Session, Observation]:
        """A session with the node that has the key's slot, by the node that knows (MOVED)."""
        from pytest_prodcheck.targets.cache.session import Said

        try:
            session.ask("TTL", key)
        except Said as moved:
            host, _, port = moved.text.rpartition(" ")[2].rpartition(":")
            if moved.word == "MOVED" and port.isdigit():
                server = self._connector.server(self.table.url).at(Place(host or str(seen.data["host"]), int(port)))
                end = time.perf_counter() + self.table.timeout
                other, found = self._connector.reached(server, seen, end, licence)
                if other is not None:
                    self._leave(session, keep=False)
                    return other, found
        return session, seen

    def _serves(self) -> Evidence:
        """Two requests to the declared endpoint, with the counters before, between and after."""
        if self._endpoint is None:
            return Evidence()
        answers: list[Observation] = []
        rows: list[tuple[int, int, int]] = []
        unread = ""
        for turn in range(3):
            if turn:
                answers.append(self._endpoint())
            reading = self._counters()
            if isinstance(reading, str):
                unread = reading
                continue
            rows.append(reading)
        hits, misses, expired = (tuple(row[part] for row in rows) for part in range(3))
        return Evidence(tuple(answers), {"serving": Serving(tuple(answers), hits, misses, expired, unread)})

    def _counters(self) -> tuple[int, int, int] | str:
        """Hits, misses and expired keys of all primaries; or why they do not come."""
        session, seen = self._connected(self.table.url)
        if session is None:
            return f"{seen.code or seen.error} {seen.message}".strip()
        try:
            reading = self._read(session, seen)
        finally:
            self._leave(session, keep=False)
        if reading.unread or any(node.hits is None or node.misses is None for node in reading.nodes):
            return next(iter(reading.unread.values()), "INFO says no keyspace_hits")
        rows = [(node.hits or 0, node.misses or 0, node.expired or 0) for node in reading.nodes]
        return tuple(map(sum, zip(*rows, strict=True)))  # type: ignore[return-value]

    def _asked_elsewhere(self, failed: Observation, *, reader: bool = False) -> Mapping[str, Any]:
        """Whether another credential of this environment gets in where this one does not."""
        if failed.code and failed.code not in _ASKED_ELSEWHERE:
            return {}
        if failed.error and not failed.error.startswith(_OWN_LOGIN):
            return {}
        others = {"our reader": self.table.url} if reader else dict(self.table.logins)
        for name, url in others.items():
            session, _ = self._connected(url)
            if session is not None:
                self._leave(session, keep=False)
                return {"asked_as": name}
        return {}

    def _count(self, what: str, number: int = 1) -> None:
        with self._lock:
            self._sent[what] += number
