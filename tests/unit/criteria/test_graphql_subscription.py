"""What a subscription came to, phase by phase: close codes, hand-shakes, deadlines (A41)."""

from __future__ import annotations

import pytest

from pytest_prodcheck.config.models import GraphqlSubscription
from pytest_prodcheck.criteria.graphql_subscription import judge
from pytest_prodcheck.observe.observation import Observation

SPOKEN = {"subprotocol": "graphql-transport-ws", "events": 0, "errors": []}
CASES = {
    "event": (101, "event", {"events": 1}, "", ""),
    "completed": (101, "completed", {}, "", ""),
    "4401": (101, "init", {"close_code": 4401, "close_reason": "Unauthorized"}, "graphql.subscription.refused",
             "the server closed the connection before it was acknowledged (4401 unauthorized)"),
    "4403 in Hasura's words": (101, "init", {"close_code": 4403, "close_reason": "Could not verify JWT: JWTExpired"},
                               "runner.token.expired", "(4403 forbidden: Could not verify JWT: JWTExpired)"),
    "4408": (101, "init", {"close_code": 4408, "close_reason": ""}, "graphql.subscription.not_acknowledged", "4408"),
    "4406": (101, "init", {"close_code": 4406, "close_reason": ""}, "graphql.subscription.wrong_protocol", "4406"),
    "4429": (101, "init", {"close_code": 4429, "close_reason": ""}, "graphql.subscription.closed", "4429"),
    "1011 later": (101, "subscribed", {"close_code": 1011, "close_reason": "boom"}, "graphql.subscription.closed",
                   "before the first event (1011: boom)"),
    "no acknowledgement": (101, "init", {}, "graphql.subscription.not_acknowledged", "is not acknowledged in time"),
    "silent": (101, "subscribed", {}, "graphql.subscription.silent", "nor the completion within 5 s"),
    "old protocol": (101, "init", {"subprotocol": "graphql-ws"}, "graphql.subscription.wrong_protocol",
                     "the server speaks graphql-ws, not graphql-transport-ws"),
    "no protocol": (101, "init", {"subprotocol": ""}, "graphql.subscription.wrong_protocol", "no subprotocol"),
    "404": (404, "connect", {}, "graphql.subscription.not_served", "the WebSocket hand-shake is answered 404"),
    "401": (401, "connect", {}, "graphql.subscription.refused", "answered 401"),
    "502": (502, "connect", {}, "http.upstream.crashed", "answered 502"),
    "cut": (None, "connect", {}, "graphql.subscription.not_served", "ended during the hand-shake"),
}  # fmt: skip


@pytest.mark.parametrize(("status", "stage", "more", "code", "words"), CASES.values(), ids=list(CASES))
def test_the_phase_that_failed_is_named(status, stage, more, code, words):
    """One finding, with the close code in the protocol's own word; none where an event or the completion came."""
    body = b'{"data": {"t": 1}}' if more.get("events") else b""
    seen = Observation("graphql", "subscription T", status=status, body=body, data={**SPOKEN, "stage": stage, **more})
    found = judge(seen, GraphqlSubscription(), now=0.0)
    assert [one.code for one in found] == ([code] if code else [])
    assert all(words in one.message for one in found), found


def test_what_was_stopped_proves_nothing():
    """Insufficient, and never green."""
    (found,) = judge(Observation("graphql", "subscription T", error="stopped"), GraphqlSubscription(), now=0.0)
    assert found.severity == "insufficient"


def test_data_that_did_not_come_is_not_compared():
    """A completion without an event leaves the promised data unproven."""
    seen = Observation("graphql", "subscription T", status=101, data={**SPOKEN, "stage": "completed"})
    (found,) = judge(seen, GraphqlSubscription(data={"t": 1}), now=0.0)
    assert (found.code, found.severity) == ("graphql.subscription.silent", "insufficient")
