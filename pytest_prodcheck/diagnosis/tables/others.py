"""Causes of WebSocket."""

from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

KINDS = (
    CauseKind(
        "websocket.token.rejected",
        "401/403 in the handshake, or 4401/4403",
        "401/403 in the handshake, or 4401/4403",
        "look at the proxy in front and the server's log",
        "curl -si -H 'Connection: Upgrade' -H 'Upgrade: websocket' {url}",
    ),
    CauseKind(
        "websocket.subprotocol.mismatch",
        "no common sub-protocol",
        "no common sub-protocol",
        "look at the proxy in front and the server's log",
        "curl -si -H 'Connection: Upgrade' -H 'Upgrade: websocket' {url}",
    ),
    CauseKind(
        "websocket.upgrade.blocked",
        "a proxy removes Upgrade",
        "a proxy removes Upgrade",
        "look at the proxy in front and the server's log",
        "curl -si -H 'Connection: Upgrade' -H 'Upgrade: websocket' {url}",
    ),
    CauseKind(
        "websocket.connection.idle_timeout",
        "closed after the same idle time",
        "closed after the same idle time",
        "look at the proxy in front and the server's log",
        "curl -si -H 'Connection: Upgrade' -H 'Upgrade: websocket' {url}",
    ),
    CauseKind(
        "websocket.connection.platform_timeout",
        "closed after the same total time",
        "closed after the same total time",
        "look at the proxy in front and the server's log",
        "curl -si -H 'Connection: Upgrade' -H 'Upgrade: websocket' {url}",
    ),
    CauseKind(
        "websocket.broadcast.lost_between_replicas",
        "replicas without a shared adapter",
        "replicas without a shared adapter",
        "look at the proxy in front and the server's log",
        "curl -si -H 'Connection: Upgrade' -H 'Upgrade: websocket' {url}",
    ),
    CauseKind(
        "websocket.handler.fallback",
        "answers come from a fallback",
        "answers come from a fallback",
        "look at the proxy in front and the server's log",
        "curl -si -H 'Connection: Upgrade' -H 'Upgrade: websocket' {url}",
    ),
)
