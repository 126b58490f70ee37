"""Clusters in the state of a scenario, and gates on them: on the live lab, or on what was recorded of it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import jwt
import uvicorn
from scenario import HEALTHY, NOTHING, Scenario, Stage, scenarios
from starlette.types import ASGIApp, Receive, Scope, Send

from pytest_prodcheck.demo.certificates import HOST, Certificates
from pytest_prodcheck.demo.cluster.answers import ApiServer
from pytest_prodcheck.demo.cluster.app import cluster_app, kubeconfig
from pytest_prodcheck.demo.cluster.recording import HERE as DEMO
from pytest_prodcheck.demo.cluster.recording import recording
from pytest_prodcheck.demo.system import bound

HERE = Path(__file__).parent
AT_ONCE = 2
SECONDS = 90.0
PROMISES = (HERE / "prodcheck.toml").read_text("utf-8")


@dataclass(frozen=True)
class Run:
    """How one gate ended."""

    status: int
    verdict: Mapping[str, Any]
    output: str

    @property
    def codes(self) -> list[str]:
        """The causes' codes, the first on top."""
        return [cause["code"] for cause in self.verdict.get("causes", ())]

    @property
    def findings(self) -> list[Mapping[str, Any]]:
        """All findings of all checks."""
        return [finding for check in self.verdict.get("checks", ()) for finding in check["findings"]]


def gate(folder: Path, config: str, *options: str) -> Run:
    """One gate in a process of its own, in a new directory, without the outer session's settings."""
    folder.mkdir()
    (folder / "prodcheck.toml").write_text(config, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "--prodcheck=lab", f"--prodcheck-report={folder}", *options]
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_", "PRODCHECK_"))}
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"], cwd=folder, env=environ, capture_output=True, text=True, timeout=SECONDS
    )
    file = folder / "verdict.json"
    verdict = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return Run(done.returncode, verdict, done.stdout + done.stderr)


class Clusters(ABC):
    """The scenarios that a session asks for. Gates run side by side, from its beginning."""

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        known = {"": NOTHING, **scenarios()}
        self.folder = folder
        self.chosen: dict[str, Scenario] = {name: known[name] for name in ("", *names)}
        self.pool = ThreadPoolExecutor(AT_ONCE)
        self.runs: dict[str, Future[Run]] = {}

    @abstractmethod
    def kubeconfig(self, scenario: Scenario) -> Path:
        """The gate's way to the scenario's cluster."""

    @abstractmethod
    def of_account(self, account: str) -> Path:
        """Another way to the healthy cluster: `narrow`, `nobody`, `expired`, `wrong_ca`, `unreachable`."""

    @abstractmethod
    def namespace(self, scenario: Scenario) -> str:
        """Where the scenario is."""

    def begin(self) -> None:
        """Starts the gates of all scenarios that may be judged side by side."""
        for name, scenario in self.chosen.items():
            if name and not scenario.alone:
                self.runs[name] = self.pool.submit(self.judged, scenario)

    def of(self, name: str) -> Run:
        """The gate's run on a scenario's cluster (healthy: the empty name), when it is done."""
        if name not in self.runs:
            for run in self.runs.values():
                run.exception()
            self.runs[name] = self.pool.submit(self.judged, self.chosen[name])
        return self.runs[name].result()

    def judged(self, scenario: Scenario) -> Run:
        """One gate."""
        return gate(self.folder / (scenario.name or "healthy"), self.config(scenario), *scenario.options)

    def config(self, scenario: Scenario, **changes: str) -> str:
        """The prodcheck.toml of a scenario; `changes` are other values of the cluster's keys, in TOML."""
        own = {
            "kubeconfig": json.dumps(str(self.kubeconfig(scenario))),
            "namespace": json.dumps(self.namespace(scenario)),
        }
        keys = "\n".join(f"{key} = {value}" for key, value in {**own, **changes}.items())
        text = PROMISES.replace("# where", keys).replace(HEALTHY, self.namespace(scenario))
        return text.replace("# revision", scenario.environment) + scenario.promises.replace(
            HEALTHY, self.namespace(scenario)
        )

    def __enter__(self) -> Clusters:
        self.begin()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.pool.shutdown(cancel_futures=True)


