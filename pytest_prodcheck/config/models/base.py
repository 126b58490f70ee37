"""What every table of `prodcheck.toml` and every target in it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from pytest_prodcheck.config.scalars import Flag, Hidden, Limits, Seconds, Severity


class Model(BaseModel):
    """Base of all tables: unknown keys are refused, nothing changes after loading, no input is repeated in errors."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True, populate_by_name=True, strict=False
    )


class Owned(Model):
    """What any target, endpoint, query or step takes: whom to ask, where to read, how grave a failure is."""

    owner: str = ""
    runbook: str = ""
    severity: Severity = "error"


class ClientCertificate(Model):
    """Paths of a client certificate and its key (PEM)."""

    certificate: str
    key: str


class Tls(Model):
    """How far the server's certificate is trusted, and how long it must still hold."""

    ca: str = "system"
    valid_for: Seconds = 0.0
    client_certificate: ClientCertificate | None = None


class Target(Owned):
    """What every target takes."""

    required: Flag = True
    timeout: Seconds = 10.0
    latency: Limits = ()


class WebTarget(Target):
    """What every target takes that speaks HTTP."""

    tls: Tls = Field(default_factory=Tls)
    proxy: Annotated[str, Hidden] = ""
    headers: Mapping[str, str] = Field(default_factory=dict, repr=False)
