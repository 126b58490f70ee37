"""Synthetic users, and how their tokens are obtained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_prodcheck.config.models.base import Model
from pytest_prodcheck.config.scalars import Flag, Hidden, HiddenSecret, LifetimeLimit


class Login(Model):
    """The declared write that logs a user in: one attempt a user and run."""

    path: str
    target: str = ""
    method: Literal["POST", "PUT"] = "POST"
    json_: Annotated[Mapping[str, Any] | None, Field(alias="json", repr=False)] = None
    form: Annotated[Mapping[str, str] | None, Hidden] = None
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)


class User(Model):
    """One synthetic user and how its token is obtained."""

    grant: Literal["client_credentials", "password", "refresh_token", "static", "login"]
    client_id: str = ""
    client_secret: HiddenSecret = None
    username: str = ""
    password: HiddenSecret = None
    refresh_token: HiddenSecret = None
    token: HiddenSecret = None
    scope: str = ""
    client_auth: Literal["basic", "post", "private_key_jwt"] = "basic"
    client_key: HiddenSecret = None
    """PEM of the client's private key, for `private_key_jwt` (RFC 7523)."""
    client_key_id: str = ""
    assertion_audience: Literal["token_endpoint", "issuer"] = "token_endpoint"
    lifetime: LifetimeLimit | None = None
    opaque: Flag = False
    introspect: Flag = False
    claims: Mapping[str, Any] = Field(default_factory=dict)
    login: Login | None = None
    keep: str = "access_token"
