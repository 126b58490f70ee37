"""What of the API's objects may be kept: no value of a Secret, a ConfigMap or an environment variable (T8)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping

from pytest_prodcheck.observe import value_form
from pytest_prodcheck.observe.cluster import KeyFacts, Keys, Object, Write, items, moment, name_of, text
from pytest_prodcheck.observe.observation import Json

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_DATA = frozenset({"f:data", "f:binaryData", "f:stringData"})
_Named = tuple[Collection[str], str]
"""Services that are known, and their namespace."""
_CLASSES = ((0, "empty"), (7, "1-7"), (15, "8-15"), (31, "16-31"), (63, "32-63"))


def pruned(thing: Mapping[str, Json], services: Collection[str] = ()) -> Object:
    """The object without what nobody judges and what may hold a secret: managed fields, the applied configuration,
    values and arguments of containers. A literal value leaves behind its flaws (`flaws`), the variables that it takes
    up (`uses`), and those of the `services` of the object's namespace that it names."""
    kept = dict(thing)
    if isinstance(metadata := kept.get("metadata"), dict):
        annotations = metadata.get("annotations")
        shown = (
            {key: value for key, value in annotations.items() if key != _APPLIED}
            if isinstance(annotations, dict)
            else {}
        )
        kept["metadata"] = {key: value for key, value in metadata.items() if key != "managedFields"} | {
            "annotations": shown
        }
    if isinstance(spec := kept.get("spec"), dict):
        kept["spec"] = _spec(spec, (services, text(thing, "metadata", "namespace")))
    return kept


def _spec(spec: dict[str, Json], named: _Named) -> dict[str, Json]:
    changed: dict[str, Json] = {}
    for key in ("containers", "initContainers", "ephemeralContainers"):
        if isinstance(containers := spec.get(key), list):
            changed[key] = [_container(one, named) if isinstance(one, dict) else one for one in containers]
    for key in ("template", "jobTemplate"):
        inner = spec.get(key)
        if isinstance(inner, dict) and isinstance(inner.get("spec"), dict):
            changed[key] = inner | {"spec": _spec(inner["spec"], named)}  # type: ignore[arg-type]
    return spec | changed


def _container(container: dict[str, Json], named: _Named) -> dict[str, Json]:
    kept = {key: value for key, value in container.items() if key != "args"}
    if isinstance(env := container.get("env"), list):
        kept["env"] = [_variable(one, named) if isinstance(one, dict) else one for one in env]
    return kept


def _variable(variable: dict[str, Json], named: _Named) -> dict[str, Json]:
    if not isinstance(value := variable.get("value"), str):
        return variable
    kept = {key: item for key, item in variable.items() if key != "value"}
    seen = {"uses": value_form.uses(value), "services": value_form.services(value, *named)}
    return kept | {"flaws": list(value_form.of_literal(value))} | {key: list(one) for key, one in seen.items() if one}


def keys(thing: Object, *, encoded: bool, services: Collection[str] = ()) -> Keys:
    """The keys of a Secret (`encoded`: its values are base64) or a ConfigMap, and what may be known of their values; of
    a ConfigMap's also which of the `services` of its namespace they name."""
    named = () if encoded else services, text(thing, "metadata", "namespace")
    found: dict[str, KeyFacts] = {}
    for part in ("data", "binaryData", "stringData"):
        values = thing.get(part)
        for key, value in values.items() if isinstance(values, Mapping) else ():
            found[str(key)] = _facts(
                _plain(str(value), encoded=encoded or part == "binaryData"), named, judged=part == "data"
            )
    writes = tuple(one for entry in items(thing, "metadata", "managedFields") if (one := _write(entry)))
    changed_at = max((one.at for one in writes), default=0.0)
    created_at = moment(text(thing, "metadata", "creationTimestamp"))
    return Keys(name_of(thing), found, text(thing, "type"), changed_at, created_at, writes)


def _write(entry: Object) -> Write | None:
    """What an entry of `managedFields` says of the data; None where that is nothing."""
    fields, at = entry.get("fieldsV1"), moment(entry.get("time"))
    if not isinstance(fields, Mapping) or not at or _DATA.isdisjoint(fields):
        return None
    owned = [part for key in _DATA if isinstance(part := fields.get(key), Mapping)]
    named = (key.removeprefix("f:") for part in owned for key in part if key.startswith("f:"))
    return Write(at, frozenset(named), "f:metadata" not in fields)


def _plain(value: str, *, encoded: bool) -> bytes:
    if not encoded:
        return value.encode()
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value.encode()


def _facts(value: bytes, named: _Named, *, judged: bool) -> KeyFacts:
    length = next((name for most, name in _CLASSES if len(value) <= most), "64 and more")
    services = value_form.services(value.decode("utf-8", "replace"), *named)
    return KeyFacts(length, value_form.flaws(value) if judged else (), services)
