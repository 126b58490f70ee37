"""Texts of errors, bounded: what a target or a scenario says is not repeated at length."""

from __future__ import annotations

MOST = 200


def shortened(text: str) -> str:
    """One line without control characters, at most 200 characters."""
    plain = "".join(character if character.isprintable() else " " for character in text[: 4 * MOST])
    return " ".join(plain.split())[:MOST]
