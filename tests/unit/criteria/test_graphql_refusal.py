"""What a GraphQL error says of its reason, by the words of real servers (A23, A26)."""

from __future__ import annotations

import json

import pytest

from pytest_prodcheck.criteria import graphql_permission, graphql_refusal
from pytest_prodcheck.observe.observation import Observation

PERMISSION = {
    "Hasura": ("access-denied", "Your requested role is not in allowed roles"),
    "Apollo": ("FORBIDDEN", "no"),
    "Apollo, a plain error": ("INTERNAL_SERVER_ERROR", "You must be logged in to read this"),
    "PostGraphile": ("42501", "permission denied for table tasks"),
    "graphql-shield": ("", "Not Authorised!"),
    "graphql-ruby": ("", "You don't have permission to read this user's data"),
}
ANOTHER = {
    "a field that is named like it": ("", "Cannot return null for non-nullable field Role.permissions."),
    "an argument": ("GRAPHQL_VALIDATION_FAILED", 'Unknown argument "permission" on field "Query.audit".'),
    "a variable": ("BAD_USER_INPUT", 'Variable "$login" got invalid value 3; String cannot represent a non string'),
    "a name without quotes": ("", 'Field "denied" of required type "Boolean!" was not provided.'),
    "a part of a word": ("", "cannot assign int to catalog in shard 3"),
    "an allow-list": ("validation-failed", "query is not allowed"),
    "persisted documents": ("PERSISTED_QUERY_NOT_IN_LIST", "The operation is not permitted"),
    "limits": ("", "You are not allowed to send so many requests: rate limit"),
    "depth": ("", "Query depth 9 is not allowed"),
}


@pytest.mark.parametrize(("code", "message"), PERMISSION.values(), ids=list(PERMISSION))
def test_a_refusal_of_the_caller_is_one(code: str, message: str) -> None:
    """A23: by its code, or by words that are no names of the schema."""
    assert graphql_refusal.permission(code, message)
    assert not graphql_refusal.internal(code, message)
    assert graphql_permission.denied(_seen(code, message)) == []


@pytest.mark.parametrize(("code", "message"), ANOTHER.values(), ids=list(ANOTHER))
def test_another_reason_proves_no_permission(code: str, message: str) -> None:
    """A23: what everybody is refused, and names that sound like a refusal, are insufficient and never green."""
    assert not graphql_refusal.permission(code, message)
    assert [one.severity for one in graphql_permission.denied(_seen(code, message))] == ["insufficient"]


def _seen(code: str, message: str) -> Observation:
    error = {"message": message, "extensions": {"code": code}}
    body = json.dumps({"data": None, "errors": [error]}).encode()
    headers = {"content-type": "application/json"}
    return Observation("graphql", "query Audit", status=200, headers=headers, body=body, code=code, message=message)
