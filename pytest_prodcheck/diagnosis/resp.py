"""What a Redis or Valkey says in an error → cause code.

Sources: redis `src/server.c` (shared objects, `processCommand`), `src/acl.c`, `src/networking.c`, `src/cluster.c`;
valkey has the same words. facts.md §11: redis-py drops the code words, so they are read before it parses them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "NOAUTH": "cache.auth.required",
    "WRONGPASS": "cache.auth.rejected",
    "NOPERM": "cache.auth.not_permitted",
    "DENIED": "cache.auth.protected_mode",
    "LOADING": "cache.server.loading",
    "BUSY": "cache.server.busy",
    "READONLY": "cache.server.read_only_replica",
    "MASTERDOWN": "cache.server.primary_down",
    "OOM": "cache.memory.full",
    "MISCONF": "cache.persistence.failed",
    "NOREPLICAS": "cache.replication.too_few",
    "CLUSTERDOWN": "cache.cluster.down",
    "MOVED": "cache.cluster.not_declared",
    "UNKNOWN_SERVICE": "cache.sentinel.unknown_service",
}
"""Code words."""

TEXTS: tuple[tuple[str, str], ...] = (
    (r"max number of clients reached", "cache.clients.limit_reached"),
    (r"without any password configured|no password is set", "cache.auth.not_configured"),
    (r"invalid password|invalid username-password", "cache.auth.rejected"),
    (r"operation not permitted|Authentication required|must be called with the client already authenticated",
     "cache.auth.required"),
    (r"DB index is out of range|invalid DB index|SELECT is not allowed", "cache.database_index.wrong"),
    (r"unknown command", "cache.auth.not_permitted"),
)  # fmt: skip
"""What stands behind a bare ERR."""


def classify(word: str, text: str = "") -> str:
    """The cause code of an error; `unknown` where nothing fits."""
    if word in WORDS:
        return WORDS[word]
    return next((code for pattern, code in TEXTS if re.search(pattern, text, re.IGNORECASE)), "unknown")
