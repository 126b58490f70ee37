"""Objects that carry several records of others, or the line of one: OpenTelemetry's export, CloudWatch's subscriptions.

Sources: opentelemetry-proto's logs.proto and its mapping to JSON (both ways to write names; versions before 0.15 name
their scopes otherwise); "Subscription filters" (AWS, CloudWatch Logs).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_RESOURCES = ("resourceLogs", "resource_logs")
_SCOPES = ("scopeLogs", "scope_logs", "instrumentationLibraryLogs", "instrumentation_library_logs")
_RECORDS = ("logRecords", "log_records", "logs")
_EVENTS = ("logEvents",)
_VALUES = ("stringValue", "string_value", "intValue", "int_value", "boolValue", "bool_value", "doubleValue",
           "double_value")  # fmt: skip


def carried(said: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """The records in an envelope, as loggers write them; None where it is none."""
    if resources := _listed(said, _RESOURCES):
        return [_flat(one) for scope in _below(resources, _SCOPES) for one in _below([scope], _RECORDS)]
    events = _listed(said, _EVENTS)
    return [one for one in events if isinstance(one, Mapping)] if events else None


def _below(parents: list[Any], names: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    for parent in parents:
        if isinstance(parent, Mapping):
            yield from (one for one in _listed(parent, names) if isinstance(one, Mapping))


def _listed(said: Mapping[str, Any], names: tuple[str, ...]) -> list[Any]:
    return next((found for name in names if isinstance(found := said.get(name), list)), [])


def _flat(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with its attributes as fields, and its values bare."""
    attributes = record.get("attributes")
    pairs = [one for one in attributes if isinstance(one, Mapping)] if isinstance(attributes, list) else []
    added = {str(pair.get("key")): _bare(pair.get("value")) for pair in pairs}
    return {**added, **{name: _bare(value) for name, value in record.items()}}


def _bare(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return next((value[name] for name in _VALUES if name in value), value)
