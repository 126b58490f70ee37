"""Which resolved values are secret, and which of those can be replaced in a report without wrecking it."""

from __future__ import annotations

import base64
import binascii
import re

from pytest_prodcheck.config import address
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import Environment
from pytest_prodcheck.config.redaction.weakness import weakness

_SECRET_KEYS = frozenset(
    {"client_secret", "client_key", "password", "refresh_token", "token", "secret", "admin_secret", "sentinel_password"}
)
_DOCUMENTS = frozenset({"headers", "json", "form", "query", "text", "send", "first", "cleanup"})
_IDENTITY = compiled(r"user|email|e-mail|login|client[-_]?id|name", re.IGNORECASE)
_URL_KEYS = frozenset({"url", "issuer", "jwks_url", "proxy"})
_SCHEME = compiled(r"(Bearer|Basic|Token|Digest|ApiKey|DPoP)\s+(\S+)", re.IGNORECASE)
_COOKIE = compiled(r"[^=;\s]+=([^;\s]+)")


def is_secret(path: KeyPath) -> bool:
    """Whether a value at `path` is to be scrubbed as a whole, or holds a password that is."""
    return bool(_is_dsn(path) or _is_whole_secret(path))


def secrets(reference: str, value: str, path: KeyPath) -> list[tuple[str, str]]:
    """(reference, secret) of everything to scrub from a value that stands at `path`: whole credentials; of DSNs and
    URLs only the password, in both spellings; of headers also what follows the scheme, and each cookie."""
    found = list(address.passwords(value)) if _is_dsn(path) or "://" in value else []
    if path[0] == "websocket" and path[-1] == "url":
        found += address.credentials_in_query(value)
    if _is_whole_secret(path):
        found.append(value)
        if "headers" in path:
            found += _parts_of_header(value, str(path[-1]))
    return [(reference, secret) for secret in dict.fromkeys(found) if secret]


def _is_dsn(path: KeyPath) -> bool:
    return (path[0] == "database" and (path[-1] == "dsn" or "logins" in path)) or _is_redis_url(path)


def _is_redis_url(path: KeyPath) -> bool:
    return path[0] == "cache" and (path[-1] == "url" or "logins" in path)


def _is_whole_secret(path: KeyPath) -> bool:
    last = next((key for key in reversed(path) if isinstance(key, str)), "")
    if not _DOCUMENTS.isdisjoint(path[:-1]) or path[-1] == "text":
        return "headers" in path or not _IDENTITY.search(last)
    return (last in _SECRET_KEYS or "specimens" in path[:-1]) and path[0] not in ("revision", "accepted")


def _parts_of_header(value: str, name: str) -> list[str]:
    if name.lower() == "cookie":
        return _COOKIE.findall(value)
    found = _SCHEME.fullmatch(value)
    if not found:
        return []
    return [found[2], *(_basic_password(found[2]) if found[1].lower() == "basic" else [])]


def _basic_password(credentials: str) -> list[str]:
    try:
        return [base64.b64decode(credentials, validate=True).decode().partition(":")[2]]
    except (binascii.Error, UnicodeDecodeError):
        return []


def length_class(value: str) -> str:
    """How long a value is, coarsely: enough to see a truncated or doubled one, too little to guess it."""
    for limit, words in ((8, "under 8"), (16, "8 to 15"), (32, "16 to 31"), (64, "32 to 63")):
        if len(value) < limit:
            return f"{words} characters"
    return "64 characters or more"


def address_problem(value: str, path: KeyPath) -> str:
    """What is wrong with a resolved DSN or URL, without any part of it; empty where nothing is."""
    if _is_redis_url(path):
        return address.redis_problem(value)
    if _is_dsn(path):
        return address.dsn_problem(value)
    if path[0] == "websocket" and path[-1] == "url":
        return address.url_problem(value, ("ws", "wss"))
    if path[-1] in _URL_KEYS and len(path) <= 3:
        return address.address_problem(value, path[-1])
    return ""


def split(
    secrets: tuple[tuple[str, str], ...], environment: Environment
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """The secrets that can be scrubbed, and a warning for each that cannot: too short, or a word of the report."""
    kept, warnings = [], []
    names = _names(environment)
    for reference, value in secrets:
        if warning := weakness(value, reference, names):
            warnings.append(warning)
        else:
            kept.append((reference, value))
    return tuple(kept), tuple(dict.fromkeys(warnings))


def _names(environment: Environment) -> frozenset[str]:
    """The words that this environment itself brings into a report."""
    words = [environment.name, environment.kind, *environment.users, *environment.targets]
    for target in environment.targets.values():
        for key in ("endpoints", "queries", "logins", "tables"):
            words += list(getattr(target, key, None) or ())
    return frozenset(part.lower() for word in words for part in (word, *re.split(r"[^A-Za-z0-9]+", word)))
