"""HTTP targets and their endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_prodcheck.config.models.base import Model, Owned, WebTarget
from pytest_prodcheck.config.scalars import (
    Flag,
    Forgeries,
    Hidden,
    Limits,
    Name,
    NoCleanup,
    RateLimit,
    Seconds,
    Statuses,
)

METHODS_THAT_READ = ("GET", "HEAD", "OPTIONS")
_HEADER_SAMPLES = 3


class Cleanup(Model):
    """The request that undoes a write. `{id}` in `path` and in bodies comes from the write's answer."""

    path: str
    method: Literal["DELETE", "POST", "PUT", "PATCH"] = "DELETE"
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)
    json_: Annotated[Any, Field(alias="json", repr=False)] = None
    form: Annotated[Mapping[str, str] | None, Hidden] = None
    status: Statuses = ()


class Endpoint(Owned):
    """One declared request and the answer it must get."""

    path: str
    method: str = "GET"
    effect: Literal["read", "write"] | None = None
    cleanup: Cleanup | NoCleanup | None = None
    """How a write is undone; `none: reason` where nothing stays. Every write has one."""
    as_: Annotated[str, Field(alias="as")] = ""
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)
    query: Mapping[str, str | int | float | bool] = Field(default_factory=dict, repr=False)
    json_: Annotated[Any, Field(alias="json", repr=False)] = None
    form: Annotated[Mapping[str, str] | None, Hidden] = None
    text: Annotated[str | None, Hidden] = None
    status: Statuses = ()
    """Expected statuses; empty means any 2xx."""
    refuses: Forgeries = ()
    """Tokens that must be refused here."""
    refused: Statuses = ()
    """Statuses of such a refusal; empty means 400, 401 or 403."""
    follow: Flag = False
    """Follow redirects, on configured hosts only; the last answer is judged."""
    expect: Any = None
    expect_headers: Mapping[str, Any] = Field(default_factory=dict)
    content_type: str = ""
    schema_: Annotated[str, Field(alias="schema")] = ""
    latency: Limits = ()
    error_rate: RateLimit | None = None
    timeout: Seconds | None = None
    retries: Annotated[int, Field(strict=True, ge=0, le=10)] = 0
    marks: tuple[Literal["smoke", "contract", "security"], ...] = ()

    @property
    def writes(self) -> bool:
        """Whether it is declared to change something."""
        return self.effect == "write"


class HttpTarget(WebTarget):
    """One host that speaks HTTP, with its endpoints."""

    url: str
    endpoints: Mapping[Name, Endpoint] = Field(default_factory=dict)
    error_rate: RateLimit | None = None
    security_headers: Literal["owasp"] | Mapping[str, Any] | None = None

    @property
    def repeatable(self) -> tuple[str, ...]:
        """Names of the endpoints that may be asked again for a limit: reads with a method that reads."""
        return tuple(
            name
            for name, endpoint in self.endpoints.items()
            if not endpoint.writes and (endpoint.method in METHODS_THAT_READ or endpoint.effect == "read")
        )

    @property
    def header_samples(self) -> tuple[str, ...]:
        """Up to three reads whose headers are judged; those that act as a user only where there are no others."""
        anonymous = [name for name in self.repeatable if not self.endpoints[name].as_]
        return tuple(anonymous or self.repeatable)[:_HEADER_SAMPLES]
