"""Names as ids of checks: what can stand in a node id, a shell and a URL without quoting."""

from __future__ import annotations

import re


def slug(name: str, *, keep_case: bool = False) -> str:
    """`[a-z0-9-]` from a name: `API health` → `api-health`. With `keep_case`, GraphQL names stay as they are spelled
    (`TasksByUser`, `_id`). Empty where no such character is in the name."""
    plain = name if name.isascii() else _plain(name)
    if keep_case:
        return re.sub(r"[^A-Za-z0-9_]+", "-", plain).strip("-")
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _plain(name: str) -> str:
    import unicodedata

    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()


def check_id(target: str, name: str) -> str:
    """The id of a named thing of a target: `health` of `http` → `health`, `tasks` of `http.app` → `app-tasks`."""
    member = target.partition(".")[2]
    return f"{slug(member)}-{slug(name)}" if member and slug(name) else slug(name)
