"""What a run asks of and tells to whoever started it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from pytest_prodcheck.observe.load import Live


class Hooks(NamedTuple):
    """All may be left out."""

    stopped: Callable[[], str] = lambda: ""
    """Why the run must end now (Ctrl-C, the deadline); empty while it may go on."""
    red: Callable[[], str] = lambda: ""
    """Which other target turned red; empty while all are well."""
    live: Callable[[Live], None] = lambda _: None
    """Takes the figures of the last second, about once a second."""
    credentials: Callable[[], Mapping[str, Mapping[str, str]]] | None = None
    """Credentials that are valid now; asked once a minute."""
    clean: Callable[[str], str] = lambda text: text
    """Takes secrets out of what a scenario or a target said."""
