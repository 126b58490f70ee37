"""Tokens and keys of JOSE as text, read without verifying anything (RFC 7515 §7.1, RFC 7516 §7.1, RFC 7517 §4)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.observation import Json

TOKEN_LIMIT = 64 * 1024
_LATEST_DATE = 253_402_300_799
"""31 December 9999: a later NumericDate is no date (most often milliseconds)."""


@dataclass(frozen=True, slots=True)
class CompactToken:
    """A token split at its dots. `problem` says why it is not a JWS; nothing here is verified."""

    parts: int
    header: Mapping[str, Json] = field(default_factory=dict)
    payload: Mapping[str, Json] = field(default_factory=dict, repr=False)
    signing_input: bytes = field(default=b"", repr=False)
    signature: bytes = field(default=b"", repr=False)
    problem: str = ""

    @property
    def encrypted(self) -> bool:
        """Whether it is a JWE: five parts, or a header that names a content encryption."""
        return self.parts == 5 or "enc" in self.header

    def named(self, member: str) -> str:
        """A header member that is a string, at most 200 characters; empty otherwise."""
        value = self.header.get(member)
        return value[:200] if isinstance(value, str) else ""


def read(token: str) -> CompactToken:
    """`token` split and decoded, never raising: what is wrong stands in `problem`."""
    if len(token) > TOKEN_LIMIT:
        return CompactToken(0, problem=f"it has {len(token)} characters")
    parts = token.split(".")
    if len(parts) == 5:
        return CompactToken(5, _table(parts[0]) or {}, problem="it is encrypted (JWE)")
    if token[:7].lower() == "bearer ":
        return CompactToken(len(parts), problem="it begins with the word Bearer, which belongs to the header")
    if len(parts) != 3:
        return CompactToken(len(parts), problem=f"it has {len(parts)} part{'s' * (len(parts) > 1)}, a JWT has 3")
    return _signed(*parts)


def _signed(header: str, payload: str, signature: str) -> CompactToken:
    head, body, mark = _table(header), _table(payload), unbase64url(signature)
    if head is None:
        return CompactToken(3, problem="its first part is not a JSON object in base64url")
    if body is None:
        return CompactToken(3, head, problem="its second part is not a JSON object in base64url")
    if mark is None:
        return CompactToken(3, head, body, problem="its signature is not base64url")
    return CompactToken(3, head, body, f"{header}.{payload}".encode("ascii"), mark)


def _table(part: str) -> dict[str, Json] | None:
    decoded = unbase64url(part)
    return strict_json.table(decoded) if decoded is not None else None


def unbase64url(text: str) -> bytes | None:
    """The bytes of base64url without padding (RFC 7515 §2), or None where `text` is none."""
    if not text.isascii() or any(character in text for character in "+/="):
        return None
    try:
        raw = text.encode("ascii")
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None


def numeric_date(value: Json) -> float | None:
    """Seconds since the epoch of a NumericDate (RFC 7519 §2), or None: no number, negative, past the year 9999."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= _LATEST_DATE else None


def names(value: Json) -> list[str]:
    """A claim that is one string or a list of them (`aud`, RFC 7519 §4.1.3), as a list, bounded; empty for others."""
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [item[:500] for item in listed[:20] if isinstance(item, str)]


def tampered(token: str) -> str:
    """`token` with another signature of the same length: what no consumer may accept (A20)."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'A' if signature[:1] != 'A' else 'B'}{signature[1:]}" if head else token[::-1]


def segments(token: str) -> tuple[str, ...]:
    """A token and its parts of 12 characters or more: each gives it away as much as the whole does."""
    return (token, *(part for part in token.split(".") if len(part) >= 12 and part != token)) if token else ()
