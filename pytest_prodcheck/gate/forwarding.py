"""Targets that are reached through their cluster: `forward` of `[env.X.cluster]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from pytest_prodcheck.config.models import ClusterTarget, DatabaseTarget, Environment, GraphqlTarget, HttpTarget, Target
from pytest_prodcheck.targets.forward import Forwards


def start(environment: Environment, only: frozenset[str]) -> Iterator[Forwards]:
    """One set of forwards a cluster, of the targets that take part. Raises ConfigError where one does not stand."""
    for name, table in environment.targets.items():
        if not isinstance(table, ClusterTarget):
            continue
        wanted = {
            target: place
            for target, place in table.forward.items()
            if target in environment.targets and (not only or only & {target, target.split(".")[0]})
        }
        if wanted:
            where = environment.where(*name.split(".", 1), "forward")
            yield Forwards.start(wanted, kubectl(table), where)


def kubectl(table: ClusterTarget) -> Sequence[str]:
    """How a command of kubectl's for this cluster begins."""
    options = {"--kubeconfig": table.kubeconfig, "--context": table.context, "--namespace": table.namespace}
    return ["kubectl", *(f"{name}={value}" for name, value in options.items() if value)]


def through(environment: Environment, addresses: Mapping[str, tuple[str, int]]) -> Environment:
    """The environment whose targets are asked at these addresses; the names that certificates are for stay."""
    moved = {name: _moved(environment.targets[name], *address) for name, address in addresses.items()}
    return environment.model_copy(update={"targets": {**environment.targets, **moved}})


def _moved(table: Target, host: str, port: int) -> Target:
    if isinstance(table, HttpTarget | GraphqlTarget):
        parts = urlsplit(table.url)
        return table.model_copy(update={"url": parts._replace(netloc=f"{host}:{port}").geturl()})
    if isinstance(table, DatabaseTarget):
        return table.model_copy(update={"dsn": _dsn(table.dsn, host, port)})
    return table


def _dsn(dsn: str, host: str, port: int) -> str:
    """libpq connects to `hostaddr` and holds the certificate against `host`; what comes last counts."""
    if "://" in dsn:
        return f"{dsn}{'&' if '?' in dsn else '?'}hostaddr={host}&port={port}"
    return f"{dsn} hostaddr={host} port={port}"
