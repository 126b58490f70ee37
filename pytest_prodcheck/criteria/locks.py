"""A statement that waited for a lock: who holds it, and whether that session does nothing meanwhile (R15)."""

from __future__ import annotations

from collections.abc import Mapping

IDLE, HELD = "database.lock.idle_in_transaction", "database.lock.contention"


def told(found: object) -> tuple[str, str, Mapping[str, object]] | None:
    """Cause code, words and facts of the oldest lock among those that `targets.database.locks` found; None for none."""
    if not isinstance(found, list) or not found:
        return None
    first: Mapping[str, object] = found[0]
    idle = str(first["state"]).startswith("idle in transaction")
    who = f"pid {first['pid']}" + (f" ({first['application']})" if first["application"] else "")
    what = f"is idle in transaction for {first['seconds']} s and holds" if idle else "holds"
    facts = {name: first[name] for name in ("pid", "application", "table", "seconds")}
    return IDLE if idle else HELD, f"{who} {what} a lock on {first['table']}", facts
