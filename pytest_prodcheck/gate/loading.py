"""The owner's side of load: what a scenario is told, when it may run, when it must stop, and that it runs once."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pytest_prodcheck.config.models import Environment, HttpTarget, LoadTarget
from pytest_prodcheck.config.models.load import SHIPPED, LoadShape
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.gate import declared_reads, watching
from pytest_prodcheck.gate.probers import Probers
from pytest_prodcheck.gate.watching import Watching
from pytest_prodcheck.load import engine
from pytest_prodcheck.load.hooks import Hooks
from pytest_prodcheck.load.order import Order, Stage
from pytest_prodcheck.observe.evidence import Standing
from pytest_prodcheck.observe.load import Live, LoadRun
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.report import load as words

USERS = 10
"""Users where nothing is said."""
_WATCHED = ("http", "graphql", "database", "cache", "websocket", "auth")
"""Kinds of targets whose health stops the load; a cluster is read too slowly for it."""
_LOOKS = 200
_LEAST_PAUSE = 1.0


class Loading:
    """Runs scenarios, one after another, each once a run."""

    def __init__(
        self,
        environment: Environment,
        probers: Probers,
        redactor: Redactor,
        log_in: Callable[[str], Standing],
        deadline: float,
        keep: Callable[[Observation], object] = lambda _: None,
    ) -> None:
        """`log_in` waits for a standing, such as a user's token; `deadline` is on the monotonic clock; `keep` takes
        what is seen of other targets while load runs."""
        self._environment, self._probers, self._redactor = environment, probers, redactor
        self._log_in, self._deadline, self._keep = log_in, deadline, keep
        self._lock, self._finished = threading.Lock(), threading.Event()
        self._finished.set()
        self.runs: dict[str, LoadRun] = {}
        self._folder = ""
        self._why = ""
        self.said = ""
        """The live figures, in a line; empty while no load runs."""

    @property
    def table(self) -> LoadTarget:
        """`[env.NAME.load]`."""
        table: LoadTarget = self._environment.targets["load"]  # type: ignore[assignment]
        return table

    @property
    def sent(self) -> int:
        """Requests that load sent."""
        return sum(run.samples for run in self.runs.values())

    def run(self, name: str) -> LoadRun:
        """The run of a scenario; it is run now where nobody asked before. After one that was stopped for the target's
        sake no further one is started."""
        with self._lock:
            if name not in self.runs:
                self.runs[name] = self._skipped(name) or self._run(name)
            return self.runs[name]

    def stop(self, why: str) -> None:
        """Ends the load within a second; it is waited for."""
        self._why = self._why or why
        self._finished.wait(engine.STOP + 2.0)

    def close(self) -> None:
        """Takes the samples away."""
        self.stop("the run is over")
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _skipped(self, name: str) -> LoadRun | None:
        """A run that is not begun, because an earlier one had to be stopped."""
        before = next((run for run in self.runs.values() if run.ending in ("aborted", "breaker", "interrupted")), None)
        if before is None and not self._why:
            return None
        now = time.time()
        why = f"not begun: {before.scenario} was stopped ({before.message})" if before else self._why
        return LoadRun(name, began_at=now, ended_at=now, ending="interrupted", message=why, code="load.run.interrupted")

    def _run(self, name: str) -> LoadRun:
        self._folder = self._folder or tempfile.mkdtemp(prefix="prodcheck-load-")
        self._finished.clear()
        breaker = _Breaker(self._probers, self._environment, self.table.seconds(name))
        try:
            order, environ = self._order(name)
            breaker.start()
            hooks = Hooks(
                self._stopped, lambda: breaker.red, self._live, lambda: self._credentials(), self._redactor.scrub
            )
            with Watching(watching.watchers(self._probers), self._keep, self.table.seconds(name)):
                return engine.run(order, Path(self._folder) / name, Path(self._environment.base), environ, hooks)
        finally:
            breaker.stop()
            self.said = ""
            self._finished.set()

    def _stopped(self) -> str:
        return self._why or ("the deadline passed" if time.monotonic() >= self._deadline else "")

    def _live(self, live: Live) -> None:
        self.said = words.live(live)

    # --- what a scenario is told -------------------------------------------------------------------------------------

    def _credentials(self) -> Mapping[str, Mapping[str, str]]:
        users = {user: self._probers.credentials(user) for user in self._environment.users}
        return {user: headers for user, headers in users.items() if headers}

    def _order(self, name: str) -> tuple[Order, Mapping[str, str]]:
        environment, table = self._environment, self.table
        scenario, shape = table.scenarios[name], table.of(name)
        shipped = scenario.file in SHIPPED
        for user in environment.users:
            self._log_in(f"user:{user}")
        environ, secret = self._parted(os.environ)
        host = self._host()
        opened = shape.rate is not None or any(stage.rate is not None for stage in shape.stages)
        seconds = table.seconds(name)
        stages = _stages(shape, seconds, opened=opened)
        users = shape.users or (round(max((stage.level for stage in stages), default=USERS)) if not opened else 1)
        order = Order(
            scenario=name,
            file="" if shipped else str(Path(environment.base) / scenario.file),
            host=host,
            model="open" if opened else "closed",
            users=users,
            spawn_rate=shape.spawn_rate or max(1.0, users * 10 / seconds),
            rate=max((stage.level for stage in stages), default=0.0) if opened else 0.0,
            stages=stages,
            duration=seconds,
            warm_up=shape.warm_up or 0.0,
            pacing=shape.pacing or 0.0,
            abort=table.abort,
            per_second=table.caps.per_second,
            most_users=table.caps.users,
            workers=table.workers,
            port=table.port or 0,
            master=table.master,
            origins=self._origins(),
            posts=declared_reads.posts(environment),
            graphql=tuple(urlsplit(one.url).path or "/" for one in environment.of_kind("graphql").values()),
            writes=scenario.effect == "write",
            timeout=table.timeout,
            grace=table.timeout,
            ca=self._authority(),
            credentials=self._credentials(),
            as_=scenario.as_,
            reads=declared_reads.reads(environment, self._probers, scenario) if shipped else (),
            sessions=declared_reads.sessions(environment, self._probers, scenario)
            if scenario.file == "websocket"
            else (),
            environ=secret,
        )
        return order, environ

    def _host(self) -> str:
        hosts = self._environment.of_kind("http")
        table = hosts.get(self.table.target) or next(iter(hosts.values()), None)
        return table.url.rstrip("/") if table else next(iter(self._origins()), "")

    def _origins(self) -> tuple[str, ...]:
        tables = self._environment.targets.values()
        urls = [str(getattr(table, "url", "")) for table in tables] + list(self.table.hosts)
        urls += [table.issuer for table in self._environment.of_kind("auth").values() if table.issuer]
        return tuple(dict.fromkeys(url for url in urls if url.startswith(("http://", "https://", "ws://", "wss://"))))

    def _authority(self) -> str:
        own = [table.tls.ca for table in self._environment.targets.values() if isinstance(table, HttpTarget)]
        return next((ca for ca in own if ca != "system"), "system")

    def _parted(self, variables: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Variables without a secret, and those with one, which go over the pipe: a process list shows the former.
        Locust's own are left out: what they say stands in `prodcheck.toml`."""
        plain: dict[str, str] = {}
        secret: dict[str, str] = {}
        for name, value in variables.items():
            if not name.startswith("LOCUST_"):
                (secret if self._redactor.contains(value) else plain)[name] = value
        return plain, secret


