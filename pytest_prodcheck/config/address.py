"""URLs and PostgreSQL DSNs: their passwords and what is wrong with them, said without repeating any of it."""

from __future__ import annotations

import re
from urllib.parse import unquote, unquote_plus

from pytest_prodcheck.config.lazily import compiled

_URL = compiled(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_BAD_ESCAPE = compiled(r"%(?![0-9A-Fa-f]{2})")
_WORD = compiled(r"(?P<name>\w+)\s*=\s*(?P<value>'(?:\\.|[^'\\])*'|(?:\\.|[^\s\\'])*)\s*")
_PASSWORD_WORD = compiled(r"(?:^|\s)(?:ssl)?password\s*=\s*('(?:\\.|[^'\\])*'|\S+)", re.IGNORECASE)
_PATH_BEGINS = compiled(r"[^:/?#@]*(?::\d*)?[/?#]")
_PASSWORD_PARAMETER = compiled(r"[?&](?:ssl)?password=([^&#]+)", re.IGNORECASE)
_HOST = compiled(r"(?:\[[0-9A-Fa-f:.%]+\]|[^\s:@\[\]]*)(?::(?P<port>.*))?", re.DOTALL)

ESCAPE = "invalid percent escape"
UNENCODED = "special characters must be percent-encoded"


def password(text: str) -> str:
    """The password of a URL (`scheme://user:password@host`, or a parameter) or a keyword DSN, as written; or empty."""
    if found := _URL.match(text):
        user, at, _ = found["rest"].rpartition("@")
        secret = user.partition(":")[2] if at and not _PATH_BEGINS.match(user) else ""
        parameter = _PASSWORD_PARAMETER.search(found["rest"])
        return secret or (parameter[1] if parameter else "")
    word = _PASSWORD_WORD.search(text)
    return word[1].removeprefix("'").removesuffix("'") if word else ""


def passwords(text: str) -> tuple[str, ...]:
    """The password of `text` in both spellings: percent-encoded as written, and decoded. Empty where it has none."""
    secret = password(text)
    decoded = unquote(secret) if _URL.match(text) else re.sub(r"\\(.)", r"\1", secret)
    return tuple(dict.fromkeys(form for form in (secret, decoded) if form))


def credentials_in_query(text: str) -> list[str]:
    """The values of a URL's parameters, as written and decoded: each may be a token (`?token=…`)."""
    query = text.partition("?")[2].partition("#")[0]
    values = [part.partition("=")[2] for part in query.split("&")]
    return [form for value in values if value for form in dict.fromkeys((value, unquote_plus(value)))]


def url_problem(text: str, schemes: tuple[str, ...] = ("http", "https")) -> str:
    """What is wrong with a URL; empty where nothing is. RFC 3986 §3."""
    found = _URL.fullmatch(text)
    if not found:
        return f"not a URL; it begins with {schemes[-1]}://"
    if found["scheme"].lower() not in schemes:
        return f"the scheme is not {' or '.join(schemes)}"
    return _authority_problem(found["rest"], host_needed=True)


def address_problem(text: str, key: str) -> str:
    """What is wrong with the URL at a key: `proxy` wants an http:// one, because no other kind is spoken to."""
    return url_problem(text, ("http",) if key == "proxy" else ("http", "https"))


REDIS = ("redis", "rediss", "valkey", "valkeys")
"""Schemes of a Redis URL; those with an s at their end are TLS."""


def redis_problem(text: str) -> str:
    """What is wrong with a Redis URL; empty where nothing is. IANA "redis" and "rediss"; several hosts by commas."""
    found = _URL.fullmatch(text)
    if not found:
        return "not a URL; it begins with redis:// or rediss://"
    if found["scheme"].lower() not in REDIS:
        return "the scheme is not redis or rediss"
    problem = _authority_problem(found["rest"], host_needed=True)
    database = re.split(r"[?#]", found["rest"], maxsplit=1)[0].partition("/")[2]
    if not problem and database and not re.fullmatch(r"\d{1,5}", database):
        return f"the path is no number of a database, or {UNENCODED}"
    return problem


def dsn_problem(text: str) -> str:
    """What is wrong with a PostgreSQL DSN, URI or keywords; empty where nothing is. libpq, "Connection Strings"."""
    found = _URL.fullmatch(text)
    if not found:
        return _keyword_problem(text)
    if found["scheme"].partition("+")[0].lower() not in ("postgresql", "postgres"):
        return "the scheme is not postgresql"
    return _authority_problem(found["rest"], host_needed=False)


def _keyword_problem(text: str) -> str:
    at = len(text) - len(text.lstrip())
    if not text.strip():
        return "is empty"
    while at < len(text):
        word = _WORD.match(text, at)
        if not word:
            return "not a DSN: write postgresql://user@host/database, or keyword=value pairs (quote values with spaces)"
        at = word.end()
    return ""


def _authority_problem(rest: str, *, host_needed: bool) -> str:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    beyond = rest[len(authority) :]
    if _BAD_ESCAPE.search(rest):
        return ESCAPE
    user, at, hosts = authority.rpartition("@")
    cut_password = not at and ":" in authority and "@" in beyond and not (host_needed and _PATH_BEGINS.match(rest))
    if "@" in user or ":" in user.partition(":")[2] or cut_password or re.search(r"\s", user):
        return UNENCODED
    matches = [_HOST.fullmatch(host) for host in hosts.split(",")]
    if any(match is None or not (match["port"] or "0").isdecimal() for match in matches):
        return f"the port is not a number, or {UNENCODED}"
    if any(match and int(match["port"] or 0) > 65535 for match in matches):
        return "the port is greater than 65535"
    return "the host is missing" if host_needed and not hosts.partition(":")[0] else ""
