"""What of the API's objects may be kept: no value of a Secret, a ConfigMap or an environment variable (T8)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.observe.cluster import KeyFacts, Keys, Object, items, moment, name_of, text
from pytest_prodcheck.observe.observation import Json

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_PLACEHOLDER = compiled(r"<[\w .-]+>|\$\{\w+\}|changeme|change-me|todo|xxx+|replace-?me|your[-_ ].*", re.IGNORECASE)
_CLASSES = ((0, "empty"), (7, "1-7"), (15, "8-15"), (31, "16-31"), (63, "32-63"))


def pruned(thing: Mapping[str, Json]) -> Object:
    """The object without what nobody judges and what may hold a secret: managed fields, the applied configuration,
    values and arguments of containers. A literal value leaves its flaws behind (`flaws`)."""
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
        kept["spec"] = _spec(spec)
    return kept


def _spec(spec: dict[str, Json]) -> dict[str, Json]:
    changed: dict[str, Json] = {}
    for key in ("containers", "initContainers", "ephemeralContainers"):
        if isinstance(containers := spec.get(key), list):
            changed[key] = [_container(one) if isinstance(one, dict) else one for one in containers]
    for key in ("template", "jobTemplate"):
        inner = spec.get(key)
        if isinstance(inner, dict) and isinstance(inner.get("spec"), dict):
            changed[key] = inner | {"spec": _spec(inner["spec"])}  # type: ignore[arg-type]
    return spec | changed


def _container(container: dict[str, Json]) -> dict[str, Json]:
    kept = {key: value for key, value in container.items() if key != "args"}
    if isinstance(env := container.get("env"), list):
        kept["env"] = [_variable(one) if isinstance(one, dict) else one for one in env]
    return kept


def _variable(variable: dict[str, Json]) -> dict[str, Json]:
    if not isinstance(value := variable.get("value"), str):
        return variable
    kept = {key: item for key, item in variable.items() if key != "value"}
    return kept | {"flaws": list(flaws(value.encode()))}


def keys(thing: Object, *, encoded: bool) -> Keys:
    """The keys of a Secret (`encoded`: its values are base64) or a ConfigMap, and what may be known of their values."""
    found: dict[str, KeyFacts] = {}
    for part in ("data", "binaryData", "stringData"):
        values = thing.get(part)
        for key, value in values.items() if isinstance(values, Mapping) else ():
            found[str(key)] = _facts(_plain(str(value), encoded=encoded or part == "binaryData"), judged=part == "data")
    written = [moment(one.get("time")) for one in items(thing, "metadata", "managedFields") if _of_data(one)]
    return Keys(name_of(thing), found, text(thing, "type"), max(written, default=0.0))


def _of_data(field: Object) -> bool:
    fields = field.get("fieldsV1")
    return isinstance(fields, Mapping) and bool({"f:data", "f:binaryData", "f:stringData"} & fields.keys())


def _plain(value: str, *, encoded: bool) -> bytes:
    if not encoded:
        return value.encode()
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value.encode()


def _facts(value: bytes, *, judged: bool) -> KeyFacts:
    length = next((name for most, name in _CLASSES if len(value) <= most), "64 and more")
    return KeyFacts(length, flaws(value) if judged else ())


def flaws(value: bytes) -> tuple[str, ...]:
    """What is wrong with the form of a value of one line, in words (A13, B5): none of them shows any of it."""
    if b"\n" in value.strip():
        return ()  # a document or a key: its form is its own affair
    plain = value.decode("utf-8", "replace")
    found = []
    if plain != plain.rstrip("\r\n"):
        found.append("ends with a line break")
    elif plain != plain.strip():
        found.append("begins or ends with a space")
    bare = plain.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        found.append("stands in quotes")
    if _PLACEHOLDER.fullmatch(bare):
        found.append("is a placeholder")
    return tuple(found)
