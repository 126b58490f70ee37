"""gql's transport over the one wire: users get ordinary gql clients, and every exchange is an observation."""

from __future__ import annotations

from typing import Any

from gql import GraphQLRequest
from gql.transport.exceptions import TransportConnectionFailed, TransportProtocolError, TransportServerError
from gql.transport.transport import Transport
from graphql import ExecutionResult, GraphQLError, print_ast

from pytest_prodcheck.config.models import GraphqlTarget
from pytest_prodcheck.observe import graphql_answer
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.request import Sender
from pytest_prodcheck.targets.graphql import ANONYMOUS, Caller, execute


class WireTransport(Transport):
    """A synchronous gql transport that sends through a `Sender`: `gql.Client(transport=WireTransport(…))`.

    Raises errors.Refused for documents that are not proven queries, and gql's own exceptions otherwise; unlike gql's
    HTTP transports it raises TransportServerError for every 5xx, also for one that carries data.
    """

    def __init__(
        self, sender: Sender, table: GraphqlTarget, caller: Caller = ANONYMOUS, target: str = "graphql"
    ) -> None:
        self._sender, self._table, self._caller, self._target = sender, table, caller, target
        self.observations: list[Observation] = []

    def execute(self, request: GraphQLRequest, *_args: Any, **_kwargs: Any) -> ExecutionResult:
        """One query through the wire; see the class for what it raises."""
        observation = execute(
            self._sender,
            self._table,
            print_ast(request.document),
            request.variable_values,
            request.operation_name or "",
            self._caller,
            target=self._target,
            kind="fixture",
        )
        self.observations.append(observation)
        return _result(observation)


def _result(observation: Observation) -> ExecutionResult:
    if observation.status is None:
        raise TransportConnectionFailed(f"{observation.error}: {observation.message}")
    if observation.status >= 500:
        raise TransportServerError(f"the server answered {observation.status}", observation.status)
    answer = graphql_answer.read(observation.body, observation.headers.get("content-type", ""))
    if answer.shape != "graphql" and observation.status >= 400:
        raise TransportServerError(f"the server answered {observation.status}", observation.status)
    if answer.shape != "graphql":
        raise TransportProtocolError(f"the server answered {observation.status} without a GraphQL result")
    errors = [
        GraphQLError(error.message, path=error.located, extensions={"code": error.code}) for error in answer.errors
    ]
    return ExecutionResult(data=answer.data, errors=errors or None)  # type: ignore[arg-type]
