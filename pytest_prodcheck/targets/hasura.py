"""Hasura beside its GraphQL route: health, version, metadata — all reads (facts of hasura/graphql-engine, App.hs)."""

from __future__ import annotations

import json
from dataclasses import replace

from pytest_prodcheck.config.models import GraphqlTarget
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.observation import Json, Observation
from pytest_prodcheck.observe.request import HttpRequest, Sender
from pytest_prodcheck.targets.graphql import ADMIN_HEADER
from pytest_prodcheck.targets.scrubbing import scrub

_ROUTES = ("/v1/graphql", "/v1alpha1/graphql", "/v1beta1/relay")
_INCONSISTENT_AT_MOST = 50


def base_url(url: str) -> str:
    """Where the engine is mounted: the URL without its GraphQL route, a path prefix kept, no slash at the end."""
    bare = url.partition("?")[0].rstrip("/")
    return next((bare.removesuffix(route) for route in _ROUTES if bare.endswith(route)), bare)


def health(sender: Sender, table: GraphqlTarget, target: str = "graphql") -> Observation:
    """`GET /healthz`; `data.text` is the body's first 200 characters, which must be exactly `OK` (T5)."""
    observation = sender.send(_request(table, "GET", "/healthz", target, "health"))
    text = observation.body[:200].decode("utf-8", "replace")
    healthy = observation.expected and observation.body == b"OK"
    return replace(observation, expected=healthy, data={**observation.data, "text": scrub(text, ())})


def version(sender: Sender, table: GraphqlTarget, target: str = "graphql") -> Observation:
    """`GET /v1/version`; `data.version` is empty where the engine does not say it."""
    observation = sender.send(_request(table, "GET", "/v1/version", target, "version"))
    said = (strict_json.table(observation.body) or {}).get("version")
    return replace(observation, data={**observation.data, "version": said[:100] if isinstance(said, str) else ""})


def inconsistent_metadata(sender: Sender, table: GraphqlTarget, target: str = "graphql") -> Observation | None:
    """`get_inconsistent_metadata`, a read of the metadata API; None without an admin secret.

    `data.is_consistent` is True, False or None (not said); `data.inconsistent_objects` lists type, name and reason.
    """
    if not table.admin_secret:
        return None
    observation = _metadata(sender, table, "get_inconsistent_metadata", table.admin_secret, target)
    said = strict_json.table(observation.body) or {}
    objects = said.get("inconsistent_objects")
    listed = objects[:_INCONSISTENT_AT_MOST] if isinstance(objects, list) else []
    facts: dict[str, Json] = {
        "is_consistent": said["is_consistent"] if isinstance(said.get("is_consistent"), bool) else None,
        "inconsistent_objects": [_object(item, table.admin_secret) for item in listed if isinstance(item, dict)],
    }
    return replace(observation, data={**observation.data, **facts})


def export_metadata(sender: Sender, table: GraphqlTarget, target: str = "graphql") -> Observation:
    """`export_metadata`, a read of the metadata API; its answer is in `body` alone, and in no report. Raises ValueError
    without an admin secret."""
    if not table.admin_secret:
        raise ValueError("export_metadata needs the admin secret")
    observation = _metadata(sender, table, "export_metadata", table.admin_secret, target)
    said = strict_json.table(observation.body) or {}
    if observation.expected or "error" not in said:
        return replace(observation, excerpt="")
    message = scrub(str(said["error"]), (table.admin_secret,))
    return replace(observation, code=scrub(str(said.get("code", "")), (), 100), message=message)


def _metadata(sender: Sender, table: GraphqlTarget, kind: str, secret: str, target: str) -> Observation:
    """One call of the metadata API without arguments."""
    body = json.dumps({"type": kind, "args": {}}).encode()
    request = replace(_request(table, "POST", "/v1/metadata", target, "metadata"), body=body)
    headers = {**request.headers, "content-type": "application/json", ADMIN_HEADER: secret}
    return sender.send(replace(request, headers=headers, user="admin"))


def configuration(sender: Sender, table: GraphqlTarget, target: str = "graphql") -> Observation | None:
    """`GET /v1alpha1/config`, what the engine says of its own settings; None without an admin secret.

    `data.is_jwt_set` is True, False or None (not said); `data.jwt` lists, for each JWT secret, `namespace`, `path` and
    `format`, as far as they are said. Keys, issuer and audience are not in it.
    """
    if not table.admin_secret:
        return None
    request = _request(table, "GET", "/v1alpha1/config", target, "config")
    headers = {**request.headers, ADMIN_HEADER: table.admin_secret}
    observation = sender.send(replace(request, headers=headers, user="admin"))
    said = strict_json.table(observation.body) or {} if observation.status == 200 else {}
    listed = said.get("jwt")
    several = listed if isinstance(listed, list) else [listed]
    facts: dict[str, Json] = {
        "is_jwt_set": said["is_jwt_set"] if isinstance(said.get("is_jwt_set"), bool) else None,
        "jwt": [_place(item) for item in several[:_INCONSISTENT_AT_MOST] if isinstance(item, dict)],
    }
    return replace(observation, data={**observation.data, **facts})


def _place(item: dict[str, Json]) -> dict[str, Json]:
    names = {"claims_namespace": "namespace", "claims_namespace_path": "path", "claims_format": "format"}
    return {ours: value[:300] for theirs, ours in names.items() if isinstance(value := item.get(theirs), str)}


def _request(table: GraphqlTarget, method: str, path: str, target: str, operation: str) -> HttpRequest:
    return HttpRequest(
        target=target,
        method=method,
        url=base_url(table.url) + path,
        headers=dict(table.headers),
        timeout=table.timeout,
        expected=(200,),
        kind="readiness",
        operation=operation,
    )


def _object(item: dict[str, Json], secret: str) -> dict[str, Json]:
    """One inconsistent object: `name` is a text in Hasura 2, elsewhere it stands in the definition."""
    return {
        key: scrub(value, (secret,)) for key in ("type", "name", "reason") if isinstance(value := item.get(key), str)
    }
