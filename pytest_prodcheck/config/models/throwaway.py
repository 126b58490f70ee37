"""Throwaway containers of one environment: started for the run, gone afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from pytest_prodcheck.config.models.base import Model
from pytest_prodcheck.config.scalars import Name, Names, Seconds


class Throwaway(Model):
    """One container, and how it is reached: `container:NAME` stands for its address."""

    image: Name
    port: Annotated[int, Field(strict=True, ge=1, le=65535)]
    """The port that it listens on; the daemon chooses one of the host for it."""
    env: Mapping[str, str] = Field(default_factory=dict, repr=False)
    command: Names = ()
    """The words of its command; the image's own where it is empty."""
    url: str = ""
    """Its address, with `{host}`, `{port}` and `{password}` filled in; empty goes by the port."""
    ready: str = ""
    """Path that must answer 2xx before it is ready; without it it must take connections, a database logins."""
    timeout: Seconds = 60.0
    """How long it may take until it is ready."""
