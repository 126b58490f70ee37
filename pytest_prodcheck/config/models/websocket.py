"""WebSockets: how a connection is opened, what is said on it, and how long it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from pytest_prodcheck.config.models.base import Owned, WebTarget
from pytest_prodcheck.config.scalars import Count, Forgeries, Limits, Name, Names, Seconds, Statuses, one_or_many

CloseCode = Annotated[int, Field(strict=True, ge=1000, le=4999)]
CloseCodes = Annotated[tuple[CloseCode, ...], BeforeValidator(one_or_many)]
Refusal = Annotated[int, Field(strict=True, ge=100, le=4999)]
Refusals = Annotated[tuple[Refusal, ...], BeforeValidator(one_or_many)]
"""Statuses of a handshake, or codes of a close (RFC 6455 §7.4)."""
GOODBYES = (1000, 1001, 1005)
"""Codes of a close that refuses nothing: normal, going away, none."""


class WebsocketStep(Owned):
    """One thing that is said, or waited for, by every client."""

    name: Name
    send: Annotated[Any, Field(repr=False)] = None
    effect: Literal["read", "write"] | None = None
    expect: Any = None
    within: Seconds = 5.0
    heard_by: Literal["sender", "others", "all"] = "sender"
    """Who must hear what is expected: of the clients, those that have taken this step before the sender, too."""
    unheard_by: Names = ()
    """Users who take the same steps, and must hear none of it."""
    cleanup: Annotated[Any, Field(repr=False)] = None
    """What undoes a write, sent before the goodbye; or `none: reason`."""
    latency: Limits = ()

    @property
    def writes(self) -> bool:
        """Whether it is declared to change something."""
        return self.effect == "write"

    @property
    def undoing(self) -> Any:
        """The message that undoes it; None where nothing has to be sent."""
        return None if isinstance(self.cleanup, str) and self.cleanup.startswith("none:") else self.cleanup


class WebsocketTarget(WebTarget):
    """One address that speaks WebSocket."""

    url: str
    protocol: Literal["plain", "socket.io", "graphql-ws"] = "plain"
    as_: Annotated[str, Field(alias="as")] = ""
    query: Mapping[str, str | int | float | bool] = Field(default_factory=dict, repr=False)
    first: Annotated[Any, Field(repr=False)] = None
    """The first message; what goes with Socket.IO's CONNECT, and with `connection_init`."""
    namespace: str = "/"
    subprotocol: str = ""
    origin: str = ""
    foreign_origin: Literal["refused"] | None = None
    status: Statuses = ()
    """Statuses by which the handshake must be refused."""
    close: CloseCodes = ()
    """How the server answers our goodbye; or, where none of these is one, how it must close by itself."""
    refuses: Forgeries = ()
    refused: Refusals = ()
    clients: Count = 1
    hold: Seconds = 0.0
    fallback: Annotated[tuple[Any, ...], BeforeValidator(one_or_many)] = ()
    """What an answer says that comes from a handler in the place of the real one."""
    steps: tuple[WebsocketStep, ...] = ()

    @property
    def closes(self) -> bool:
        """Whether the server must close by itself, without being told to."""
        return bool(self.close) and not set(self.close) & set(GOODBYES)

    @property
    def refusing(self) -> bool:
        """Whether nobody may get a connection here: there is nothing else to look at."""
        return bool(self.status) or self.closes

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """What is offered in the handshake."""
        if self.protocol == "graphql-ws":
            return ("graphql-transport-ws",)
        return (self.subprotocol,) if self.subprotocol else ()
