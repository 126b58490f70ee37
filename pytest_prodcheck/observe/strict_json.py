"""JSON as RFC 8259 has it, read from what a target says: bounded, and without Python's own extensions."""

from __future__ import annotations

import json
from typing import NoReturn

from pytest_prodcheck.observe.observation import Json

LIMIT = 4 * 1024 * 1024
"""Bytes that are read as one document at most."""


def parse(body: bytes | str) -> Json:
    """The document in `body`. Raises ValueError for anything else: HTML, nothing, more than `LIMIT`, `NaN`, a nesting
    that is too deep to read, bytes that are not UTF-8."""
    if len(body) > LIMIT:
        raise ValueError(f"more than {LIMIT} bytes")
    try:
        document: Json = json.loads(body, parse_constant=_refuse)
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


def looks_like_html(body: bytes, content_type: str = "") -> bool:
    """Whether a page came where data was asked for: by its type, or by how it begins."""
    return "html" in content_type.lower() or body[:64].lstrip().lower().startswith((b"<!doctype", b"<html", b"<head"))


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON (RFC 8259 §6)")
