"""Values of a compose file: sizes, ports, volumes, in the short and the long form. Raise ValueError with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pytest_prodcheck.config.compose.model import DeclaredPort

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_PORTS = re.compile(
    r"(?:(?:(?P<address>\[[0-9a-fA-F:]+\]|[\d.]+):)?(?P<host>[\d-]*):)?(?P<inside>[\d-]+)(?:/(?P<protocol>\w+))?"
)


def text(value: object) -> str:
    """A plain value as text: no list or table, whose text could be of any length."""
    if not isinstance(value, str | int | float | bool):
        raise ValueError("is no plain value")  # noqa: TRY004  # what reads values turns only ValueError into a remark
    return str(value)


def size(value: object) -> int:
    """Bytes of `512m`, `2G`, `1gb` or a number; units are powers of 1024 as compose has them."""
    found = _SIZE.fullmatch(text(value).strip())
    if not found:
        raise ValueError("is no size: write it like 512m or 2g")
    return int(float(found[1]) * _UNITS[found[2].lower()])


def count(value: object) -> int:
    """A whole number, also written as text."""
    return int(number(value))


def number(value: object) -> float:
    """A number, also written as text."""
    try:
        return float(text(value))
    except ValueError:
        raise ValueError("is no number") from None


def ports(value: object) -> Iterator[DeclaredPort]:
    """The ports of one entry: a range gives several."""
    if isinstance(value, Mapping):
        host, inside, protocol = (text(value.get(key) or "") for key in ("published", "target", "protocol"))
        yield from _spread(f"{host}:{inside}/{protocol or 'tcp'}", text(value.get("host_ip") or ""))
    else:
        yield from _spread(text(value), "")


def _spread(written: str, address: str) -> Iterator[DeclaredPort]:
    found = _PORTS.fullmatch(written)
    if not found:
        raise ValueError("is no port: write it like 8000:8000")
    inside, host = _range(found["inside"]), _range(found["host"] or "")
    if inside is None:
        raise ValueError("is no port: write it like 8000:8000")
    many = inside[1] - inside[0] + 1
    for offset in range(min(many, 1000)):
        outside = host
        if host is not None and host[1] - host[0] + 1 == many:
            outside = (host[0] + offset, host[0] + offset)
        yield DeclaredPort(
            inside[0] + offset, (found["protocol"] or "tcp").lower(), outside,
            (found["address"] or address).strip("[]"),
        )  # fmt: skip


def _range(ports: str) -> tuple[int, int] | None:
    first, _, last = ports.partition("-")
    if not first:
        return None
    bounds = int(first), int(last or first)
    if not 0 < bounds[0] <= bounds[1] < 65536:
        raise ValueError("is no port: they go from 1 to 65535")
    return bounds


def volume(value: object) -> tuple[str, str]:
    """Path in the container, and the volume's name or the host's path; empty for an anonymous one."""
    if isinstance(value, Mapping):
        return _target(text(value.get("target") or "")), text(value.get("source") or "")
    parts = text(value).split(":")
    return (_target(parts[1]), parts[0]) if len(parts) > 1 else (_target(parts[0]), "")


def _target(path: str) -> str:
    if not path:
        raise ValueError("names no path in the container")
    return path.rstrip("/") or "/"


def command(value: object) -> tuple[str, ...]:
    """The words of a health check's `test`; a text is the shell's."""
    if isinstance(value, str):
        return ("CMD-SHELL", value)
    if isinstance(value, Sequence) and value and value[0] in ("NONE", "CMD", "CMD-SHELL"):
        return tuple(text(word) for word in value)
    raise ValueError("begins with NONE, CMD or CMD-SHELL, or is a text")
