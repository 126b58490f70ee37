"""The pytest entry point: options, and fixtures that ask for `--prodcheck`. Without it, nothing else happens.

Standard library and pytest only. With `--prodcheck` the active session (`gate.session`) is registered, which has all
hooks.
"""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_prodcheck import options

GATE = "prodcheck-gate"
"""Name under which the active session is registered with pytest's plugin manager."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options of `options.OPTIONS`."""
    options.add(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Registers the active session where `--prodcheck` was given."""
    if config.getoption("prodcheck") is None:
        _refuse_orphans(config)
        return
    with _quick_start():
        from pytest_prodcheck.gate import process

        config.pluginmanager.register(process.activate(config), GATE)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    """The gate's exit status is the last word, whatever hooks and plugins make of it."""
    if config.getoption("prodcheck") is None:
        return (yield)
    with _quick_start():
        from pytest_prodcheck.gate import process, scrubbing

    with scrubbing.until_the_end(config):
        try:
            status = int((yield) or 0)
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        return process.last_word(config, status)


@contextmanager
def _quick_start() -> Iterator[None]:
    """While the gate loads: no assertion rewriting of our modules, and no collector that walks what stays anyway."""
    from pytest_prodcheck import plain

    plain.install()
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.freeze()
            gc.enable()


def _refuse_orphans(config: pytest.Config) -> None:
    for name in options.OPTIONS:
        if name != "--prodcheck" and options.value(config, name) not in (None, False):
            raise pytest.UsageError(f"{name} needs --prodcheck=ENV")


def _fixture(config: pytest.Config, name: str) -> Any:
    gate = config.pluginmanager.get_plugin(GATE)
    if gate is None:
        raise pytest.UsageError(
            f"{name} needs a deployed system: run pytest --prodcheck=ENV (an environment of prodcheck.toml, or demo)"
        )
    return gate.fixture(name)


@pytest.fixture(scope="session")
def prodcheck_env(pytestconfig: pytest.Config) -> Any:
    """The frozen environment (`config.models.Environment`) of this run."""
    return _fixture(pytestconfig, "prodcheck_env")


@pytest.fixture(scope="session")
def prodcheck_http(pytestconfig: pytest.Config) -> Any:
    """The HTTP target: `get`, `head`, `options`, `request`, `sample`; a family by `prodcheck_http["app"]`."""
    return _fixture(pytestconfig, "prodcheck_http")


@pytest.fixture(scope="session")
def prodcheck_auth(pytestconfig: pytest.Config) -> Any:
    """The identity provider: `token(user)`, `claims(user)`, `jwks()`."""
    return _fixture(pytestconfig, "prodcheck_auth")


@pytest.fixture(scope="session")
def prodcheck_graphql(pytestconfig: pytest.Config) -> Any:
    """The GraphQL API: `execute(document, variables, as_=…)`; queries only."""
    return _fixture(pytestconfig, "prodcheck_graphql")


@pytest.fixture(scope="session")
def prodcheck_database(pytestconfig: pytest.Config) -> Any:
    """The database, read-only: `query(sql, params)`, `catalog`, `as_user(user)`."""
    return _fixture(pytestconfig, "prodcheck_database")


@pytest.fixture(scope="session")
def prodcheck_cache(pytestconfig: pytest.Config) -> Any:
    """The cache, read-only: `command(*words)`, `get(key)`, `ttl(key)`, `reading`."""
    return _fixture(pytestconfig, "prodcheck_cache")


@pytest.fixture(scope="session")
def prodcheck_cluster(pytestconfig: pytest.Config) -> Any:
    """The namespace, as this run read it: `pods()`, `deployments()`, `events()`, `snapshot`."""
    return _fixture(pytestconfig, "prodcheck_cluster")


@pytest.fixture(scope="session")
def prodcheck_logs(pytestconfig: pytest.Config) -> Any:
    """The logs of this run: `groups(kind)`, `errors()`, `streams`, `digest`."""
    return _fixture(pytestconfig, "prodcheck_logs")


@pytest.fixture(scope="session")
def prodcheck_load(pytestconfig: pytest.Config) -> Any:
    """The load scenarios that ran: `runs`, `samples(scenario)`."""
    return _fixture(pytestconfig, "prodcheck_load")


@pytest.fixture(scope="session")
def prodcheck_websocket(pytestconfig: pytest.Config) -> Any:
    """The WebSocket, read-only: `connect`, `ping`, `receive`; a family by `prodcheck_websocket["game"]`."""
    return _fixture(pytestconfig, "prodcheck_websocket")
