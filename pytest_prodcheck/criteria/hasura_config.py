"""Hasura is configured to find claims where the gate promises them (A21, R7, R8).

Its API tells whether a JWT secret is set, and the namespace and format of each; neither key, issuer, audience nor
claims_map: which of those differs is told by its refusal of a good token.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import HasuraClaims
from pytest_prodcheck.criteria.hasura_places import NAMESPACE
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import Json, Observation

_CODE = "auth.consumer.claims_differ"


def jwt_config(seen: Observation, promised: HasuraClaims, target: str) -> list[Finding]:
    """One finding where no secret of the engine reads claims as promised, or none is said."""
    if seen.error or seen.status != 200 or seen.data.get("is_jwt_set") is None:
        what = f"/v1alpha1/config answers {seen.error or seen.status}: how the engine reads claims is not seen"
        return [_finding(seen, what, "auth.consumer.config_unreadable", str(seen.status), "", target, "insufficient")]
    wanted = _wanted(promised)
    if not seen.data["is_jwt_set"]:
        return [_finding(seen, "the engine has no JWT secret: it takes no token at all", _CODE, "none", wanted, target)]
    places: list[Mapping[str, Json]] = seen.data["jwt"]
    if not places:
        what = "/v1alpha1/config names no place of the claims: how the engine reads them is not seen"
        return [_finding(seen, what, "auth.consumer.config_unreadable", "none", wanted, target, "insufficient")]
    if any(_same(place, promised) for place in places):
        return []
    told = " and ".join(sorted({_told(place) for place in places}))
    what = f"the engine reads claims in {told}, promised {wanted}"
    return [_finding(seen, what, _CODE, told, wanted, target)]


def _same(place: Mapping[str, Json], promised: HasuraClaims) -> bool:
    where = (
        place.get("path") == promised.path if promised.path else _namespace(place) == (promised.namespace or NAMESPACE)
    )
    return where and place.get("format", "json") == promised.format_


def _namespace(place: Mapping[str, Json]) -> Json:
    return place.get("namespace", "" if "path" in place else NAMESPACE)


def _told(place: Mapping[str, Json]) -> str:
    where = f"path {place['path']}" if "path" in place else f"namespace {_namespace(place)}"
    return f"{where} as {place.get('format', 'json')}"


def _wanted(promised: HasuraClaims) -> str:
    where = f"path {promised.path}" if promised.path else f"namespace {promised.namespace or NAMESPACE}"
    return f"{where} as {promised.format_}"


def _finding(
    seen: Observation, what: str, code: str, told: str, wanted: str, target: str, severity: Severity = "error"
) -> Finding:
    data = {"operation": seen.operation, "status": seen.status, "seen": told, "expected": wanted}
    return Finding("jwt_config", target, what, code, severity, told, wanted, data=data)
