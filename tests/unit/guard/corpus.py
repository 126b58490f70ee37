"""The cases of `read_only_attacks.yaml`, and what judges them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "read_only_attacks.yaml").read_text())


def of(surface: str, *expected: str) -> list[dict[str, Any]]:
    """The cases of one surface with one of these expectations."""
    return [case for case in CASES if case["surface"] == surface and case["expected"] in expected]


def gist(message: str) -> list[str]:
    """The parts of a case's message that ours must have: notes in brackets left out."""
    plain = re.sub(r" \((?:shown|after|line)[^)]*\)", "", message)
    return [part.strip() for part in plain.split(";")]
