"""What interface.md promises and this version cannot judge: refused, because an unjudged promise is a false green."""

from __future__ import annotations

from typing import Any

from pytest_prodcheck.config.merge import REMOVED, RawTarget
from pytest_prodcheck.config.models import ADDRESS_KEYS
from pytest_prodcheck.config.problems import Problems

TABLES = ("cluster", "logs", "cache", "websocket", "load", "containers", "notify")
_REVISIONS = ("image", "argocd")


def take_tables(environment: dict[str, Any], problems: Problems) -> None:
    """Takes the tables of later versions out of a merged environment, and adds a problem for each."""
    for key in [key for key in TABLES if key in environment]:
        if environment.pop(key) is not REMOVED:
            problems.add((key,), _words(key))
    if environment.get("revision") in _REVISIONS:
        problems.add(("revision",), _words("a revision from the cluster"), 'revision = { path = "/api/version" }')
        del environment["revision"]


def take_keys(target: RawTarget, problems: Problems) -> None:
    """Takes what a later version will judge out of a target's table, and adds a problem for each."""
    for key in ADDRESS_KEYS[target.kind]:
        if str(target.table.get(key, "")).startswith("container:"):
            problems.add((*target.path, key), _words("container: references"))


def _words(what: str) -> str:
    return (
        f"this version cannot judge {what} yet, and a promise that is not judged would be a false green: leave it out"
    )
