"""A GraphQL answer as plain data (GraphQL specification §7.1; GraphQL over HTTP; Hasura's error format)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.observation import Json

ERRORS_AT_MOST: Final = 20

Shape = Literal["graphql", "engine_error", "json", "list", "html", "empty", "other"]
"""`engine_error`: Hasura's own `{"path", "error", "code"}`, which it gives outside GraphQL; `list`: a JSON array, as a
batch is answered."""


@dataclass(frozen=True, slots=True)
class GraphqlError:
    """One entry of `errors`."""

    message: str
    code: str = ""
    """`extensions.code`: Hasura's and Apollo's error code."""
    path: str = ""
    """The response field, as `tasks[0].owner`; Hasura's `extensions.path` where the entry has none."""
    located: tuple[str | int, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """The entry as JSON-safe data."""
        return {"message": self.message, "code": self.code, "path": self.path}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a GraphQL endpoint gave."""

    shape: Shape
    data: Json = None
    errors: tuple[GraphqlError, ...] = ()
    raw_errors: Json = None
    """`errors` as they came, for expectations."""

    @property
    def data_present(self) -> bool:
        """Whether `data` is there, neither null nor empty: `{}` holds none of the fields that were asked for."""
        return self.data is not None and self.data != {}

    @property
    def given(self) -> bool:
        """Whether a root field has a value; `__typename` is none, which says nothing of the service's data."""
        values = self.data if isinstance(self.data, dict) else {}
        return any(value is not None for name, value in values.items() if name != "__typename")

    @property
    def partial(self) -> tuple[str, ...]:
        """Paths that are null because of an error while other data came: what a client would silently miss."""
        if not (self.errors and self.data_present):
            return ()
        by_path = [null_at(self.data, error.located) for error in self.errors if error.located]
        found = [path for path in by_path if path] or _null_roots(self.data)
        return tuple(dict.fromkeys(found))


def read(body: bytes, content_type: str = "") -> Answer:
    """The answer in `body`; never raises."""
    if not body.strip():
        return Answer("empty")
    document = strict_json.table(body)
    if document is None and strict_json.is_list(body):
        return Answer("list")
    if document is None:
        return Answer("html" if strict_json.looks_like_html(body, content_type) else "other")
    if _is_result(document):
        errors = document.get("errors")
        listed = errors if isinstance(errors, list) else [errors] if errors else []
        return Answer("graphql", document.get("data"), tuple(_error(item) for item in listed[:ERRORS_AT_MOST]), errors)
    if isinstance(document.get("error"), str) and isinstance(document.get("code"), str):
        return Answer("engine_error", errors=(_engine_error(document),))
    return Answer("json")


def rows(data: Json) -> str:
    """How much came, without any of it: `3 rows of tasks`, `1 value of me`; at most three fields."""
    if not isinstance(data, dict):
        return "a value"
    told = [
        f"{len(value)} rows of {name}" if isinstance(value, list) else f"1 value of {name}"
        for name, value in data.items()
        if value is not None
    ]
    return ", ".join(told[:3])[:200]


def show_path(path: tuple[str | int, ...]) -> str:
    """`tasks[0].owner` for `("tasks", 0, "owner")`, at most 200 characters."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")[:200]


def null_at(data: Json, path: tuple[str | int, ...]) -> str:
    """Where on the way to `path` the data ends in null (specification §6.4.4); empty where nowhere."""
    for depth, step in enumerate(path):
        if isinstance(data, dict) and isinstance(step, str):
            data = data.get(step)
        elif isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
            data = data[step]
        else:
            return ""
        if data is None:
            return show_path(path[: depth + 1])
    return ""


def _is_result(document: Mapping[str, Json]) -> bool:
    """A result has `data` (an object or null), or a list of `errors`; a REST envelope with a list in `data` is none."""
    if isinstance(document.get("errors"), list):
        return True
    return "data" in document and isinstance(document["data"], dict | None)


def _error(item: Json) -> GraphqlError:
    if not isinstance(item, dict):
        return GraphqlError("an error without a message")
    extensions = item.get("extensions")
    further: Mapping[str, Json] = extensions if isinstance(extensions, dict) else {}
    steps = item.get("path")
    located = tuple(step for step in steps[:50] if isinstance(step, str | int)) if isinstance(steps, list) else ()
    path = show_path(located) or _text(further.get("path"))[:200]
    return GraphqlError(
        _text(item.get("message")) or "an error without a message", _text(further.get("code")), path, located
    )


def _engine_error(document: Mapping[str, Json]) -> GraphqlError:
    return GraphqlError(_text(document.get("error")), _text(document.get("code")), _text(document.get("path")))


def _text(value: Json) -> str:
    return value[:1000] if isinstance(value, str) else ""


def _null_roots(data: Json) -> list[str]:
    return [key[:200] for key, value in data.items() if value is None] if isinstance(data, dict) else []
