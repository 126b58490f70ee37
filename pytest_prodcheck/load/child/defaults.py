"""Defaults of Locust's HTTP users that a gate cannot live with: no verified certificate, waits without an end."""

from __future__ import annotations

import os
import ssl
from typing import Any

from pytest_prodcheck.load.order import Order


def install(order: Order) -> None:
    """Certificates are verified (by the environment's authority), and no answer is waited for longer than `timeout`,
    unless a scenario says otherwise itself."""
    from locust.clients import HttpSession
    from locust.contrib.fasthttp import FastHttpUser

    FastHttpUser.insecure = False
    FastHttpUser.network_timeout = FastHttpUser.connection_timeout = order.timeout
    if order.ca != "system":
        os.environ["SSL_CERT_FILE"] = order.ca  # what OpenSSL takes as the default, for other clients
        fast: Any = FastHttpUser
        fast.ssl_context_factory = staticmethod(lambda: ssl.create_default_context(cafile=order.ca))
    session: Any = HttpSession
    original, begin = session.request, session.__init__

    def request(self: Any, *arguments: Any, **named: Any) -> Any:
        named.setdefault("timeout", order.timeout)
        return original(self, *arguments, **named)

    def begun(self: Any, *arguments: Any, **named: Any) -> None:
        begin(self, *arguments, **named)
        if order.ca != "system":
            self.verify = order.ca

    session.request, session.__init__ = request, begun
