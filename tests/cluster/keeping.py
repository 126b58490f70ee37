"""What the real API server said, made fit to be kept: no secrets, no chance, times around one moment."""

from __future__ import annotations

import base64
import copy
import datetime
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cryptography import x509
from lab_admin import Json

MOMENT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
"""The moment of every recording; who serves it moves all times from here to now."""
AGE = datetime.timedelta(hours=12)
"""What was there before a scenario began has been there for so long; all of it came at once."""
LONG = datetime.timedelta(hours=1)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
NOISE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\b10\.\d+\.\d+\.\d+\b|\bnode-\d\b|containerd://\w{64}|\"zone\": \"\w\"")
VERSION = re.compile(r'"resourceVersion": "\d+"')
SUFFIX = re.compile(r"[bcdfghjklmnpqrstvwxz2456789]{5}")
RANDOM_VOLUME = re.compile(r"kube-api-access-\w{5}\b")
ADDRESS = re.compile(r"\b10\.\d+\.\d+\.\d+\b")
EVENT = re.compile(r"^(.*)\.[0-9a-f]{12,16}$")
CELLS_OF_AGE = {"Age", "Last Seen", "First Seen"}
FULL_FIELDS = ("secrets", "configmaps")
"""Resources of which the owners of fields say when each was changed."""

Resources = dict[str, dict[str, Any]]
"""Resource → `columns` of its Table, and `objects`: NAMESPACE/NAME → cells and object."""
Recording = dict[str, dict[str, Any]]
"""`resources`, and `logs`: POD/CONTAINER → `now` and `previous`, each a status and a text."""


def kept(found: Recording, settled: datetime.datetime, now: datetime.datetime) -> Recording:
    """The same without chance and secrets."""
    plain = copy.deepcopy(found)
    for resource, listed in plain["resources"].items():
        for row in listed["objects"].values():
            _strip(resource, row["object"])
    text = json.dumps(plain)
    text = VERSION.sub('"resourceVersion": "1"', text)
    for old, new in _names(plain["resources"]).items():
        text = text.replace(old, new)
    text = RANDOM_VOLUME.sub("kube-api-access-aaaaa", text)
    text = _numbered(ADDRESS, text, lambda number: f"10.0.{number // 250}.{number % 250 + 1}")
    text = TIME.sub(lambda found: _moved(found[0], settled, now), text)
    same: Recording = json.loads(text)
    for listed in same["resources"].values():
        listed["objects"] = dict(_ordered(listed["objects"]))
    return same


def difference(base: Recording, other: Recording) -> Recording:
    """What must be laid over `base` to get `other`; objects that only chance tells apart are the base's."""
    changed = {
        resource: {"objects": objects}
        for resource, listed in other["resources"].items()
        if (objects := _changes(base["resources"][resource]["objects"], listed["objects"], "object"))
    }
    return {"resources": changed, "logs": _changes(base["logs"], other["logs"], "")}


def _changes(before: Mapping[str, Json], after: Mapping[str, Json], part: str) -> dict[str, Json | None]:
    changed = {
        name: row
        for name, row in after.items()
        if name not in before or _plain(row, part) != _plain(before[name], part)
    }
    return {**changed, **{name: None for name in before if name not in after}}


def _plain(row: Json, part: str) -> str:
    return NOISE.sub("", json.dumps(row[part] if part else row, sort_keys=True))


def _ordered(objects: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    for row in sorted(objects.values(), key=lambda row: _name(row["object"])):
        yield _name(row["object"]), row


def _name(item: Json) -> str:
    metadata = item["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


def _strip(resource: str, item: Json) -> None:
    metadata = item["metadata"]
    _without_orders(item)
    if resource not in FULL_FIELDS:
        metadata.pop("managedFields", None)
    for among in (item, *(item.get("subsets") or ())):  # of EndpointSlices, of Endpoints
        for addresses in ("endpoints", "addresses", "notReadyAddresses"):
            if isinstance(among.get(addresses), list):
                among[addresses].sort(key=lambda each: each.get("targetRef", {}).get("name", ""))
    if resource == "secrets":
        item["data"] = {key: _disguised(base64.b64decode(value)) for key, value in (item.get("data") or {}).items()}
    if metadata["name"] == "kube-root-ca.crt":
        item["data"] = {"ca.crt": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"}


def _without_orders(value: object) -> None:
    """Takes away what the lab tells its kubelets, in objects, templates and revisions."""
    if isinstance(value, dict):
        told = value.get("annotations")
        if isinstance(told, dict):
            for key in [key for key in told if key.startswith("prodcheck-lab/")]:
                del told[key]
            if not told:
                del value["annotations"]
        for inner in value.values():
            _without_orders(inner)
    elif isinstance(value, list):
        for inner in value:
            _without_orders(inner)


def _disguised(value: bytes) -> Json:
    """What may be known of a secret value: length and end; a certificate's days and names; a registry's host."""
    if value.startswith(b"-----BEGIN CERTIFICATE"):
        certificate = x509.load_pem_x509_certificate(value)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return {
            "names": names.get_values_for_type(x509.DNSName),
            "valid": [f"{end:%Y-%m-%dT%H:%M:%SZ}" for end in ends],
        }
    if value.startswith(b'{"auths"'):
        return {"registries": sorted(json.loads(value)["auths"])}
    return {"length": len(value), **({"end": "\n"} if value.endswith(b"\n") else {})}


def _names(resources: Resources) -> dict[str, str]:
    """Names and ids that are the API server's chance → names in the order of creation."""
    found: dict[str, str] = {}
    for resource, listed in resources.items():
        counts: dict[str, int] = {}
        for row in sorted(listed["objects"].values(), key=_order):
            metadata = row["object"]["metadata"]
            stem = metadata.get("generateName") or _stem_of_event(resource, metadata["name"])
            name = metadata["name"]
            if stem and (resource == "events" or SUFFIX.fullmatch(name.removeprefix(stem))):
                counts[stem] = counts.get(stem, 0) + 1
                found[name] = f"{stem}{_letters(counts[stem])}"
    for resource, listed in resources.items():
        for row in listed["objects"].values():
            metadata = row["object"]["metadata"]
            known = found.get(metadata["name"], metadata["name"])
            found[metadata["uid"]] = f"{resource}-{known}"
    # an event is named after what it is about: the longer name first
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


def _order(row: Json) -> tuple[str, ...]:
    """By creation; events of one second by what they say."""
    item = row["object"]
    return (item["metadata"]["creationTimestamp"], *(str(item.get(key)) for key in ("reason", "message")), _name(item))


def _stem_of_event(resource: str, name: str) -> str:
    matched = EVENT.match(name) if resource == "events" else None
    return f"{matched[1]}." if matched else ""


def _letters(number: int) -> str:
    return f"aaa{chr(97 + number // 26)}{chr(97 + number % 26)}"


def _numbered(pattern: re.Pattern[str], text: str, name: Callable[[int], str]) -> str:
    seen: dict[str, str] = {}
    return pattern.sub(lambda found: seen.setdefault(found[0], name(len(seen))), text)


def _moved(text: str, settled: datetime.datetime, now: datetime.datetime) -> str:
    moment = datetime.datetime.fromisoformat(text)
    if moment > settled:
        moved = moment - now + MOMENT
    else:
        moved = MOMENT - AGE - (settled - moment if settled - moment > LONG else datetime.timedelta())
    return f"{moved:%Y-%m-%dT%H:%M:%SZ}"
