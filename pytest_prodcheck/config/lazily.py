"""Regular expressions that are compiled when they are first used.

A run uses few of the many that its modules hold, and compiling one costs as much as judging a check: all of them at
import took a tenth of the gate's start.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, Generic, cast


def compiled(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """The pattern of `text`; as `re.compile`, whose errors come on first use."""
    return cast("re.Pattern[AnyStr]", _Lazy(text, flags))


class _Lazy(Generic[AnyStr]):
    """Stands for a pattern; each of its methods becomes an attribute of its own when it was asked for once."""

    def __init__(self, text: AnyStr, flags: int) -> None:
        self._text: AnyStr = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(re.compile(self._text, self._flags), name)  # `re` keeps what it compiled
        setattr(self, name, value)
        return value
