"""WebSocket checks: the handshake, what is said, who hears it, and how long connections stand."""

import pytest


@pytest.mark.smoke
def test_ready(prodcheck_websocket, check):
    """A connection opens in the promised protocol and answers a ping, or is refused as promised (C25, D22, E2)."""
    prodcheck_websocket.observe(check)


@pytest.mark.security
def test_certificate(prodcheck_websocket, check):
    """The certificate is trusted, for this name, and holds long enough (A63, B62–B64, D46)."""
    prodcheck_websocket.observe(check)


@pytest.mark.contract
def test_step(prodcheck_websocket, check):
    """What is said is answered in time, by the real handler, and heard by whom it must be, alone (C26, E3, E44)."""
    prodcheck_websocket.observe(check)


@pytest.mark.contract
def test_close(prodcheck_websocket, check):
    """The server answers goodbye by a promised code."""
    prodcheck_websocket.observe(check)


@pytest.mark.smoke
def test_reconnects(prodcheck_websocket, check):
    """A client that left may come again (C25)."""
    prodcheck_websocket.observe(check)


@pytest.mark.smoke
def test_stable(prodcheck_websocket, check):
    """Connections stand idle for the promised time; a time-out is told from a restart (C25, C49, D44, E4, R24)."""
    prodcheck_websocket.observe(check)


@pytest.mark.security
def test_foreign_origin(prodcheck_websocket, check):
    """A page of another site is refused a connection."""
    prodcheck_websocket.observe(check)


@pytest.mark.security
def test_refuses(prodcheck_websocket, check):
    """Tokens that are none, unsigned, forged or over are refused, by the handshake or a close (E2)."""
    prodcheck_websocket.observe(check)


def test_latency(prodcheck_websocket, check):
    """All answers and pings together keep the latency limits."""
    prodcheck_websocket.observe(check)
