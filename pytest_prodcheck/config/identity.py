"""What must hold between the keys of an auth target that say where Hasura finds its claims."""

from __future__ import annotations

import re
from collections.abc import Callable

from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import AuthTarget, HasuraClaims, HasuraMapped

_PATH = re.compile(r"\$(?:\.[A-Za-z_][\w-]*|\[\d+\]|\['[^']*'\]|\[\"[^\"]*\"\])*")
_ROLES = ("x-hasura-default-role", "x-hasura-allowed-roles")


def check(path: KeyPath, target: AuthTarget, add: Callable[..., object]) -> None:
    """Adds a problem where Hasura itself would not take such a configuration, or `hosts` names no host."""
    for host in target.hosts:
        if not re.fullmatch(r"[A-Za-z0-9.-]+|[0-9a-fA-F:]+", host):
            add((*path, "hosts"), "a host is a name without scheme, port and path", 'hosts = ["oauth2.example"]')
    if isinstance(target.hasura, HasuraClaims):
        _claims((*path, "hasura"), target.hasura, add)


def _claims(path: KeyPath, where: HasuraClaims, add: Callable[..., object]) -> None:
    if sum(map(bool, (where.namespace, where.path, where.map))) > 1:
        add(
            path, "Hasura takes one of namespace, path and map", 'hasura = { namespace = "https://app.example/claims" }'
        )
    if where.path and not is_path(where.path):
        add((*path, "path"), "a JSON path begins with $", 'path = "$.app.claims"')
    if where.map and where.format_ != "json":
        add((*path, "format"), "claims_map has no format: it names each claim", 'format = "json"')
    for role in _ROLES:
        if where.map and role not in {name.lower() for name in where.map}:
            add((*path, "map"), f"claims_map must have {role}", f'{role} = {{ path = "$.role" }}')
    for name, source in where.map.items():
        text = source.path if isinstance(source, HasuraMapped) else source
        if isinstance(text, str) and (text.startswith("$") or isinstance(source, HasuraMapped)) and not is_path(text):
            add((*path, "map", name), "a JSON path begins with $", f'{name} = "$.app.role"')


def is_path(text: str) -> bool:
    """Whether `text` is a JSON path as Hasura takes it."""
    return _PATH.fullmatch(text) is not None
