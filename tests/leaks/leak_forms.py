"""Spellings in which a system repeats a secret, and the search for what is left of one in the bytes of a channel."""

from __future__ import annotations

import base64
import html
import json
import quopri
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from urllib.parse import quote, quote_plus, unquote

from leak_secrets import SECRETS, Secret

WINDOW = 12
"""Letters and digits of a secret in a row that count as a leak of it (all of it where it is shorter)."""
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|#x1b\[[0-9;]*m|\\x1b\[[0-9;]*m")
_CODES = re.compile(r"\\+u([0-9a-f]{4})|\\+x([0-9a-f]{2})|=([0-9a-f]{2})|\\+([0-3][0-7]{2})")
_EDGE = "¦"
_MARKER = re.compile("|".join([r"\[redacted[^\]]*\]", *(rf"\b{one.name.casefold()}\b" for one in SECRETS)]))
"""What stands for a secret, casefolded: a marker, or its variable's name, which can read like it (CLOUD_SECRET)."""


def forms(secret: str) -> Iterator[tuple[str, bytes]]:
    """(name, body) of one answer for each spelling of `secret`."""
    data = secret.encode()
    yield "raw", b"connection failed: password " + data + b" was rejected"
    yield "upper", secret.upper().encode()
    yield "lower", secret.lower().encode()
    yield from ((name, body.encode()) for name, body in _escaped(secret))
    yield "quoted-printable", quopri.encodestring(b"Your password: " + data + b" ok")
    yield "latin-1", secret.encode("latin-1", "replace")
    yield "utf-16-le", secret.encode("utf-16-le")
    yield "utf-16-be", b"pw " + secret.encode("utf-16-be")
    for shift in range(3):
        longer = b"usr"[:shift] + data + b" and more"
        yield f"base64 at {shift}", b"Basic " + base64.b64encode(longer)
        yield f"base64url at {shift}", b"key=" + base64.urlsafe_b64encode(longer).rstrip(b"=") + b"&x=1"
    yield "base64 twice", base64.b64encode(base64.b64encode(data))
    yield "base64 of json", base64.b64encode(json.dumps({"pw": secret}).encode())
    yield "base64 in lines", base64.encodebytes(b"lorem ipsum " * 4 + data + b" dolor" * 8)
    yield "hex", data.hex().encode()
    yield "hex, upper with colons", data.hex(":").upper().encode()
    yield "hex of utf-16", secret.encode("utf-16-le").hex().encode()
    yield "numbers", str(list(data)).encode()
    yield from ((name, body.encode()) for name, body in _broken(secret))


def _escaped(secret: str) -> Iterator[tuple[str, str]]:
    percent = quote(secret, safe="")
    yield "percent", f"GET /x?key={percent}&page=2 failed"
    yield "percent twice", f"/login?next={quote(percent, safe='')}"
    yield "percent thrice", quote(quote(percent, safe=""), safe="")
    yield "percent all", "".join(f"%{code:02x}" for code in secret.encode())
    yield "plus", f"user=a&password={quote_plus(secret)}&x=1"
    yield "json", json.dumps({"error": f"bad password {secret}"})
    yield "json, as it is", json.dumps({"error": secret}, ensure_ascii=False)
    yield "json, all escaped", '"' + "".join(f"\\u{ord(mark):04X}" for mark in secret) + '"'
    yield "json in json", json.dumps({"body": json.dumps({"inner": json.dumps({"pw": secret})})})
    yield "html", f"<p title='{html.escape(secret)}'>{html.escape(secret)}</p>"
    yield "html numbers", "".join(f"&#{ord(mark)};" for mark in secret)
    yield "html hex", "".join(f"&#x{ord(mark):x};" for mark in secret)
    yield "repr", repr({"dsn": secret})
    yield "bytes repr", repr(b"Bearer " + secret.encode())
    yield "bytes escaped", "".join(f"\\x{code:02x}" for code in secret.encode())


def _broken(secret: str) -> Iterator[tuple[str, str]]:
    middle = len(secret) // 2
    first, last = secret[:middle], secret[middle:]
    yield "colour inside", f"log \x1b[1m{first}\x1b[0m{last}\x1b[0m end"
    yield "title inside", f"log {first}\x1b]0;own\x07{last} end"
    yield "zero width inside", f"log {first}\u200b{last} end"
    yield "bidi inside", f"log {first}\u202e{last} end"
    yield "bell inside", f"log {first}\x07{last} end"
    yield "backspace inside", f"log {first}\x08{last} end"
    yield "wrapped", f"log {first}\n    {last} end"
    for cut in (300, 500, 2000):
        for kept in (12, len(secret) - 3):
            yield f"cut at {cut} after {kept}", f"{'lorem ' * cut}"[: cut - kept - 1] + " " + secret + " ipsum" * 30


class Haystack:
    """Everything that one run let out, in the readings in which a secret could be found."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def readings(self) -> Sequence[str]:
        """Letters and digits of the text as it is, and of its escapes taken off one, two and three times."""
        text = _MARKER.sub(_EDGE, _ANSI.sub("", self.data.decode("utf-8", "replace").casefold().replace("\0", "")))
        found = [_dense(text)]
        for _ in range(3):
            text = _CODES.sub(_plain, html.unescape(unquote(text)))
            found.append(_dense(_ANSI.sub("", text)))
        return list(dict.fromkeys(found))

    def traces(self, secret: Secret) -> list[str]:
        """The pieces of `secret` that are there, in any spelling; empty where none is."""
        spelt = {spelling for needle in secret.secret for spelling in _spellings(needle)}
        return sorted(
            {piece for text, size in spelt if self._may_hold(text, size) for piece in self._pieces(text, size)}
        )

    def _may_hold(self, text: str, size: int) -> bool:
        """A quick look: any window of `size` holds one of these, every third that is two shorter, whole."""
        return any(self._holds(piece) for piece in _windows(text, size - 2, 3))

    def _pieces(self, text: str, size: int) -> list[str]:
        return [piece for piece in _windows(text, size, 1) if self._holds(piece)]

    def _holds(self, piece: str) -> bool:
        return any(piece in reading for reading in self.readings)


def _plain(match: re.Match[str]) -> str:
    unit, byte, quoted, octal = match.groups()
    return chr(int(octal, 8) if octal else int(unit or byte or quoted, 16))


def _dense(text: str) -> str:
    return "".join(mark for mark in text if mark.isalnum() or mark == _EDGE)


def _spellings(secret: str) -> Iterator[tuple[str, int]]:
    """The secret as letters and digits alone, plain, in hex, as numbers, in base64; and how many of them are a leak."""
    data = secret.encode()
    yield _dense(secret.casefold()), WINDOW
    yield _dense(data.decode("latin-1").casefold()), WINDOW
    yield data.hex(), 2 * WINDOW
    yield secret.encode("utf-16-le").hex(), 4 * WINDOW
    yield "".join(map(str, data)), 3 * WINDOW
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")[(0, 2, 3)[shift] : -1]
        yield _dense(coded.casefold()), WINDOW + 4


def _windows(text: str, size: int, step: int) -> Iterator[str]:
    size = min(size, len(text))
    yield from (text[start : start + size] for start in range(0, len(text) - size + 1, step))
