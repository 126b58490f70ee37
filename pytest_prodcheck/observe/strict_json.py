"""JSON as RFC 8259 has it, read from what a target says: bounded, and without Python's own extensions."""

from __future__ import annotations

import json
from collections import Counter
from math import isinf
from typing import NoReturn

from pytest_prodcheck.observe.observation import Json

LIMIT = 4 * 1024 * 1024
"""Bytes that are read as one document at most."""


def parse(body: bytes | str) -> Json:
    """The document in `body`. Raises ValueError for anything else: HTML, nothing, more than `LIMIT`, `NaN`, a nesting
    that is too deep to read, bytes that are not UTF-8; and for what readers read differently: a name that an object
    has twice (RFC 8259 §4), a number beyond every double (§6)."""
    if len(body) > LIMIT:
        raise ValueError(f"more than {LIMIT} bytes")
    try:
        text = body if isinstance(body, str) else body.decode(json.detect_encoding(body), "surrogatepass")
        document: Json = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return document


def table(body: bytes | str) -> dict[str, Json] | None:
    """The JSON object in `body`, or None where it holds anything else."""
    try:
        document = parse(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def is_list(body: bytes) -> bool:
    """Whether the document in `body` is a JSON array."""
    try:
        return body.lstrip()[:1] == b"[" and isinstance(parse(body), list)
    except ValueError:
        return False


def looks_like_html(body: bytes, content_type: str = "") -> bool:
    """Whether a page came where data was asked for: by its type, or by how it begins."""
    return "html" in content_type.lower() or body[:64].lstrip().lower().startswith((b"<!doctype", b"<html", b"<head"))


def _unambiguous(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    table = dict(pairs)
    if len(table) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"an object has the key {twice[:50]!r} twice (RFC 8259 §4)")
    return table


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError("a number is beyond every double (RFC 8259 §6)")
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON (RFC 8259 §6)")


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_unambiguous)
"""As `json.loads` would make it anew for each document."""
