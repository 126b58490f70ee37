"""What a raw client of the demo's cache sees of its faults."""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from demo_raw import Raw

Probe = Callable[[Raw], str]
TIPS = "tips:today"


def said(raw: Raw, *commands: str, user: str = "reader") -> str:
    """What the cache answers to some commands, at the user's address and with what that says."""
    url = urlsplit(raw.addresses[f"cache_{user}_url"])
    first = [f"AUTH {url.username} {url.password}"] if url.password else []
    text = b""
    try:
        with socket.create_connection((url.hostname or "", url.port or 0), 2) as connection:
            connection.settimeout(1.0)
            for command in (*first, f"SELECT {url.path[1:]}", *commands):
                words = command.split(" ")
                packed = "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
                connection.sendall(f"*{len(words)}\r\n{packed}".encode())
                text += b" " + connection.recv(65536)
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    return text.decode()


def saying(*commands: str, user: str = "reader") -> Probe:
    return lambda raw: said(raw, *commands, user=user)


def tips_then(raw: Raw) -> str:
    """Whether the API answers with tips, and whether the cache has them afterwards."""
    answered = raw.get("/api/tips")
    return answered[:3] + said(raw, f"EXISTS {TIPS}")


ping, ping_as_app = saying("PING"), saying("PING", user="app")
CACHE_SYMPTOMS: dict[str, tuple[tuple[Probe, str], ...]] = {
    "cache-down": ((ping, "ConnectionRefusedError"),),
    "cache-password": ((ping, "WRONGPASS"), (ping_as_app, "WRONGPASS")),
    "cache-app-password": ((ping_as_app, "WRONGPASS"),),
    "cache-no-password": ((ping, "NOAUTH"),),
    "cache-loading": ((ping, "LOADING"),),
    "cache-hangs": ((ping, "TimeoutError"),),
    "cache-full": ((saying("SET prodcheck:probe x EX 5", user="app"), "OOM"),),
    "cache-evicting": ((saying("INFO"), r"evicted_keys:[1-9]"),),
    "cache-replica": ((saying("SET prodcheck:probe x EX 5", user="app"), "READONLY"), (saying("INFO"), "role:slave")),
    "cache-no-ttl": ((saying("TTL sess:1"), r":-1\r"),),
    "cache-expires-at-once": ((tips_then, r"^200.*:0\r"),),
    "cache-wrong-database": ((saying("SCAN 0 MATCH sess:*"), r"\*0\r"),),
    "cache-not-used": ((tips_then, r"^200.*:0\r"),),
}
CACHE_UNTOUCHED: dict[str, tuple[tuple[Probe, str], ...]] = {
    "cache-app-password": ((ping, "PONG"),),
    "cache-no-password": ((ping_as_app, "PONG"),),
    "cache-full": ((ping, "PONG"),),
    "cache-wrong-database": ((ping, "PONG"),),
}
