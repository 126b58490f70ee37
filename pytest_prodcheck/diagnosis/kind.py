"""What the project knows of one cause, and how its texts are filled in from data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PLACE = re.compile(r"(?<![%\w])\{([a-z]\w*)\}")


@dataclass(frozen=True, slots=True)
class CauseKind:
    """One row of the cause table. `says`, `remedy` and `next` are templates: `{host}`, `{user}`, `{table}` …"""

    code: str
    means: str
    """What the code stands for, whatever the data."""
    says: str
    """What broke, to be filled in."""
    remedy: str
    """What to do; changes are the reader's to make, never ours."""
    next: str
    """The next command to type: it only reads."""

    @property
    def layer(self) -> str:
        """The layer of the fault: the first part of the code."""
        return self.code.split(".")[0]


def fill(template: str, data: Mapping[str, Any], *, command: bool = False) -> str:
    """`template` with its places filled from `data`; a missing one reads `the host` in prose, `HOST` in a command."""

    def value(place: re.Match[str]) -> str:
        known = data.get(place[1])
        if known not in (None, ""):
            return str(known)
        return place[1].upper() if command else f"the {place[1].replace('_', ' ')}"

    return _PLACE.sub(value, template)


def missing(template: str, data: Mapping[str, Any]) -> bool:
    """Whether a place of `template` has no value in `data`."""
    return any(data.get(name) in (None, "") for name in _PLACE.findall(template))
