"""A recorded cluster, as it would be now: the healthy one, with a fault's differences laid over it.

`healthy.json` and `faults/*.json` are what a real Kubernetes 1.34 said (`tests/cluster/record.py` writes them). They
hold no secret: of a value only the length was kept, and another one of that length is made up here.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Json = dict[str, Any]
HERE = Path(__file__).parent
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
"""When everything was recorded: all times are moved from here to now."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Recording:
    """What there is to read of one cluster."""

    version: Json
    resources: Mapping[str, Json]
    """Resource → `kind`, `columns` of its Table, and `objects`: NAMESPACE/NAME → a row of it, with its object."""
    logs: Mapping[str, Json]
    """POD/CONTAINER → `now` and `previous`: status and text."""
    refused: Mapping[str, Mapping[str, str]]
    """Account → resource → what the API server says to it."""

    def rows(self, resource: str) -> list[Json]:
        """The objects of a resource with their cells."""
        return list(self.resources[resource]["objects"].values())


def recording(difference: Path | None = None, now: datetime | None = None) -> Recording:
    """The healthy cluster, changed by a file of differences, at this moment."""
    found: Json = _read(HERE / "healthy.json", now)
    if difference is not None:
        changes = _read(difference, now)
        for resource, listed in changes["resources"].items():
            _lay(found["resources"][resource]["objects"], listed["objects"])
        _lay(found["logs"], changes["logs"])
    for row in found["resources"]["secrets"]["objects"].values():
        row["object"]["data"] = _made_up(row["object"]["data"])
    found["version"]["gitVersion"] += "-recorded"
    return Recording(**found)


def _read(file: Path, now: datetime | None) -> Json:
    shift = (now or datetime.now(UTC)) - MOMENT

    def moved(found: re.Match[str]) -> str:
        return f"{datetime.fromisoformat(found[0]) + shift:%Y-%m-%dT%H:%M:%SZ}"

    document: Json = json.loads(_TIME.sub(moved, file.read_text("utf-8")))
    return document


def _lay(objects: Json, changes: Json) -> None:
    for name, row in changes.items():
        if row is None:
            del objects[name]
        else:
            objects[name] = row


def _made_up(data: Mapping[str, Json]) -> dict[str, str]:
    """Values for what is known of the real ones."""
    values: dict[str, bytes] = {}
    for key, known in data.items():
        if "valid" in known:
            values["tls.crt"], values["tls.key"] = _certificate(known["names"], *known["valid"])
        elif "registries" in known:
            values[key] = json.dumps({"auths": {host: {"auth": _text(24)} for host in known["registries"]}}).encode()
        elif key not in values:
            end = known.get("end", "")
            values[key] = (_text(known["length"] - len(end)) + end).encode()
    return {key: base64.b64encode(value).decode() for key, value in values.items()}


def _text(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _certificate(names: Sequence[str], start: str, end: str) -> tuple[bytes, bytes]:
    """Certificate and key of the same names and days as the recorded ones."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.fromisoformat(start))
        .not_valid_after(datetime.fromisoformat(end) + timedelta(seconds=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem), private
