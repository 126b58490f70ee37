"""What health endpoints speak of: which paths are health's, and of which layer a component's name is."""

from __future__ import annotations

import re
from collections.abc import Mapping

_HEALTH = re.compile(r"(?<![a-z])(?:health|ready|live)(?:z|y|ness|checks?)?(?![a-z])", re.IGNORECASE)
_LAYERS: Mapping[str, re.Pattern[str]] = {
    "database": re.compile(
        r"(?<![a-z])(db|database|datasource|pg|postgres\w*|mysql|sql|prisma)(?![a-z])", re.IGNORECASE
    ),
    "auth": re.compile(r"(?<![a-z])(auth\w*|identity\w*|idp|oidc|sso|keycloak|jwks|issuer)(?![a-z])", re.IGNORECASE),
    "cache": re.compile(r"(?<![a-z])(cache|redis|valkey|memcached)(?![a-z])", re.IGNORECASE),
}


def speaks_of_health(*names: object) -> bool:
    """Whether an operation, a path or an endpoint's name says health, ready or live as a word of its own."""
    return any(_HEALTH.search(str(name)) for name in names)


def layers_named(message: str) -> frozenset[str]:
    """The layers of the components that a finding about a health document names, its `GET /path: ` left out."""
    said = message.partition(": ")[2] or message
    return frozenset(layer for layer, words in _LAYERS.items() if words.search(said))
