"""Where a target is, in the words that remedies and next commands need: host, port, URL, path, user, database."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pytest_prodcheck.config import models
from pytest_prodcheck.config.models import Environment, HttpTarget, Target, WebTarget
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation


def located(finding: Finding, environment: Environment, observations: Sequence[Observation]) -> Finding:
    """The finding with its target's place beside its own data; what it says itself stays."""
    table = environment.targets.get(finding.target)
    if table is None:
        return finding
    known = {**_of_table(table), **_of_exchange(finding, table, observations)}
    return replace(
        finding, data={**known, **{name: value for name, value in finding.data.items() if value is not None}}
    )


def of_targets(environment: Environment, asked: str = "") -> Mapping[str, Mapping[str, Any]]:
    """Where each target is, by target; with the environment as it was asked for, a demo's fault included, for commands
    that want one, also of no target."""
    named = {"environment": asked or environment.name}
    return {"": named} | {
        name: {**_of_table(table), **_trusted(table), **_of_cluster(environment, name, table), **named}
        for name, table in environment.targets.items()
    }


def _of_cluster(environment: Environment, name: str, table: Target) -> Mapping[str, str]:
    """How commands begin that ask the same cluster, whichever context is current; of logs, that which writes them."""
    kind = name.partition(".")[0]
    if kind == "logs" and getattr(table, "platform", False):
        table = next(iter(environment.of_kind("cluster").values()), table)
    elif kind != "cluster":
        return {}
    from pytest_prodcheck.gate import forwarding

    if not isinstance(table, models.ClusterTarget) or table.compose:
        return {}
    words = [word for word in forwarding.kubectl(table) if not word.startswith("--namespace=")]
    return {"kubectl": shlex.join(words), "namespace": table.namespace}


def _of_table(table: Target) -> Mapping[str, Any]:
    if isinstance(table, models.DatabaseTarget):
        return _of_dsn(table.dsn)
    if isinstance(table, models.CacheTarget):
        return _of_redis(table)
    address = str(getattr(table, "url", "") or getattr(table, "issuer", ""))
    if not address:
        return {}
    if isinstance(table, models.WebsocketTarget):
        from pytest_prodcheck.targets.websocket_opening import http_url

        address = http_url(address)  # as curl wants it, and without parameters, which may hold a token
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    known: dict[str, Any] = {"host": host, "port": port, "url": address, "path": parts.path, "scheme": parts.scheme}
    if isinstance(table, models.GraphqlTarget):
        known["engine"] = table.engine
    return {**known, **_of_provider(table)} if isinstance(table, models.AuthTarget) else known


def _trusted(table: Target) -> Mapping[str, str]:
    """The file of the roots by which a target is trusted, where it is not the system's: a command needs it, too."""
    return {"ca": table.tls.ca} if isinstance(table, WebTarget) and table.tls.ca != "system" else {}


def _of_provider(table: models.AuthTarget) -> Mapping[str, Any]:
    """The issuer without its last slash, and where the keys are, or where discovery says it."""
    issuer = (table.issuer or "").rstrip("/")
    return {"issuer": issuer, "jwks_uri": table.jwks_url or f"{issuer}/.well-known/openid-configuration"}


def _of_dsn(dsn: str) -> Mapping[str, Any]:
    """Where our reader connects; nothing of how it proves who it is."""
    from pytest_prodcheck.errors import ConfigError
    from pytest_prodcheck.targets.database.address import parse

    try:
        server = parse(dsn)
    except ConfigError:
        return {}
    first = server.hosts[0]
    return {"host": first.host, "port": first.port, "database": server.database, "login": server.user}


def _of_redis(table: models.CacheTarget) -> Mapping[str, Any]:
    """Where our reader connects; nothing of how it proves who it is."""
    from pytest_prodcheck.errors import ConfigError
    from pytest_prodcheck.targets.cache.address import SENTINEL_PORT, parse

    try:
        server = parse(table.url, SENTINEL_PORT) if table.service else parse(table.url)
    except ConfigError:
        return {}
    first, service = server.places[0], {"service": table.service} if table.service else {}
    return {"host": first.host, "port": first.port, "database": server.database, **service}


def _of_exchange(finding: Finding, table: Target, observations: Sequence[Observation]) -> Mapping[str, Any]:
    """Path and method of the exchange, and what a connection says of itself."""
    slow = next(
        (str(row["operation"]) for row in finding.data.get("slowest") or () if not finding.data.get("errors")), ""
    )
    mine = [one for one in observations if one.target == finding.target]
    mine = [one for one in mine if one.operation == finding.data.get("operation")] or mine
    seen = next((one for one in mine if one.operation == slow or (not slow and (one.error or not one.expected))), None)
    seen = seen or next(iter(mine), None)
    if seen is None:
        return {}
    facts = {name: seen.data[name] for name in ("host", "port", "user", "database") if seen.data.get(name)}
    method, _, path = seen.operation.partition(" ")
    if isinstance(table, HttpTarget) and path.startswith("/"):
        base = urlsplit(table.url)
        facts = {"method": method, "path": base.path.rstrip("/") + path, "url": table.url.rstrip("/") + path}
    return {"operation": seen.operation, "status": seen.status, **facts}
