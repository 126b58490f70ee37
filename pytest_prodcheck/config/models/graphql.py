"""GraphQL APIs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_prodcheck.config.models.base import Model, Owned, WebTarget
from pytest_prodcheck.config.scalars import (
    Count,
    Flag,
    Forgeries,
    HiddenSecret,
    Limits,
    Name,
    Names,
    RateLimit,
    Seconds,
    Statuses,
)


class GraphqlExpectation(Model):
    """What one operation must answer."""

    as_: Annotated[str, Field(alias="as")] = ""
    data: Any = None
    errors: Any = None
    latency: Limits = ()


class GraphqlSubscription(Owned):
    """One subscription that is opened over graphql-transport-ws, and what must come."""

    as_: Annotated[str, Field(alias="as")] = ""
    within: Seconds = 5.0
    """From the connection to the first event or the completion."""
    expect: Literal["event", "open"] = "event"
    """`event`: one event or the completion; `open`: acknowledged, and no error until `within` has passed."""
    data: Any = None
    """Expectation of the first event's `data`."""


class GraphqlTarget(WebTarget):
    """A GraphQL API and the documents that the application sends."""

    url: str
    engine: Literal["hasura", "generic"] = "generic"
    operations: Names = ()
    variables: str = ""
    as_: Annotated[Names, Field(alias="as")] = ()
    schema_: Annotated[str, Field(alias="schema")] = ""
    admin_secret: HiddenSecret = None
    introspection: Literal["open", "refused"] | None = None
    suggestions: Literal["open", "refused"] | None = None
    """Whether an error may propose the names of fields that there are (`Did you mean …`)."""
    batching: Literal["open", "refused"] | None = None
    """Whether several operations may come in one request."""
    ide: Flag | None = None
    max_depth: Count | None = None
    refuses: Forgeries = ()
    refused: Statuses = ()
    allowed: Mapping[Name, Names] = Field(default_factory=dict)
    """Operation → the users who may execute it; whoever else is in `as`, and who sends no token, must be refused."""
    subscriptions: Mapping[Name, GraphqlSubscription] = Field(default_factory=dict)
    subscriptions_url: str = ""
    """Where subscriptions are served; empty: at `url`, as ws or wss."""
    metadata: str = ""
    """The repository's Hasura metadata: its folder, or an exported JSON file."""
    row_filters: Names = ()
    """Tables whose permissions must filter rows by a session variable."""
    trusted_roles: Names = ()
    """Hasura roles that may see all rows."""
    error_rate: RateLimit | None = None
    expect: Mapping[Name, GraphqlExpectation] = Field(default_factory=dict)
