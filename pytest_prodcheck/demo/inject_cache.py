"""Faults of the cache: its port, its passwords, its role and memory, its keys, and how the API uses it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from pytest_prodcheck.demo.certificates import HOST
from pytest_prodcheck.demo.system import System

Injection = Callable[[System], None]


def _down(demo: System) -> None:
    demo.down.add("cache")


def _passwords(*users: str) -> Injection:
    def inject(demo: System) -> None:
        for user in users:
            demo.store.passwords[user] = secrets.token_urlsafe(18)

    return inject


def _no_password(demo: System) -> None:
    demo.addresses["cache_reader_url"] = f"redis://{HOST}:{demo.port('cache')}/0"


def _set(**settings: object) -> Injection:
    def inject(demo: System) -> None:
        for name, value in settings.items():
            setattr(demo.store, name, value)

    return inject


def _full(demo: System) -> None:
    demo.store.policy, demo.store.used = "noeviction", demo.store.most


def _no_end(demo: System) -> None:
    demo.store.keys = {key: (value, None) for key, (value, _) in demo.store.keys.items()}


def _at_once(demo: System) -> None:
    demo.api.tips_live = ("PX", "1")


def _other_database(demo: System) -> None:
    demo.addresses["cache_reader_url"] = demo.addresses["cache_reader_url"].removesuffix("/0") + "/3"


def _not_used(demo: System) -> None:
    demo.api.uses_cache = False


INJECTIONS: Mapping[str, Injection] = {
    "cache-down": _down,
    "cache-password": _passwords("app", "reader"),
    "cache-app-password": _passwords("app"),
    "cache-no-password": _no_password,
    "cache-loading": _set(loading=True),
    "cache-hangs": _set(silent=True),
    "cache-full": _full,
    "cache-evicting": _set(evicting=True),
    "cache-replica": _set(role="slave"),
    "cache-no-ttl": _no_end,
    "cache-expires-at-once": _at_once,
    "cache-wrong-database": _other_database,
    "cache-not-used": _not_used,
}
