"""What a server says, made fit to be stored: without what we sent in confidence, on one line, bounded.

The run's redactor scrubs everything again; this knows the values of one exchange before they are registered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_CONFIDENTIAL = ("authorization", "cookie", "secret", "token", "api-key", "apikey", "access-key", "password")
_SHORTEST = 4


def scrub(text: str, secrets: Iterable[str], limit: int = 300) -> str:
    """`text` on one line, at most `limit` characters, with each of `secrets` replaced and no part of one at the cut."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, "[redacted]")
    return "".join(character if character.isprintable() else " " for character in text)[:limit]


def confidential(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The values of request headers that must not come back in a report, their scheme (`Bearer`) taken off too."""
    values = [value for name, value in headers.items() if any(word in name.lower() for word in _CONFIDENTIAL)]
    bare = [value.split(" ", 1)[1] for value in values if " " in value]
    parts = [part for value in bare + values for part in value.split(".") if len(part) >= 12]
    return tuple(dict.fromkeys([*values, *bare, *parts]))
