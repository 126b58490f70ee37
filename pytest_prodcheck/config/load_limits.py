"""Limits of load: what may be promised of many requests together (`"p95 < 500ms"`, `"errors < 1%"`)."""

from __future__ import annotations

import re
from functools import lru_cache

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.grammar import Comparison

_LIMIT = re.compile(r"(p\d{1,2}(?:\.\d+)?|mean|max|errors|throughput|bytes)\s*(<=|>=|<|>)\s*(.+)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*/\s*(s|m)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|MB|GB)")
_EXAMPLES = "'p95 < 500ms', 'mean < 200ms', 'max < 5s', 'errors < 1%', 'throughput > 100/s' or 'bytes < 1MB'"


@lru_cache(maxsize=256)
def load_limit(text: str) -> Comparison:
    """A limit of load. The subject is a quantile (`p50` to `p99.9`), `mean` or `max` (seconds), `errors` (a share),
    `throughput` (requests a second that ended) or `bytes` (mean bytes of an answer; 1 kB is 1024 B).

    Raises ValueError with an example.
    """
    found = _LIMIT.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        raise ValueError(f"not a limit of load: {text!r}; write it like {_EXAMPLES}")
    subject, operator, value = found[1], found[2], found[3].strip()
    below = operator in ("<", "<=")
    if subject == "throughput":
        return Comparison(operator, _throughput(text, value, below), "", subject, text.strip())  # type: ignore[arg-type]
    if not below:
        raise ValueError(f"{subject} has an upper limit: {text!r}; write it like {_EXAMPLES}")
    if subject == "errors":
        return Comparison(operator, _errors(text, value), "%", subject, text.strip())  # type: ignore[arg-type]
    if subject == "bytes":
        return Comparison(operator, _bytes(text, value), "", subject, text.strip())  # type: ignore[arg-type]
    seconds = grammar.duration(value)
    if seconds <= 0:
        raise ValueError(f"a latency limit is greater than 0: {text!r}")
    if subject.startswith("p") and not 0 < float(subject[1:]) < 100:
        raise ValueError(f"a quantile lies between p1 and p99.9, not {subject}")
    return Comparison(operator, seconds, "s", subject, text.strip())  # type: ignore[arg-type]


def _throughput(text: str, value: str, below: bool) -> float:
    rate = _RATE.fullmatch(value)
    if not rate or below or not float(rate[1]):
        raise ValueError(f"not a limit of throughput: {text!r}; write it like 'throughput > 100/s'")
    return float(rate[1]) / (60 if rate[2] == "m" else 1)


def _errors(text: str, value: str) -> float:
    share = grammar.percent(value)
    if not 0 < share < 1:
        raise ValueError(f"an error rate lies between 0% and 100%: {text!r}; write it like 'errors < 1%'")
    return share


def _bytes(text: str, value: str) -> float:
    size = _SIZE.fullmatch(value)
    if not size or not float(size[1]):
        raise ValueError(f"not a limit of bytes: {text!r}; write it like 'bytes < 1MB'")
    unit: int = 1024 ** ("B", "kB", "MB", "GB").index(size[2])
    return float(size[1]) * unit


@lru_cache(maxsize=64)
def abort_limit(text: str) -> Comparison:
    """A limit that stops the load when the last second passes it: `errors`, a quantile or `max`. Raises ValueError."""
    limit = load_limit(text)
    if limit.subject in ("mean", "throughput", "bytes"):
        raise ValueError(f"load is aborted by errors or a quantile, not by {limit.subject}: write 'errors > 50%'")
    return limit
