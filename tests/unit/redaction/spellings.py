"""The spellings of a secret in which servers, formats and reports repeat it, each in a realistic text."""

from __future__ import annotations

import base64
import html
import json
import quopri
from collections.abc import Iterator
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import quoteattr


def spellings(secret: str) -> Iterator[tuple[str, str]]:
    """(form, text that repeats the secret in it)."""
    yield from _escaped(secret)
    yield from _encoded(secret)
    yield from _split(secret)


def _escaped(secret: str) -> Iterator[tuple[str, str]]:
    yield "raw", f"connection to db failed: password {secret} was rejected"
    yield "other case", f"KEY: {secret.upper()} and {secret.lower()}"
    percent = quote(secret, safe="")
    yield "percent", f"GET /x?api_key={percent}&page=2 answered 500"
    yield "percent, lower hex", "".join(f"%{code:02x}" for code in secret.encode())
    yield "percent twice", f"Location: /login?next={quote(quote(f'/a?key={percent}', safe=''), safe='')}"
    yield "form", f"user=a&password={quote_plus(secret)}&x=1"
    yield "json", json.dumps({"error": f"bad password {secret}"})
    yield "json, not ascii", json.dumps({"pw": secret, "n": 1}, ensure_ascii=False)
    yield "json in json", json.dumps({"body": json.dumps({"pw": secret})})
    yield "json, slashes", json.dumps({"pw": secret}).replace("/", "\\/")
    yield (
        "json, all escaped",
        '{"pw":"' + "".join(f"\\u{ord(mark):04x}" for mark in secret if ord(mark) < 0x10000) + '"}',
    )
    yield "html", f"<p title='{html.escape(secret)}'>{html.escape(secret)}</p>"
    yield "html, decimal", "".join(f"&#{ord(mark)};" for mark in secret)
    yield "html, hex", "".join(f"&#x{ord(mark):X};" for mark in secret)
    yield "xml", f"<failure message={quoteattr(secret)}/>"
    yield "repr", repr({"dsn": secret})
    yield "ascii", ascii(secret)
    yield "bytes repr", repr(b"Bearer " + secret.encode())
    if sum(mark.isascii() and mark.isalnum() for mark in secret) >= 8:
        yield "list of characters", f"assert {list(secret)} == []"
        yield "characters on lines", "\n".join(f"E     +     {mark!r}," for mark in secret)
    yield "bytes repr, all escaped", "".join(f"\\x{code:02x}" for code in secret.encode())
    yield "quoted-printable", quopri.encodestring(f"Your password: {secret} ok".encode()).decode()


def _encoded(secret: str) -> Iterator[tuple[str, str]]:
    data = secret.encode()
    for offset in range(3):
        longer = b"usr:"[: offset + 1] + data + b" tail"
        yield f"base64, alignment {offset}", f"Basic {base64.b64encode(longer).decode()} was sent"
        yield f"base64url, alignment {offset}", f"x={base64.urlsafe_b64encode(longer).decode().rstrip('=')}&y"
    yield "base64 in lines", base64.encodebytes(b"prefix " * 8 + data + b" tail" * 9).decode()
    yield "base64, short lines", "\n  ".join(_pieces(base64.b64encode(data).decode(), 10))
    yield "hex", f"dump: {data.hex()}"
    yield "hex, upper", data.hex().upper()
    yield "hex, blanks", data.hex(" ")
    yield "hex, colons", data.hex(":").upper()
    yield "utf-16 hex", secret.encode("utf-16-le").hex()
    yield "utf-16", "\0".join(secret)
    yield "utf-16 repr", repr(secret.encode("utf-16-le"))
    yield "utf-16 base64", base64.b64encode(secret.encode("utf-16-le")).decode()
    yield "numbers", str(list(data))


def _split(secret: str) -> Iterator[tuple[str, str]]:
    middle = len(secret) // 2
    yield "colour inside", f"log \x1b[1m{secret[:middle]}\x1b[0m{secret[middle:]}\x1b[0m end"
    yield "escaped colour inside", repr(f"{secret[:middle]}\x1b[0m{secret[middle:]}")
    yield "colour as junit writes it", f"{secret[:middle]}#x1B[31m{secret[middle:]}"
    yield "zero width inside", f"x {secret[:middle]}\u200b{secret[middle:]} y"
    yield "control inside", f"x {secret[:middle]}\x07{secret[middle:]} y"
    yield "line break inside", f"x {secret[:middle]}\n    {secret[middle:]} y"
    yield "wrapped by pytest", f"E     - {secret[:middle]}\nE       {secret[middle:]}\n"


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]
