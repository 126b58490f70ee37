"""The forms in which a secret surfaces, as needles to look for in the folds of a text."""

from __future__ import annotations

import base64
import json
import math
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from pytest_prodcheck.config.redaction.views import dense, fold, unescape

EDGE = 6
"""Characters of a secret from which on its beginning is masked before a cut, and its end after one."""
_SPELT = 8  # letters and digits from which on a secret is also found one by one: `['a', 'b', …]`
_LONG = 400  # beyond this a secret is a key file: the rarer encodings would only cost memory


class Needle(NamedTuple):
    """One form of one secret, folded."""

    name: str
    text: bytes
    minimum: int
    """Bytes of it that are masked wherever they are seen."""
    edge: int
    """Bytes of its beginning (end) that are masked before (after) a cut."""
    plain: bool
    """Whether it is the secret itself (looked for among punctuation), not base64, hex or the like."""
    blank: bool
    """Whether the secret holds a blank or a `+`, which stand for each other in forms."""
    spelt: bool = False
    """Whether it is the secret's letters and digits, looked for one by one (`['a', 'b', …]`)."""


def needles(secret: str, name: str, *, encoded_only: bool = False) -> Iterator[Needle]:
    """The needles of `secret`; without its plain forms where only an encoding of it is a secret (`user:password`)."""
    blank = any(mark.isspace() or mark == "+" for mark in secret)
    found: set[bytes] = set()
    if not encoded_only:
        found = set(_plain_forms(secret))
        yield from (_needle(name, form, secret, plain=True, blank=blank) for form in found if len(form) >= 5)
        if _SPELT <= len(letters := dense(fold(secret))) <= _LONG:
            yield Needle(name, letters, len(letters), len(letters), plain=False, blank=True, spelt=True)
    encoded = {form for form in _encoded_forms(secret) if len(form) >= 7}
    yield from (_needle(name, form, secret, plain=False, blank=True) for form in encoded - found)


def threshold(length: int) -> int:
    """Characters of a secret of `length` that count as the secret: 60 %, at least 8 (or all of it), at most 12."""
    return min(length, 12, max(8, math.ceil(length * 0.6)))


def _needle(name: str, form: bytes, secret: str, *, plain: bool, blank: bool) -> Needle:
    ratio = len(form) / len(secret)
    spare = 0 if plain else 1  # an encoding shares its outermost digits with its neighbours
    minimum = min(len(form), max(5, math.ceil(threshold(len(secret)) * ratio) - spare))
    edge = min(len(form), max(5, math.ceil(EDGE * ratio) - spare))
    return Needle(name, form, minimum, edge, plain, blank)


def _plain_forms(secret: str) -> Iterator[bytes]:
    for spelling in _spellings(secret):
        yield fold(spelling)
        yield fold(unescape(spelling))


def _spellings(secret: str) -> Iterator[str]:
    """The secret, and what a wrong or poor charset makes of it."""
    yield secret
    if secret.isascii():
        return
    yield secret.encode("utf-8", "surrogatepass").decode("latin-1")
    yield secret.encode("utf-8", "surrogatepass").decode("cp1252", "replace")
    yield from (unicodedata.normalize(form, secret) for form in ("NFC", "NFD", "NFKC", "NFKD"))
    for wide in ("utf-16-le", "utf-16-be"):  # read as single bytes; the NULs between are dropped everywhere
        yield secret.encode(wide, "surrogatepass").decode("latin-1").replace("\0", "")
    yield from (
        "".join(mark if mark.isascii() else other for mark in secret)
        for other in ("", "?", "\N{REPLACEMENT CHARACTER}")
    )


def _encoded_forms(secret: str) -> Iterator[bytes]:
    data = secret.encode("utf-8", "surrogatepass")
    yield from _codes(data)
    if len(data) > _LONG:
        return
    for payload in _payloads(secret, data):
        yield from _base64(payload)
        yield dense(payload.hex().encode())
    for inner in _base64(data, raw=True):
        yield from _base64(inner)


def _payloads(secret: str, data: bytes) -> set[bytes]:
    spelt = (quote(secret, safe="", errors="replace").encode(), json.dumps(secret)[1:-1].encode())
    wide = (secret.encode("utf-16-le", "surrogatepass"), secret.encode("utf-16-be", "surrogatepass"))
    return {data, *spelt, *wide, secret.encode("latin-1", "replace")}


def _codes(data: bytes) -> Iterator[bytes]:
    """Bytes as digits, separators left out: base64, hex, lists of numbers."""
    yield from _base64(data)
    yield data.hex().encode()
    if len(data) <= _LONG:
        yield "".join(str(code) for code in data).encode()


def _base64(data: bytes, *, raw: bool = False) -> Iterator[bytes]:
    """The digits that `data` alone determines in the base64 of a longer text, at each of the three alignments."""
    for offset, skipped in ((0, 0), (1, 2), (2, 3)):
        digits = base64.b64encode(b"\0" * offset + data)
        whole = digits[skipped : (offset + len(data)) * 8 // 6]
        yield whole if raw else dense(whole.lower())
