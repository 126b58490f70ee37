"""Where Hasura finds its claims in a token: a namespace, a path, or a map (hasura/graphql-engine, Auth/JWT.hs)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pytest_prodcheck.config.models import HasuraClaims, HasuraMapped
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.observation import Json

NAMESPACE: Final = "https://hasura.io/jwt/claims"
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]|\[(?:'([^']*)'|\"([^\"]*)\")\]")


def named(where: HasuraClaims | None) -> str:
    """How messages call the place: `namespace https://…`, `path $.app`, `claims_map`."""
    if where is None:
        return f"namespace {NAMESPACE}"
    if where.map:
        return "claims_map"
    return f"path {where.path}" if where.path else f"namespace {where.namespace or NAMESPACE}"


def found(payload: Mapping[str, Json], where: HasuraClaims | None) -> dict[str, Json] | str:
    """The session variables with lower-case keys; or what stands in their place, in words (`missing`, `a number`).

    Without a declared place both formats are read. With one, a text where `claims_format` is json is as wrong for
    Hasura as an object where it is stringified_json.
    """
    if where is not None and where.map:
        return _mapped(payload, where)
    value = _value(payload, where)
    if value is ABSENT:
        return "missing"
    stringified = where is not None and where.format_ == "stringified_json"
    if isinstance(value, str) and (where is None or stringified):
        read = strict_json.table(value)
        return "a string that is no JSON object" if read is None else _lower(read)
    if isinstance(value, str):
        return "a string, and claims_format is json"
    if stringified:
        return f"{_kind(value)}, and claims_format is stringified_json"
    return _lower(value) if isinstance(value, dict) else f"{_kind(value)} that is no JSON object"


def at(payload: Mapping[str, Json], path: str) -> Json | _Absent:
    """What a JSON path of Hasura's (`$.app['x-y'].roles[0]`) leads to; ABSENT where it leads to nothing."""
    current: Json | _Absent = dict(payload)
    for name, position, quoted, double in _STEP.findall(path.removeprefix("$")):
        key = name or quoted or double
        if position and isinstance(current, list) and int(position) < len(current):
            current = current[int(position)]
        elif not position and isinstance(current, dict) and key in current:
            current = current[key]
        else:
            return ABSENT
    return current


class _Absent:
    """What is not there, told apart from null."""


ABSENT: Final = _Absent()


def _value(payload: Mapping[str, Json], where: HasuraClaims | None) -> Json | _Absent:
    if where is not None and where.path:
        return at(payload, where.path)
    return payload.get((where.namespace if where is not None else "") or NAMESPACE, ABSENT)


def _mapped(payload: Mapping[str, Json], where: HasuraClaims) -> dict[str, Json]:
    variables: dict[str, Json] = {}
    for name, source in where.map.items():
        path, default = (source.path, source.default) if isinstance(source, HasuraMapped) else (source, None)
        value = at(payload, path) if isinstance(path, str) and path.startswith("$") else path
        if isinstance(value, _Absent):
            value = default
        if value is not None:
            variables[name.lower()] = list(value) if isinstance(value, tuple) else value
    return variables


def _lower(table: Mapping[str, Json]) -> dict[str, Json]:
    return {key.lower(): value for key, value in table.items()}


def _kind(value: Json | _Absent) -> str:
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), "null")
