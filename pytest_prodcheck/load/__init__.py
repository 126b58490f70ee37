"""The load engine: ordinary Locust in a process of its own, with exact samples. The gate never imports Locust.

For Locust files there are `QuickUser`, and the shipped scenarios `Reads` and `Sessions` to subclass.
"""

from __future__ import annotations

from importlib import import_module

_HOMES = {"QuickUser": "quick", "QuickClient": "quick", "Reads": "shipped", "Sessions": "shipped", "headers": "users"}


def __getattr__(name: str) -> object:
    """What Locust files import; loaded in Locust's own processes only, for it imports Locust."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
