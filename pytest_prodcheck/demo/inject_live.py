"""Breaks the demo's WebSocket, and what stands in front of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_prodcheck.demo import fronts
from pytest_prodcheck.demo.cutting import Cutting
from pytest_prodcheck.demo.system import System

Injection = Callable[[System], None]


def _changed(**changes: object) -> Injection:
    def inject(demo: System) -> None:
        for name, value in changes.items():
            setattr(demo.live, name, value)

    return inject


def _cut(cutting: Cutting) -> Injection:
    def inject(demo: System) -> None:
        demo.cutting = cutting

    return inject


INJECTIONS: Mapping[str, Injection] = {
    "ws-down": lambda demo: demo.down.add("live"),
    "ws-upgrade-blocked": lambda demo: demo.fronts["live"].append(fronts.refuses_upgrades),
    "ws-token-late": _changed(judges_late=True),
    "ws-token-ignored": _changed(open_to_all=True),
    "ws-foreign-origin": _changed(origins=()),
    "ws-subprotocol": _changed(protocol="tasks.v2"),
    "ws-idle-timeout": _cut(Cutting(idle=1.0)),
    "ws-platform-timeout": _cut(Cutting(age=1.4)),
    "ws-broadcast-lost": _changed(adapter=False),
    "ws-fallback": _changed(worker=False),
    "ws-users-mixed": _changed(one_for_all=True),
    "ws-crash": _changed(crashes=True),
}
