"""All nodes of a cache: the one server, or those that a cluster names. Each is read as our reader."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pytest_prodcheck.observe.cache import Node, Reading, Slots
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.cache import info
from pytest_prodcheck.targets.cache.address import Place, Server

if TYPE_CHECKING:
    from pytest_prodcheck.targets.cache.connect import Connector
    from pytest_prodcheck.targets.cache.session import Session

_MOST_NODES = 200


def reading(connector: Connector, session: Session, server: Server, place: Place) -> Reading:
    """One look at the node of `session`, at `place`, and in a cluster at all others. Raises OSError and what
    `Session.ask` raises where the cluster cannot be asked for its nodes."""
    nodes: list[Node] = []
    unread: dict[str, str] = {}
    _read(session, str(place), nodes, unread)
    if not connector.table.cluster:
        return Reading(tuple(nodes), None, unread)
    slots, others = topology(session)
    end = time.perf_counter() + 2 * connector.table.timeout
    for other in others[:_MOST_NODES]:
        if other != place and time.perf_counter() > end:
            unread[str(other)] = "not read in time: the nodes before it took too long"
        elif other != place:
            _read_at(connector, server, other, nodes, unread)
    return Reading(tuple(nodes), slots, unread)


def topology(session: Session) -> tuple[Slots, list[Place]]:
    """What a node says of its cluster, and where the nodes are that are not marked as failed. Raises what
    `Session.ask` raises."""
    fields = info.fields_of(_text(session.ask("CLUSTER", "INFO")))
    lines = [line.split() for line in _text(session.ask("CLUSTER", "NODES")).decode("utf-8", "replace").splitlines()]
    rows = [(line[1], line[2].split(",")) for line in lines if len(line) > 7]
    failed = tuple(address.partition("@")[0] for address, flags in rows if "fail" in flags or "fail?" in flags)
    well = [address for address, flags in rows if not {"fail", "fail?", "noaddr", "handshake"} & set(flags)]
    covered = fields.get("cluster_slots_ok", "0")
    slots = Slots(fields.get("cluster_state", ""), int(covered) if covered.isdigit() else 0, failed[:_MOST_NODES])
    return slots, [place for address in well if (place := _place(address))]


def sessions(
    connector: Connector, session: Session, server: Server, *, primaries: bool
) -> Iterator[Session]:  # fmt: skip
    """The caller's session; or one with each node of a cluster, of its `primaries` those whose keys are their own.
    Raises OSError."""
    if not connector.table.cluster:
        yield session
        return
    _, others = topology(session)
    for other in others[:_MOST_NODES]:
        opened, _ = _session(connector, server, other)
        if opened is None:
            raise ConnectionResetError(f"{other} gives no session")
        try:
            answer = opened.ask("ROLE") if primaries else None
            if not primaries or (isinstance(answer, list) and answer[:1] == [b"master"]):
                yield opened
        finally:
            opened.close()


def _read_at(connector: Connector, server: Server, place: Place, nodes: list[Node], unread: dict[str, str]) -> None:
    session, seen = _session(connector, server, place)
    if session is None:
        unread[str(place)] = f"{seen.code or seen.error} {seen.message}".strip()
        return
    try:
        _read(session, str(place), nodes, unread)
    finally:
        session.close()


def _read(session: Session, address: str, nodes: list[Node], unread: dict[str, str]) -> None:
    from pytest_prodcheck.targets.cache.session import Garbage, Said, TooMuch

    try:
        nodes.append(info.node(_text(session.ask("INFO")), address))
    except Said as refusal:
        unread[address] = refusal.text
    except (Garbage, TooMuch, OSError) as error:
        unread[address] = str(error) or type(error).__name__


def _session(connector: Connector, server: Server, place: Place) -> tuple[Session | None, Observation]:
    seen = Observation(connector.target, "connect", "readiness", started_at=time.time(), expected=False)
    return connector.reached(server.at(place), seen, time.perf_counter() + connector.table.timeout)


def _place(address: str) -> Place | None:
    """The place of `ip:port@cport[,hostname]` (CLUSTER NODES)."""
    host, _, port = address.partition(",")[0].partition("@")[0].rpartition(":")
    return Place(host.strip("[]"), int(port)) if host and port.isdigit() and 0 < int(port) < 65536 else None


def _text(answer: object) -> bytes:
    return answer if isinstance(answer, bytes) else b""
