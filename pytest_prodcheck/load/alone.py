"""An order for plain `locust`: the environment that `PRODCHECK` names, read from `prodcheck.toml`, users logged in.

There is no guard, no cap and no abort then: whoever runs `locust` by hand sees what it does.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlencode

from pytest_prodcheck.config import loader, references
from pytest_prodcheck.config.models import METHODS_THAT_READ, AuthTarget, Environment, HttpTarget
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.load.order import Order, Read


def order(name: str, base: Path | None = None) -> Order:
    """What the environment declares, and the tokens of its users. Raises ConfigError, SecretError."""
    place = base or Path.cwd()
    file = loader.find(place, place, os.environ.get("PRODCHECK_CONFIG"))
    run = secrets.token_hex(8)
    redactor = Redactor()
    resolved = references.resolve(loader.load(file, name), base=file.parent, environ=os.environ, run=run)
    for label, value in resolved.secrets:
        redactor.add(value, label)
    environment = resolved.environment
    hosts = {target: one for target, one in environment.targets.items() if isinstance(one, HttpTarget)}
    return Order(
        "locust",
        host=next((one.url.rstrip("/") for one in hosts.values()), ""),
        credentials=_credentials(environment, hosts, redactor, run, file.parent),
        reads=tuple(_reads(hosts)),
    )


def _credentials(
    environment: Environment, hosts: Mapping[str, HttpTarget], redactor: Redactor, run: str, base: Path
) -> dict[str, Mapping[str, str]]:
    if not environment.users:
        return {}
    from pytest_prodcheck.targets.auth_prober import AuthProber
    from pytest_prodcheck.targets.wire import Wire

    wire = Wire(environment.requests, redactor, run)
    for target, table in hosts.items():
        wire.open(target, table, (table.url,), table.headers, base)
    auth = next(iter(environment.of_kind("auth").values()), None) or AuthTarget()
    wire.open("auth", auth, (auth.issuer,) if auth.issuer else (), {}, base)
    prober = AuthProber(wire, "auth", auth, environment.users, hosts, redactor.add)
    found: dict[str, Mapping[str, str]] = {}
    for user in environment.users:
        prober.token(user)
        if headers := prober.credentials(user):
            found[user] = headers
    wire.close()
    return found


def _reads(hosts: Mapping[str, HttpTarget]) -> Iterator[Read]:
    """Declared reads without a body: what has one is sent by the gate alone, which knows how."""
    for table in hosts.values():
        for name in table.repeatable:
            endpoint = table.endpoints[name]
            if endpoint.method.upper() in METHODS_THAT_READ:
                query = f"?{urlencode(endpoint.query)}" if endpoint.query else ""
                yield Read(
                    endpoint.path,
                    endpoint.method.upper(),
                    table.url.rstrip("/") + endpoint.path + query,
                    {**table.headers, **endpoint.headers},
                    status=tuple(endpoint.status),
                    user=endpoint.as_,
                )
