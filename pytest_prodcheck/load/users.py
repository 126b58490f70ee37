"""What users of a scenario know of the environment: who logs in how, what is declared, what may be sent.

Under the gate this comes with the order. Under plain `locust` it is read from `prodcheck.toml`, of the environment that
the variable `PRODCHECK` names, when it is asked for first; there is no guard and no cap then.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pytest_prodcheck.errors import UsageProblem
from pytest_prodcheck.load.order import Order, Read

if TYPE_CHECKING:
    from pytest_prodcheck.load.child.guard import Guard
    from pytest_prodcheck.load.child.limiter import Limiter


class _Known:
    order: Order | None = None
    limiter: Limiter | None = None
    guard: Guard | None = None
    begun: dict[Any, float] = {}  # noqa: RUF012
    credentials: dict[str, Mapping[str, str]] = {}  # noqa: RUF012


def take(given: Order, cap: Limiter, begun: dict[Any, float]) -> None:
    """What the gate ordered."""
    _Known.order, _Known.limiter, _Known.begun = given, cap, begun
    _Known.credentials = dict(given.credentials)


def guarded(guard: Guard) -> None:
    """The guard that our own client asks before it sends."""
    _Known.guard = guard


def renew(credentials: Mapping[str, Mapping[str, str]]) -> None:
    """Newer credentials of users whose tokens end."""
    _Known.credentials.update(credentials)


def order() -> Order:
    """The order. Raises UsageProblem where nobody gave one and `PRODCHECK` names no environment."""
    if _Known.order is None:
        import os

        name = os.environ.get("PRODCHECK", "")
        if not name:
            raise UsageProblem(
                "users of pytest_prodcheck.load need an environment: set PRODCHECK=staging for plain locust, "
                "or run pytest --prodcheck=staging -m load"
            )
        from pytest_prodcheck.load import alone

        _Known.order = alone.order(name)
        _Known.credentials = dict(_Known.order.credentials)
    return _Known.order


def headers(user: str) -> Mapping[str, str]:
    """The headers that identify a declared user. Raises UsageProblem for one who has no token."""
    known = order()
    name = user or known.as_
    if name and name not in _Known.credentials:
        raise UsageProblem(f"no token of user {name}: declare [env.NAME.users.{name}], and see that it logs in")
    return _Known.credentials.get(name, {})


def limiter() -> Limiter | None:
    """The cap; None under plain `locust`."""
    return _Known.limiter


def begun() -> dict[Any, float]:
    """Where it is noted when requests began that are under way."""
    return _Known.begun


def check(host: str, port: int, method: str, path: str, body: bytes) -> None:
    """Asks the guard. Raises Refused."""
    if _Known.guard is not None:
        _Known.guard.check(host, port, method, path, body)


def check_headers(names: tuple[str, ...]) -> None:
    """Asks the guard about headers. Raises Refused."""
    if _Known.guard is not None:
        _Known.guard.check_headers(names)


def headers_of(read: Read) -> Mapping[str, str]:
    """The headers of the user as whom a declared read is sent."""
    return _Known.credentials.get(read.user, {}) if read.user else {}


@lru_cache(maxsize=1000)
def origin_of(url: str) -> tuple[str, str]:
    """Origin and path of an absolute URL, its query included."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
