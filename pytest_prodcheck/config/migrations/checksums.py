"""Checksums as the tools compute them, to see that an applied migration was edited."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable


def sha256(content: bytes) -> str:
    """Prisma: hexadecimal SHA-256 of `migration.sql`; Drizzle: of the `.sql` file."""
    return hashlib.sha256(content).hexdigest()


def sha384(content: bytes) -> str:
    """sqlx: hexadecimal SHA-384 of the file."""
    return hashlib.sha384(content).hexdigest()


def crc32(content: bytes) -> str:
    """Flyway: CRC-32 over the lines without their ends, as a signed integer; a byte order mark does not count."""
    value = 0
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        value = zlib.crc32(line.encode(), value)
    return str(value - (1 << 32) if value >= 1 << 31 else value)


def atlas(files: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Atlas: name → base64 of SHA-256 over the names and contents of all files up to this one (`atlas.sum`)."""
    running, found = hashlib.sha256(), {}
    for name, content in files:
        running.update(name.encode())
        running.update(content)
        found[name] = base64.b64encode(running.digest()).decode()
    return found
