"""pydantic's validation errors in our own words. pydantic keeps the input in them, so none is ever printed."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from pytest_prodcheck.config import grammar, keys
from pytest_prodcheck.config.key_path import KeyPath, has
from pytest_prodcheck.config.models import Model
from pytest_prodcheck.config.problems import REFERENCES_ONLY, Problems, nearest

_TYPES = {
    "string": "must be a string",
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "tuple": "must be a list",
    "list": "must be a list",
    "mapping": "must be a table",
    "dict": "must be a table",
    "model": "must be a table",
    "date": "must be a date",
}


def report(error: ValidationError, model: type[Model], table: Mapping[str, Any], path: KeyPath, into: Problems) -> None:
    """Adds one problem for each wrong key of `table`, which stands at `path` and is meant to be a `model`."""
    found: dict[KeyPath, tuple[Mapping[str, Any], object]] = {}
    details: list[Mapping[str, Any]] = [*error.errors(include_input=False, include_url=False)]
    for detail in sorted(details, key=lambda detail: detail["type"] != "value_error"):
        where, value = _written(tuple(detail["loc"]), table, missing=detail["type"] == "missing")
        found.setdefault(where, (detail, value))  # members of a union complain one by one; our own words come first
    for where, (detail, value) in found.items():
        if not any(other != where and other[: len(where)] == where for other in found):
            _report_one(detail["type"], detail, _Place(model, where, value, path), into)


class _Place:
    """Where in a table a problem is: the model and field that were expected there, and what stands there."""

    def __init__(self, model: type[Model], where: KeyPath, value: object, base: KeyPath) -> None:
        self.path, self.value = (*base, *where), value
        self.model, self.field = _expected(model, where)

    @property
    def key(self) -> str:
        return str(self.path[-1]) if self.path else ""

    @property
    def known(self) -> list[str]:
        return [info.alias or name for name, info in self.model.model_fields.items()]

    @property
    def example(self) -> str:
        fields = self.model.model_fields.items()
        name = next((info.alias or name for name, info in fields if info is self.field), self.key)
        return keys.example(self.model, name) if self.field else ""


def _report_one(kind: str, detail: Mapping[str, Any], place: _Place, into: Problems) -> None:
    if kind == "extra_forbidden":
        into.unknown_key(place.path, place.value, place.known, _nearest_example(place))
    elif kind == "missing":
        into.add(place.path[:-1], f"{place.key} is missing", place.example)
    else:
        into.add(place.path, _words(kind, detail, place), place.example)


def _nearest_example(place: _Place) -> str:
    found = difflib.get_close_matches(place.key, place.known, 1, 0.6)
    return keys.example(place.model, found[0]) if found else ""


def _words(kind: str, detail: Mapping[str, Any], place: _Place) -> str:
    if place.field is not None and _is_secret(place.field):
        return REFERENCES_ONLY
    if place.value is False:
        return "false removes an inherited key, and nothing is inherited here"
    if kind == "value_error":
        return _without_value(str(detail["ctx"]["error"]), place.value)
    if kind == "literal_error":
        return f"must be one of {detail['ctx']['expected']}" + _near_literal(detail["ctx"]["expected"], place.value)
    if kind in ("greater_than_equal", "less_than_equal"):
        return _bound(place.key, kind, detail["ctx"])
    if kind in ("string_too_short", "too_short"):
        return "must not be empty"
    return _TYPES.get(kind.split("_")[0], "is not of the right kind")


def _bound(key: str, kind: str, context: Mapping[str, Any]) -> str:
    if key == "confidence":
        return "must be between 50% and 99.99%"
    return f"must be at least {context['ge']}" if kind == "greater_than_equal" else f"must be at most {context['le']}"


def _near_literal(expected: str, value: object) -> str:
    found = nearest(str(value), expected.replace("'", "").replace(" or ", ", ").split(", "))
    return found if "did you mean" in found else ""


def _without_value(message: str, value: object) -> str:
    """The grammar's message; what was written is repeated only where it is a limit, and so cannot be a secret."""
    if not isinstance(value, str):
        return message
    harmless = _is_limit(value) or value.replace(".", "", 1).isdecimal()
    shortened = message if harmless else message.replace(f": {value!r}", "")
    if harmless or not value.strip() or value.strip() not in shortened:
        return shortened
    return "is not written in the grammar of limits"


def _is_limit(value: str) -> bool:
    """Whether it is written as a limit, be it one of a share that there is not (`< 150%`)."""
    try:
        return grammar.comparison(value) is not None
    except ValueError:
        return True


def _written(location: KeyPath, table: Any, *, missing: bool) -> tuple[KeyPath, object]:
    """The part of pydantic's location that is written in the file (without names of union members), and its value."""
    path: KeyPath = ()
    node = table
    for position, step in enumerate(location):
        if has(node, step):
            node = node[step]
        elif not (missing and position == len(location) - 1):
            continue
        path = (*path, step)
    return path, node


def _expected(model: type[BaseModel], where: KeyPath) -> tuple[type[BaseModel], FieldInfo | None]:
    """The innermost model that `where` leads to, and the field there; None where it has no such field."""
    field: FieldInfo | None = None
    steps = list(where)
    while steps:
        key = steps.pop(0)
        inner = _models(field.annotation) if field else [model]
        if field is not None:
            if not inner:
                return model, field
            model = inner[0]
            if _is_mapping(field.annotation) or isinstance(key, int):
                field = None
                if not steps:
                    return model, None
                key = steps.pop(0)
        field = next((info for name, info in model.model_fields.items() if key in (name, info.alias)), None)
        if field is None:
            return model, None
    return model, field


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that an annotation mentions, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in typing.get_args(annotation) for model in _models(argument)]


def _is_mapping(annotation: Any) -> bool:
    origin = typing.get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_secret(field: FieldInfo) -> bool:
    return any("secret" in extra for extra in _schema_extras(field.annotation)) or any(
        "secret" in extra for extra in _schema_extras_of(field.metadata)
    )


def _schema_extras(annotation: Any) -> Iterator[Mapping[str, Any]]:
    yield from _schema_extras_of(getattr(annotation, "__metadata__", ()))
    for argument in typing.get_args(annotation):
        yield from _schema_extras(argument)


def _schema_extras_of(metadata: typing.Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    for item in metadata:
        if isinstance(item, FieldInfo) and isinstance(item.json_schema_extra, dict):
            yield item.json_schema_extra
