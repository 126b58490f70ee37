"""The corpus of leaks (leaks.yaml), and what of a secret is left in a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Leak:
    """One case of leaks.yaml: the value, the pieces that are secret, and the name of its reference."""

    id: str
    value: str
    needles: tuple[str, ...]
    reference: str


def leaks() -> list[Leak]:
    """All cases; a value that cannot be scrubbed (too short, a common word) is among them."""
    entries = yaml.safe_load((Path(__file__).parent / "leaks.yaml").read_text(encoding="utf-8"))
    found = []
    for entry in entries:
        secret = entry["secret"]
        value = "".join(secret["parts"])
        found.append(Leak(entry["id"], value, tuple(secret.get("needles", [value])), secret["reference"]))
    return found


def leftovers(text: str, secret: str) -> list[str]:
    """The pieces of six characters of `secret` that a scrubbed text still shows, whatever their case or line breaks."""
    shown = "".join(re.sub(r"\[redacted[^\]]*\]", "|", text).split()).casefold()
    folded = "".join(secret.split()).casefold()
    return [folded[start : start + 6] for start in range(len(folded) - 5) if folded[start : start + 6] in shown]