class LiveClusters(Clusters):
    """Namespaces of the running lab."""

    def __init__(self, names: Sequence[str], folder: Path, facts: Mapping[str, Any]) -> None:
        super().__init__(names, folder)
        self.facts, self.stage = facts, Stage(facts)

    def kubeconfig(self, scenario: Scenario) -> Path:
        """The reader's."""
        return self.of_account("reader")

    def of_account(self, account: str) -> Path:
        """The lab's kubeconfigs."""
        return Path(self.facts[f"kubeconfig_{account}"])

    def namespace(self, scenario: Scenario) -> str:
        """A namespace for each."""
        return scenario.namespace

    def begin(self) -> None:
        """Makes the scenarios first."""
        self.stage.healthy(list(self.chosen.values()))
        self.stage.happen([scenario for scenario in self.chosen.values() if not scenario.alone])
        super().begin()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        super().__exit__()
        self.stage.admin.close()

    def judged(self, scenario: Scenario) -> Run:
        """What hurts all namespaces is done and undone around its gate."""
        if not scenario.alone:
            return super().judged(scenario)
        self.stage.do(scenario, scenario.steps)
        try:
            return super().judged(scenario)
        finally:
            self.stage.do(scenario, scenario.heal)


class RecordedClusters(Clusters):
    """One HTTPS server; the token of a kubeconfig says which scenario's recording it answers from."""

    def __init__(self, names: Sequence[str], folder: Path) -> None:
        super().__init__(names, folder)
        self.certificates = Certificates(folder)
        self.socket = bound()
        self.url = f"https://{HOST}:{self.socket.getsockname()[1]}"
        self.apps: dict[str, ASGIApp] = {}
        self.tokens: dict[str, str] = {}
        self.lock = threading.Lock()
        config = uvicorn.Config(
            self._answer, interface="asgi3", lifespan="off", log_config=None, timeout_keep_alive=300
        )
        config.load()
        config.ssl = self.certificates.server_context()
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],))

    def kubeconfig(self, scenario: Scenario) -> Path:
        """A token for each."""
        return self._way(scenario.name, lambda: ApiServer(recording(recorded_file(scenario))))

    def of_account(self, account: str) -> Path:
        """What the account heard, as it was recorded; who could not get so far has another way there."""
        file, authority = self.folder / f"{account}.yaml", self.certificates.root
        if account == "expired":
            return kubeconfig(file, self.url, authority, jwt.encode({"exp": time.time() - 86400}, "k" * 32))
        if account == "unreachable":
            return kubeconfig(file, f"https://{HOST}:1", authority, "unused")
        if account == "wrong_ca":
            elsewhere = self.folder / "elsewhere"
            elsewhere.mkdir(exist_ok=True)
            return kubeconfig(file, self.url, Certificates(elsewhere).root, "unused")
        return self._way(f"as {account}", lambda: ApiServer(recording(), account))

    def _way(self, name: str, serve: Callable[[], ApiServer]) -> Path:
        with self.lock:  # a gate of the pool and a test may ask for the same one
            if name not in self.tokens:
                token = secrets.token_hex(16)
                self.apps[token] = cluster_app(serve(), token)
                self.tokens[name] = token
        return kubeconfig(self.folder / f"way-{name}.yaml", self.url, self.certificates.root, self.tokens[name])

    def namespace(self, scenario: Scenario) -> str:
        """As it was recorded."""
        return HEALTHY

    def begin(self) -> None:
        """Serves first."""
        self.kubeconfig(NOTHING)
        self.thread.start()
        super().begin()

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(self.thread.join)
            stack.callback(setattr, self.server, "should_exit", True)
            super().__exit__()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        await self.apps.get(token, self.apps[self.tokens[""]])(scope, receive, send)


def recorded_file(scenario: Scenario) -> Path | None:
    if not scenario.name:
        return None
    ours = HERE / "recorded" / f"{scenario.name}.json"
    return ours if ours.exists() else DEMO / "faults" / f"{scenario.name}.json"
