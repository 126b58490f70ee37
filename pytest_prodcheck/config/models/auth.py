"""Identity providers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_prodcheck.config.models.base import Model, WebTarget
from pytest_prodcheck.config.scalars import Flag, HiddenSecret, LifetimeLimit, Name, Names, Seconds


class HasuraMapped(Model):
    """One entry of `claims_map` with a default."""

    path: str
    default: Any = None


class HasuraClaims(Model):
    """Where Hasura finds its claims in a token: its JWT configuration (`HASURA_GRAPHQL_JWT_SECRET`)."""

    namespace: str = ""
    """`claims_namespace`; without it and without `path` and `map` Hasura's default."""
    path: str = ""
    """`claims_namespace_path`, a JSON path like `$.app.claims`."""
    format_: Annotated[Literal["json", "stringified_json"], Field(alias="format")] = "json"
    map: Mapping[Name, str | tuple[str, ...] | HasuraMapped] = Field(default_factory=dict)
    """`claims_map`: session variable → JSON path of its claim, or a literal."""


class Specimens(Model):
    """Genuine tokens of the issuer that no service may accept: what no one but the issuer can make."""

    expired: HiddenSecret = None
    audience: HiddenSecret = None
    """A token for another audience."""


class AuthTarget(WebTarget):
    """The identity provider: an OIDC issuer, or a shared HS256 secret."""

    issuer: str = ""
    audience: Names = ()
    algorithms: Names = ("RS256",)
    secret: HiddenSecret = None
    jwks_url: str = ""
    """The JWKS address that a consumer is configured with; checked against discovery (T1, A9)."""
    hosts: Names = ()
    """Hosts beside the issuer's own that discovery may name."""
    jwks_cache: LifetimeLimit | None = None
    """Limit of the `max-age` with which the keys are published: what bounds how long consumers keep old ones."""
    hasura: Flag | HasuraClaims = False
    """Whether tokens must carry Hasura's required claims; on by itself where `graphql.engine` is `hasura`. A table says
    where Hasura is configured to find them."""
    specimens: Specimens = Field(default_factory=Specimens)
    skew: Seconds = 5.0
