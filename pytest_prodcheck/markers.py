"""Every marker: a function whose signature is its schema. A wrong argument is a usage error before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.config import grammar
from pytest_prodcheck.errors import MarkerError

if TYPE_CHECKING:
    import pytest

SELECTION: Mapping[str, str] = {
    "smoke": "the quickest checks: is it there, does it answer",
    "contract": "what others rely on: schemas, claims, documents, tables",
    "security": "row-level security, certificates, headers",
    "load": "opt-in: load scenarios",
    "soak": "opt-in: long observation",
}
"""Marks that only select; `load` and `soak` run only where the -m expression asks for them."""

OPT_IN = ("load", "soak")


@lru_cache(maxsize=256)
def latency(*limits: str) -> dict[str, Any]:
    """latency(*limits): time limits of the test's requests, such as "< 300ms" or "p95 < 500ms"."""
    if not limits:
        raise ValueError('names no limit; write it like @pytest.mark.latency("p95 < 500ms")')
    return {"limits": tuple(grammar.latency_limit(limit).text for limit in limits)}


def error_rate(limit: str) -> dict[str, Any]:
    """error_rate(limit): share of requests without an expected answer, such as "< 1%"."""
    return {"limit": grammar.rate_limit(limit).text}


def jwt_claims(user: str, claims: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """jwt_claims(user, claims): the user's token is valid and carries these claims."""
    if not isinstance(user, str) or not isinstance(claims, Mapping | None):
        raise TypeError('takes a user and a table of claims: @pytest.mark.jwt_claims("member", {"email": "*"})')
    return {"user": user, "claims": dict(claims or {})}


def schema_tables(*tables: str) -> dict[str, Any]:
    """schema_tables(*tables): these tables exist and our reader may read them."""
    return {"tables": _names(tables)}


def rls(*tables: str) -> dict[str, Any]:
    """rls(*tables): row-level security holds on these tables; none named means those of the environment."""
    return {"tables": _names(tables) if tables else ()}


def needs(*targets: str) -> dict[str, Any]:
    """needs(*targets): the test is blocked while one of these targets is not ready."""
    return {"targets": _names(targets)}


def allows_server_errors(reason: str) -> dict[str, Any]:
    """allows_server_errors(reason): a 5xx is a warning here; the only way out of no_server_errors."""
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError('needs a reason: @pytest.mark.allows_server_errors("known: PLAN-123")')
    return {"reason": reason}


CRITERIA: Mapping[str, Callable[..., dict[str, Any]]] = {
    function.__name__: function
    for function in (latency, error_rate, jwt_claims, schema_tables, rls, needs, allows_server_errors)
}


def read(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], item: pytest.Item) -> dict[str, Any]:
    """The arguments of one criterion marker, checked. Raises MarkerError that names the test's `file:line`."""
    function = CRITERIA[name]
    try:
        return function(*args, **kwargs)
    except (TypeError, ValueError, AttributeError) as problem:
        usage = (function.__doc__ or "").split(":")[0]
        path, line, _ = item.reportinfo()
        where = f"{getattr(path, 'name', path)}:{(line or 0) + 1}"
        raise MarkerError(f"{where}: @pytest.mark.{name}: {problem}; usage: @pytest.mark.{usage}") from None


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError("takes one or more names")
    return names


def lines() -> list[str]:
    """The `markers` lines for pytest's ini option, so that --strict-markers and `pytest --markers` know them."""
    criteria = [(function.__doc__ or "").strip() for function in CRITERIA.values()]
    return [*(f"{name}: {means}" for name, means in SELECTION.items()), *criteria]