def _stages(shape: LoadShape, seconds: float, *, opened: bool) -> tuple[Stage, ...]:
    """The declared stages as the generator takes them; a rate without stages is one of `seconds`."""
    levels = [(stage, stage.rate if opened else stage.users) for stage in shape.stages]
    stages = tuple(Stage(stage.duration, float(level or 0), stage.step) for stage, level in levels)
    return stages or ((Stage(seconds, shape.rate or 0.0, step=True),) if opened else ())


class _Breaker:
    """Looks again and again whether other targets are ready while load runs."""

    def __init__(self, probers: Probers, environment: Environment, seconds: float) -> None:
        self._probers = probers
        self._watched = [
            name for name in probers.targets if name.split(".")[0] in _WATCHED and environment.targets[name].required
        ]
        self._pause = max(_LEAST_PAUSE, seconds / _LOOKS)
        self._over = threading.Event()
        self.red = ""
        """Which target is not ready, and why; empty while all are."""

    def start(self) -> None:
        """Begins to look."""
        threading.Thread(target=self._look, name="prodcheck-breaker", daemon=True).start()

    def stop(self) -> None:
        """Looks no more."""
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(self._pause) and not self.red:
            for name in self._watched:
                if self._over.is_set():
                    return
                if (text := self._wrong(name)) and not self._over.wait(0.2) and self._wrong(name):
                    self.red = text  # twice in a row: once may be a hiccup
                    return

    def _wrong(self, name: str) -> str:
        standing = self._probers.standing(name, time.time())
        unsent = any(seen.error == "stopped" for seen in standing.evidence.observations)
        return "" if standing.ready or unsent else f"{name} is no longer ready: {standing.message}"
