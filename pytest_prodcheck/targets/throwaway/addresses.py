"""What a throwaway container's address is: by its port, or as it is declared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from pytest_prodcheck.config.models.throwaway import Throwaway

POSTGRES, REDIS = 5432, 6379
_INSIDE = re.compile(r"\{container:([A-Za-z_][A-Za-z0-9_.-]*)\}")


def environment(promised: Throwaway, password: str, inside: Mapping[str, str]) -> dict[str, str]:
    """Its environment: other containers' addresses filled in, and for PostgreSQL a password where none is declared."""
    values = {name: _filled(value, inside) for name, value in promised.env.items()}
    if promised.port == POSTGRES and "POSTGRES_HOST_AUTH_METHOD" not in values:
        values.setdefault("POSTGRES_PASSWORD", password)
    return values


def url(promised: Throwaway, env: Mapping[str, str], host: str, port: int, password: str) -> str:
    """Where it is, for whoever reaches it at this host and port."""
    secret = env.get("POSTGRES_PASSWORD", password)
    if promised.url:
        known = {"{host}": host, "{port}": str(port), "{password}": quote(secret, safe="")}
        text = promised.url
        for place, value in known.items():
            text = text.replace(place, value)
        return text
    if promised.port == POSTGRES:
        user = env.get("POSTGRES_USER", "postgres")
        who, database = f"{quote(user, safe='')}:{quote(secret, safe='')}", quote(env.get("POSTGRES_DB", user), safe="")
        return f"postgresql://{who}@{host}:{port}/{database}"
    return f"redis://{host}:{port}/0" if promised.port == REDIS else f"http://{host}:{port}"


def variables(name: str, address: str, host: str, port: int) -> dict[str, str]:
    """What `setup` finds in its environment: `DATABASE_URL`, `DATABASE_HOST`, `DATABASE_PORT` of `database`."""
    prefix = re.sub(r"[^A-Z0-9]", "_", name.upper())
    return {f"{prefix}_URL": address, f"{prefix}_HOST": host, f"{prefix}_PORT": str(port)}


def _filled(value: str, inside: Mapping[str, str]) -> str:
    whole = inside.get(value.removeprefix("container:")) if value.startswith("container:") else None
    return whole or _INSIDE.sub(lambda found: inside.get(found[1], found[0]), value)
