"""The example of the public interface (the parts of this version) loads, and means what it says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pytest_prodcheck.config import loader
from pytest_prodcheck.config.models import Environment, GraphqlTarget, HttpTarget


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """The example with the files that it names."""
    files = {
        "contracts/tasks.json": '{"type": "object"}',
        "contracts/schema.graphql": "type Query { tasks: Int }",
        "graphql/variables.json": '{"Tasks": {}}',
        "graphql/tasks.graphql": "query Tasks { tasks }",
        "checks/test_own.py": "",
        "load/browse.py": "",
        "prodcheck.toml": Path(__file__).with_name("interface.toml").read_text("utf-8"),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    return loader.load(tmp_path / "prodcheck.toml", "staging", date(2026, 11, 24))


def test_the_example_gives_its_targets(environment: Environment) -> None:
    """A family of two hosts, and one of each other kind."""
    assert list(environment.targets) == [
        "http.app",
        "http.hasura",
        "auth",
        "graphql",
        "database",
        "cache",
        "websocket",
        "load",
    ]


def test_the_example_permits_its_login_and_asks_the_first_host(environment: Environment) -> None:
    """`writes = ["login"]`; `revision` and `login` name no target, so the first http target is meant."""
    login = environment.users["legacy"].login
    assert environment.permits_login("legacy")
    assert environment.revision is not None
    assert login is not None
    assert (environment.revision.target, login.target) == ("http.app", "http.app")


def test_the_example_reads_its_limits_and_documents(environment: Environment) -> None:
    """Shared limits, a list that is exact, an expectation by operation."""
    app, graphql = environment.targets["http.app"], environment.targets["graphql"]
    assert isinstance(app, HttpTarget)
    assert isinstance(graphql, GraphqlTarget)
    assert app.latency == ("< 2s", "p95 < 500ms")
    assert app.tls.valid_for == 14 * 86400
    assert app.endpoints["health"].expect == {"status": "healthy", "failed_checks": [], "timestamp": "age < 60s"}
    assert graphql.expect["Tasks"].data == {"tasks": "size > 0"}
    assert environment.accepted[0].until == date(2026, 12, 31)


def test_the_example_starts_its_containers(environment: Environment) -> None:
    """In the order of the file; `setup` stands beside them, and is none."""
    throwaway = loader.load(Path(environment.base) / "prodcheck.toml", "ci", date(2026, 11, 24))
    assert {name: (one.image, one.port) for name, one in throwaway.containers.items()} == {
        "database": ("postgres:17", 5432), "cache": ("redis:7", 6379),
    }  # fmt: skip
    assert list(throwaway.containers) == ["database", "cache"]
    assert throwaway.setup == ("alembic upgrade head",)


def test_the_document_is_not_kept_and_a_key_is_found_all_the_same(environment: Environment) -> None:
    """Of a thousand endpoints it would be a megabyte for the length of the run."""
    source = environment._source
    assert source is not None
    assert source.parsed is None
    line = source.line(("env", "staging", "http", "app", "url"))
    assert line > 1
    assert environment.where("http", "app", "url") == f"prodcheck.toml:{line}"
