"""The drawing in ARCHITECTURE.md, held against the code: direction, purity, laziness."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "pytest_prodcheck"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "suites" not in path.parts)

PURE = ("criteria", "diagnosis")
UNKNOWN_TO_PURE = {
    "pytest",
    "_pytest",
    "httpx2",
    "httpx",
    "psycopg",
    "gql",
    "websockets",
    "redis",
    "lightkube",
    "docker",
    "requests",
    "testcontainers",
    "time",
    "random",
    "os",
    "socket",
    "threading",
}
CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter"}
CLIENTS = {
    "httpx2",
    "httpx",
    "psycopg",
    "psycopg_binary",
    "gql",
    "websockets",
    "redis",
    "lightkube",
    "docker",
    "requests",
    "urllib3",
    "testcontainers",
    "http.client",
    "urllib.request",
    "socket",
    "ssl",
}
BESIDE_TARGETS = {"fixtures/client.py", "fixtures/graphql.py"}
"""Modules outside `targets` and `demo` that may import a client: the users' httpx2 and gql faces."""
PARSERS = {"graphql", "postgast", "jwt", "jsonschema"}
LAZY = {*CLIENTS, *PARSERS, "cryptography", "starlette", "uvicorn", "ariadne", "trustme", "yaml"} - {
    "http.client", "urllib.request", "socket", "ssl",
}  # fmt: skip

RUN = """
import json, sys, pytest
status = pytest.main(sys.argv[1:])
print("\\n" + json.dumps([int(status), sorted(sys.modules)]))
"""


def room(module: Path) -> str:
    """`criteria` for `criteria/rls.py`, `plugin.py` for itself."""
    return module.relative_to(PACKAGE).parts[0]


def imported(module: Path) -> Iterator[str]:
    """What a module imports at run time, wherever it stands in it; imports for type checkers are none."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for_types = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    skipped = {id(inner) for node in for_types for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def among(name: str, libraries: set[str]) -> bool:
    """Whether an imported name is one of the libraries, or a part of one."""
    return any(name == library or name.startswith(f"{library}.") for library in libraries)


def loaded(folder: Path, *arguments: str) -> tuple[int, set[str]]:
    """Exit status of a pytest run in a process of its own, and its modules after `pytest_unconfigure`."""
    command = [sys.executable, "-c", RUN, "-p", "no:cacheprovider", "-q", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    status, modules = json.loads(done.stdout.splitlines()[-1])
    return status, set(modules)


def test_imports_follow_the_drawing() -> None:
    """The contracts of `[tool.importlinter]` in pyproject.toml are kept."""
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(PROJECT / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize("module", [path for path in MODULES if room(path) in PURE], ids=lambda path: path.stem)
def test_judging_is_pure(module: Path) -> None:
    """Criteria and diagnosis know no test runner, client, clock or chance: the same data, the same verdict."""
    assert not [name for name in imported(module) if among(name, UNKNOWN_TO_PURE)]
    calls = [node.func for node in ast.walk(ast.parse(module.read_text("utf-8"))) if isinstance(node, ast.Call)]
    assert not [call.attr for call in calls if isinstance(call, ast.Attribute) and call.attr in CLOCKS]


def test_only_targets_talk_to_the_outside() -> None:
    """Client libraries and sockets are imported in `targets` (and by load, demo and the two users' faces) alone."""
    elsewhere = {
        f"{module.relative_to(PACKAGE)}: {name}"
        for module in MODULES
        if room(module) not in ("targets", "load", "demo") and str(module.relative_to(PACKAGE)) not in BESIDE_TARGETS
        for name in imported(module)
        if among(name, CLIENTS)
    }
    assert elsewhere == set()


def test_only_the_broker_opens_another_socket() -> None:
    """Between processes of one run there is one door."""
    users = {str(module.relative_to(PACKAGE)) for module in MODULES if "multiprocessing.connection" in imported(module)}
    assert users == {"observe/broker.py"}


def test_pydantic_is_the_configurations_affair() -> None:
    """Everything beyond `config` knows its models, not the library behind them."""
    users = {
        room(module)
        for module in MODULES
        if any(among(name, {"pydantic", "pydantic_core"}) for name in imported(module))
    }
    assert users == {"config"}


def test_nothing_rests_on_assert() -> None:
    """PYTHONOPTIMIZE takes assert statements away; the package has none."""
    found = [
        f"{module.relative_to(PACKAGE)}:{node.lineno}"
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert found == []


def test_inactive_means_absent(tmp_path: Path) -> None:
    """Without --prodcheck a run has loaded two small modules of ours more, and nothing of anybody else."""
    (tmp_path / "test_mine.py").write_text("def test_mine():\n    pass\n")
    status, with_us = loaded(tmp_path)
    _, without = loaded(tmp_path, "-p", "no:prodcheck")
    ours = {name for name in with_us if name.split(".")[0] == "pytest_prodcheck"}
    more = {name.split(".")[0] for name in with_us - without} - {"pytest_prodcheck"}
    assert status == 0
    assert ours == {"pytest_prodcheck", "pytest_prodcheck.plugin", "pytest_prodcheck.options"}
    assert more <= set(sys.stdlib_module_names)


def test_a_gate_of_endpoints_loads_no_client(tmp_path: Path) -> None:
    """Who only declares endpoints pays for no httpx2, gql, psycopg, JWT, JSON Schema or SQL parser, and for the models
    of no other kind."""
    with Answering() as url:
        (tmp_path / "prodcheck.toml").write_text(
            f'[env.local]\nkind = "local"\n[env.local.http]\nurl = "{url}"\n[env.local.http.endpoints]\nhome = "/"\n'
        )
        status, modules = loaded(tmp_path, "--prodcheck=local")
    assert status == 0
    assert sorted(name for name in LAZY if name in modules) == []
    kinds = {"auth", "cache", "cluster", "compose", "database", "graphql"}
    assert sorted(kind for kind in kinds if f"pytest_prodcheck.config.models.{kind}" in modules) == []


class Answering:
    """An HTTP server on a free port that answers every GET with `ok`."""

    class Handler(BaseHTTPRequestHandler):
        """200 and two letters."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answers."""
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    def __enter__(self) -> str:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
