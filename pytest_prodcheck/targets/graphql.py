"""A GraphQL API: whether it is there, and the application's documents sent as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pytest_prodcheck.config.models import GraphqlTarget
from pytest_prodcheck.observe import graphql_answer
from pytest_prodcheck.observe.graphql_answer import Answer
from pytest_prodcheck.observe.observation import Json, Kind, Observation
from pytest_prodcheck.observe.request import HttpRequest, Sender
from pytest_prodcheck.targets.scrubbing import confidential, scrub

ACCEPT = "application/graphql-response+json, application/json;q=0.9"
"""GraphQL over HTTP, §Accept: both media types, for servers before and after the watershed."""

ADMIN_HEADER = "x-hasura-admin-secret"


@dataclass(frozen=True, slots=True)
class Caller:
    """As whom a document is sent."""

    user: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """With the user's Authorization; beside the target's own headers."""
    jar: str = ""
    role: str = ""
    """The role it acts in, for messages only; empty where not known."""


ANONYMOUS = Caller()


def ready(sender: Sender, table: GraphqlTarget, target: str = "graphql") -> Observation:
    """`POST {__typename}` as nobody (T2): a GET of this route is a 404 on a healthy Hasura."""
    request = request_of(table, {"query": "{__typename}"}, ANONYMOUS, target, "ready")
    return observed(sender.send(replace(request, kind="readiness")), request, ANONYMOUS)


def execute(
    sender: Sender,
    table: GraphqlTarget,
    document: str,
    variables: Mapping[str, Json] | None = None,
    operation_name: str = "",
    caller: Caller = ANONYMOUS,
    *,
    target: str = "graphql",
    kind: Kind = "declared",
    subject: str = "",
    attempt: int = 1,
) -> Observation:
    """One query, sent as it is written. Raises errors.Refused for what is not a proven query; nothing was sent then.

    The observation's `code` is the first error's; `data` holds `errors` (message, code, path), `data_present` and
    `partial`; where Hasura knows a field not and an admin secret is configured, `admin_result` says what the same
    document gives to the admin (`data`, `same_error`, `other_error`): criteria.md R9, R10.
    """
    from pytest_prodcheck.targets.guard.graphql import check_document

    check_document(document, operation_name or None)
    name = operation_name or subject or "anonymous"
    payload = _payload(document, variables, operation_name)
    request = request_of(table, payload, caller, target, f"query {name}")
    request = replace(request, kind=kind, subject=subject or operation_name, attempt=attempt)
    observation = observed(sender.send(request), request, caller)
    if table.admin_secret and unknown_field(observation):
        found = _as_admin(sender, request, table.admin_secret, observation)
        return replace(observation, data={**observation.data, "admin_result": found})
    return observation


def unknown_field(observation: Observation) -> bool:
    """Whether the engine says that the role's schema has no such field: no permission, not tracked, or no table."""
    return observation.code == "validation-failed" and "not found in type" in observation.message


def _payload(document: str, variables: Mapping[str, Json] | None, operation_name: str) -> dict[str, Json]:
    payload: dict[str, Json] = {"query": document}
    if operation_name:
        payload["operationName"] = operation_name
    if variables:
        payload["variables"] = dict(variables)
    return payload


def request_of(
    table: GraphqlTarget, payload: Mapping[str, Json], caller: Caller, target: str, operation: str
) -> HttpRequest:
    """One POST of `payload`, with the headers of GraphQL over HTTP, the target's and the caller's."""
    headers = {"content-type": "application/json", "accept": ACCEPT}
    own = {name.lower(): value for name, value in {**table.headers, **caller.headers}.items()}
    return HttpRequest(
        target=target,
        method="POST",
        url=table.url,
        headers=headers | own,
        body=json.dumps(payload).encode(),
        timeout=table.timeout,
        operation=operation,
        user=caller.user,
        jar=caller.jar,
    )


def observed(observation: Observation, request: HttpRequest, caller: Caller) -> Observation:
    """The exchange with what GraphQL says in it: its errors, without what we sent in confidence."""
    answer = graphql_answer.read(observation.body, observation.headers.get("content-type", ""))
    secrets = confidential(request.headers)
    errors = [{key: scrub(str(text), secrets) for key, text in error.as_json().items()} for error in answer.errors]
    first = answer.errors[0] if answer.errors else None
    return replace(
        observation,
        code=scrub(first.code, secrets, 100) if first else observation.code,
        message=scrub(first.message, secrets) if first else observation.message,
        expected=observation.expected and answer.shape == "graphql" and not answer.errors and answer.data_present,
        data={
            **observation.data,
            "shape": answer.shape,
            "errors": errors,
            "data_present": answer.data_present,
            "partial": [scrub(path, secrets) for path in answer.partial],
            "role": caller.role,
        },
    )


def _as_admin(sender: Sender, request: HttpRequest, secret: str, observation: Observation) -> str:
    """The same document without the user's credentials, with the admin's: a read, like the first."""
    kept = {"content-type", "accept"}
    headers = {name: value for name, value in request.headers.items() if name in kept} | {ADMIN_HEADER: secret}
    asked = replace(request, headers=headers, user="admin", jar="", operation=f"{request.operation} as admin")
    seen = sender.send(asked)
    return _compared(graphql_answer.read(seen.body, seen.headers.get("content-type", "")), observation)


def _compared(answer: Answer, observation: Observation) -> str:
    if answer.data_present and not answer.errors:
        return "data"
    same = any(scrub(error.message, ()) == observation.message for error in answer.errors)
    return "same_error" if same else "other_error"
