"""The kinds of values in `prodcheck.toml`: durations, rates, limits, names, references. Strict: nothing is guessed."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.source import Source


def one_or_many(value: object) -> object:
    """A tuple of one where a single thing stands for a list."""
    return (value,) if isinstance(value, str | int) and not isinstance(value, bool) else value


def _latency(text: str) -> str:
    return grammar.latency_limit(text).text


def _rate(text: str) -> str:
    return grammar.rate_limit(text).text


def _lifetime(text: str) -> str:
    limit = grammar.comparison(text)
    if limit is None or limit.subject or limit.unit != "s":
        raise ValueError(f"not a comparison with a duration: {text!r}; write it like '<= 10m'")
    return text


def _usage(text: str) -> str:
    limit = grammar.comparison(text)
    if limit is None or limit.subject or limit.unit not in ("%", "") or limit.operator not in ("<", "<="):
        raise ValueError(f"not a comparison with a share or a number: {text!r}; write it like '< 80%' or '<= 50'")
    return text


def _age(text: str) -> str:
    limit = grammar.comparison(text)
    if limit is None or limit.subject or limit.unit != "s" or limit.operator not in ("<", "<="):
        raise ValueError(f"not a limit with a duration: {text!r}; write it like '< 5m'")
    return text


def _part(text: str) -> str:
    limit = grammar.comparison(text)
    if limit is None or limit.subject or limit.unit != "%" or limit.operator not in (">", ">="):
        raise ValueError(f"not a lower limit of a share: {text!r}; write it like '> 90%'")
    return text


def _number(text: str) -> str:
    limit = grammar.comparison(text)
    if limit is None or limit.subject or limit.unit:
        raise ValueError(f"not a comparison with a number: {text!r}; write it like '< 1000'")
    return text


def _version(text: str) -> str:
    if not _VERSION.fullmatch(text):
        raise ValueError(f"not a comparison with a version: {text!r}; write it like '>= 7.2'")
    return text


def _size(text: str) -> str:
    grammar.size_limit(text)
    return text


def _reference(text: str) -> str:
    if not _WHOLLY_REFERENCES.fullmatch(text):
        raise ValueError('secrets are references: write "env:NAME" or "file:path", never the value itself')
    return text


def _no_cleanup(text: str) -> str:
    if not _NO_CLEANUP.fullmatch(text):
        raise ValueError('a cleanup is a request, or "none: " with the reason why nothing has to be cleaned up')
    return text


def _seconds(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str):
        return grammar.duration(value)
    return _with_unit(value, info, "a duration needs a unit: write it like '500ms', '2s', '3m' or '14d'")


def _share(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str):
        return grammar.percent(value)
    return _with_unit(value, info, "a rate needs its unit: write it like '1%' or '99.5%'")


def _with_unit(value: object, info: ValidationInfo, message: str) -> object:
    if isinstance(info.context, Source):  # python code says seconds and shares; a file must say the unit
        raise ValueError(message)  # noqa: TRY004  # pydantic turns only ValueError into a problem of the key
    return value


_WHOLLY_REFERENCES = compiled(
    r"(?:(?:env|demo):[A-Za-z_][A-Za-z0-9_.-]*|(?:file|cmd):.*\S.*|(?:\{(?:env|file|demo):[^{}]+\})+)"
)
_NO_CLEANUP = compiled(r"none:\s*\S.*", re.DOTALL)
_VERSION = compiled(r"(?:<=|>=|<|>|==)\s*\d+(?:\.\d+){0,3}")
_TEXT_IN_TOML: dict[str, Any] = {"type": "string"}

Count = Annotated[int, Field(strict=True, ge=1)]
Flag = Annotated[bool, Field(strict=True)]
Seconds = Annotated[float, BeforeValidator(_seconds), Field(ge=0, json_schema_extra=_TEXT_IN_TOML)]
Share = Annotated[float, BeforeValidator(_share), Field(json_schema_extra=_TEXT_IN_TOML)]
LatencyLimit = Annotated[str, AfterValidator(_latency)]
NoCleanup = Annotated[str, AfterValidator(_no_cleanup)]
RateLimit = Annotated[str, AfterValidator(_rate)]
LifetimeLimit = Annotated[str, AfterValidator(_lifetime)]
UsageLimit = Annotated[str, AfterValidator(_usage)]
AgeLimit = Annotated[str, AfterValidator(_age)]
ShareLimit = Annotated[str, AfterValidator(_part)]
NumberLimit = Annotated[str, AfterValidator(_number)]
SizeLimit = Annotated[str, AfterValidator(_size)]
VersionLimit = Annotated[str, AfterValidator(_version)]
NotJudged = Literal[False]
"""In the place of a limit: it is not judged, on purpose."""
Limits = Annotated[tuple[LatencyLimit, ...], BeforeValidator(one_or_many)]
Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(one_or_many)]
Forgery = Literal[
    "none", "expired", "audience", "alg_none", "hs256_public_key", "unknown_kid", "embedded_key", "tampered",
    "signature", "role",
]  # fmt: skip
"""What a caller may show instead of a good token: none at all, a genuine one that is over or for somebody else, one
that is not signed, one signed with the public key as if it were a secret, with a key that nobody published, or with one
that it brings along, one with other claims or another signature than the good one's; a good one, and another role."""
Forgeries = Annotated[tuple[Forgery, ...], BeforeValidator(one_or_many)]
Status = Annotated[int, Field(strict=True, ge=100, le=599)]
Statuses = Annotated[tuple[Status, ...], BeforeValidator(one_or_many)]
Secret = Annotated[str, AfterValidator(_reference), Field(json_schema_extra={"secret": True})]
Hidden = Field(repr=False)
"""Marks a field that may hold a credential after `config.references` filled it in: it is not in any `repr`."""
HiddenSecret = Annotated[Secret | None, Hidden]
Name = Annotated[str, Field(min_length=1)]
Severity = Literal["error", "warning"]
