"""Whether a cache answered with something old in place of the origin (RFC 9111 §4.2, RFC 7234 §5.5, RFC 9211)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_prodcheck.config.lazily import compiled

OLDEST = 3600
"""Seconds of `Age` beyond which an answer without a longer freshness of its own is old."""
_CACHE_STATES = ("x-cache", "x-cache-status", "cf-cache-status", "x-proxy-cache", "x-vercel-cache", "x-drupal-cache")
_TELLING = frozenset({"age", "warning", "cache-status", *_CACHE_STATES})
"""Without any of them, nothing says how old the answer is."""
_FRESH_FOR = compiled(r"\b(s-maxage|max-age)=(\d{1,10})")


def why_stale(headers: Mapping[str, str]) -> str:
    """Why the answer is an old one, in words (`answer is 24 h old (Age)`); empty where nothing says so.

    `Age` alone says it only beyond an hour and beyond the freshness that the answer's own Cache-Control grants: a
    year-old asset that may be cached for a year is fresh.
    """
    if _TELLING.isdisjoint(headers):
        return ""
    age = _age(headers)
    old = f"answer is {_hours(age)} old (Age)" if age else "answer comes from a cache"
    if re.match(r"11[01]\b", headers.get("warning", "")):
        return f"{old}, origin not reached (Warning: {headers['warning'][:3]})"
    for name in _CACHE_STATES:
        if re.search(r"\bstale\b", headers.get(name, ""), re.IGNORECASE):
            return f"{old}, origin not reached ({name}: STALE)"
    if re.search(r"ttl=-\d", headers.get("cache-status", "")):
        return f"{old}, past its freshness (Cache-Status)"
    return f"{old}, origin not reached" if age > max(OLDEST, _fresh_for(headers)) else ""


def _age(headers: Mapping[str, str]) -> int:
    text = headers.get("age", "").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) else 0


def _fresh_for(headers: Mapping[str, str]) -> int:
    found: dict[str, str] = dict(_FRESH_FOR.findall(headers.get("cache-control", "").lower()))
    return int(found.get("s-maxage", found.get("max-age", "0")))


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:.3g} h" if seconds >= 3600 else f"{seconds} s"
