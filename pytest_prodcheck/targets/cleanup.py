"""The request that undoes a declared write, filled with what the write's answer says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import Cleanup
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.observation import Observation

_PLACE = compiled(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")
_PLAIN = compiled(r"[A-Za-z0-9_][A-Za-z0-9._~@:=+-]{0,199}")
"""Identifiers. A server that answers `../users/1` does not choose what we delete."""


class Unfilled(Exception):
    """The write's answer does not say what `name` is, in a form that can be sent."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


def due(written: Observation) -> bool:
    """Whether a write may have left something: it was answered, and not refused, or its answer came too late."""
    if written.status is None:
        return written.error == "timeout"
    return not 400 <= written.status < 500


def filled(cleanup: Cleanup, written: Observation) -> Cleanup:
    """The request with each `{name}` replaced from the JSON answer (dots lead inwards); `{id}` also by the end of the
    `Location` header. Raises Unfilled."""
    answer = strict_json.table(written.body) or {}
    end = urlsplit(written.headers.get("location", "")).path.rstrip("/").rpartition("/")[2]
    values: Mapping[str, Any] = {"id": end, **answer} if end else answer
    form = {name: str(_fill(text, values)) for name, text in cleanup.form.items()} if cleanup.form else cleanup.form
    path = _PLACE.sub(lambda found: quote(str(_value(found[1], values)), safe=""), cleanup.path)
    return cleanup.model_copy(update={"path": path, "json_": _fill(cleanup.json_, values), "form": form})


def _fill(content: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(content, Mapping):
        return {name: _fill(value, values) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_fill(value, values) for value in content]
    if not isinstance(content, str):
        return content
    if whole := _PLACE.fullmatch(content):
        return _value(whole[1], values)
    return _PLACE.sub(lambda found: str(_value(found[1], values)), content)


def _value(name: str, values: Mapping[str, Any]) -> str | int:
    found: Any = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, bool) or not isinstance(found, str | int) or not _PLAIN.fullmatch(str(found)):
        raise Unfilled(name)
    return found
