"""What is spoken on a WebSocket: the opening of each protocol, its own messages, and what is left for us to hear.

Sources: socket.io-protocol 5, engine.io-protocol 4; enisdenjo/graphql-ws, PROTOCOL.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, Protocol

from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.targets.websocket import Channel

Message = str | bytes
_EVENT: Final = re.compile(r"4[23](?:/[^,]*,)?\d*(\[.*)", re.DOTALL)
_READ_AT_MOST: Final = 1000
"""Messages that are read while a protocol opens."""


class NotSpoken(Exception):
    """The protocol did not open: `kind` is `mismatch` (something else is spoken), `refused` (its own words for it), or
    `silent`."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind, self.text = kind, text
        super().__init__(text)


class Disconnected(Exception):
    """The protocol's own goodbye, on a connection that may still stand."""


class Dialect(Protocol):
    """How one protocol is spoken."""

    def greet(self, channel: Channel, first: object, deadline: float) -> None:
        """Opens it; `first` holds the credentials. Raises NotSpoken, and as `Channel.recv` does."""
        ...

    def said(self, message: object) -> str:
        """What is sent for a declared message."""
        ...

    def heard(self, channel: Channel, raw: Message) -> Message | None:
        """The message as it is judged; None for the protocol's own, which is answered. Raises Disconnected."""
        ...


class Plain:
    """Texts and JSON, as the application has them."""

    def greet(self, channel: Channel, first: object, deadline: float) -> None:
        """Sends the first message, where there is one."""
        del deadline
        if first is not None:
            channel.send(self.said(first))

    def said(self, message: object) -> str:
        """A text as it is, anything else as JSON."""
        return message if isinstance(message, str) else json.dumps(message)

    def heard(self, channel: Channel, raw: Message) -> Message | None:
        """Every message."""
        del channel
        return raw


class SocketIO:
    """Socket.IO on Engine.IO 4: events of one namespace."""

    def __init__(self, namespace: str) -> None:
        self._prefix = "" if namespace == "/" else f"{namespace},"

    def greet(self, channel: Channel, first: object, deadline: float) -> None:
        """Engine.IO's open packet, then CONNECT to the namespace and its answer."""
        opened = _text(_received(channel, deadline, "Engine.IO's open packet"))
        if not opened.startswith("0{"):
            raise NotSpoken("mismatch", f"the server does not speak Engine.IO: it begins with {opened[:40]!r}")
        channel.send(f"40{self._prefix}{'' if first is None else json.dumps(first)}")
        for _ in range(_READ_AT_MOST):
            packet = _text(_received(channel, deadline, "the answer to CONNECT"))
            if packet.startswith("44"):
                said = strict_json.table(packet[2:].removeprefix(self._prefix)) or {}
                raise NotSpoken("refused", str(said.get("message", "")) or "CONNECT_ERROR")
            if packet.startswith("40"):
                return
            if packet == "2":
                channel.send("3")
        raise NotSpoken("silent", "CONNECT is not answered")

    def said(self, message: object) -> str:
        """An event, its name first."""
        return f"42{self._prefix}{json.dumps(message)}"

    def heard(self, channel: Channel, raw: Message) -> Message | None:
        """Events and acknowledgements as JSON lists; pings are answered."""
        packet = _text(raw)
        if packet == "2":
            channel.send("3")
            return None
        if packet.startswith("41") or packet == "1":
            raise Disconnected("the server disconnects the namespace" if packet != "1" else "Engine.IO closes")
        if not packet.removeprefix("42").removeprefix("43").startswith(self._prefix):
            return None  # of another namespace
        found = _EVENT.fullmatch(packet)
        return found[1] if found else None


class GraphqlWs:
    """graphql-transport-ws."""

    def greet(self, channel: Channel, first: object, deadline: float) -> None:
        """connection_init, and its acknowledgement."""
        channel.send(json.dumps({"type": "connection_init", **({} if first is None else {"payload": first})}))
        for _ in range(_READ_AT_MOST):
            message = strict_json.table(_received(channel, deadline, "connection_ack")) or {}
            if message.get("type") == "connection_ack":
                return
            if message.get("type") == "connection_error":
                raise NotSpoken("refused", str(message.get("payload", ""))[:200])
            self.heard(channel, json.dumps(message))
        raise NotSpoken("silent", "connection_init is not acknowledged")

    def said(self, message: object) -> str:
        """A message of the protocol."""
        return json.dumps(message)

    def heard(self, channel: Channel, raw: Message) -> Message | None:
        """All but pings, which are answered, and their answers."""
        kind = (strict_json.table(raw) or {}).get("type")
        if kind == "ping":
            channel.send('{"type":"pong"}')
        return None if kind in ("ping", "pong") else raw


def of(protocol: str, namespace: str) -> Dialect:
    """The dialect that a target declares."""
    dialects: Mapping[str, Dialect] = {
        "plain": Plain(), "socket.io": SocketIO(namespace), "graphql-ws": GraphqlWs(),
    }  # fmt: skip
    return dialects[protocol]


def recognised(raw: Message) -> str:
    """The protocol that a message belongs to, where it is none that was declared: `socket.io`, or empty."""
    packet = _text(raw)
    return "socket.io" if packet.startswith('0{"sid"') and '"pingInterval"' in packet else ""


def _received(channel: Channel, deadline: float, what: str) -> Message:
    try:
        return channel.recv(deadline)
    except TimeoutError:
        raise NotSpoken("silent", f"{what} does not come in time") from None


def _text(raw: Message) -> str:
    return raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
