"""The graphql target as the owner asks it: the engine's own state, and the documents that the application sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from pytest_prodcheck.config.models import GraphqlTarget
from pytest_prodcheck.observe import hasura_metadata, jose, strict_json
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.observation import Json, Kind, Observation
from pytest_prodcheck.observe.request import Credentials, HttpRequest
from pytest_prodcheck.targets import graphql, graphql_exposure, hasura, introspection
from pytest_prodcheck.targets.connection import Origin
from pytest_prodcheck.targets.graphql import Caller
from pytest_prodcheck.targets.guard.graphql import check_body
from pytest_prodcheck.targets.wire import Wire

if TYPE_CHECKING:
    from pytest_prodcheck.targets.forgery import Forger

ROLE_HEADER = "x-hasura-role"


class Document(Protocol):
    """One operation that the application sends (`criteria.operations.Operation`)."""

    @property
    def document(self) -> str:
        """What is sent."""
        ...

    @property
    def operation_name(self) -> str:
        """What goes into the request."""
        ...

    @property
    def root_field(self) -> str:
        """The first field that a query asks the query type for; empty for other operations."""
        ...


class GraphqlProber:
    """Asks one GraphQL API; only queries are executed."""

    def __init__(
        self,
        wire: Wire,
        target: str,
        table: GraphqlTarget,
        documents: Mapping[str, Document],
        variables: Mapping[str, Mapping[str, Json]],
        credentials: Credentials,
        forger: Forger | None = None,
        pinned: str = "",
    ) -> None:
        """`pinned` is the text of the pinned schema; empty where there is none."""
        self._wire, self.target, self.table = wire, target, table
        self._forger, self._pinned = forger, pinned
        self._documents, self._variables, self._credentials = documents, variables, credentials
        self.lane, self.width = str(Origin.of(table.url)), 20

    def ready(self) -> Evidence:
        """Whether a GraphQL engine answers at all."""
        return Evidence((graphql.ready(self._wire, self.table, self.target),))

    def probe(self, function: str, subject: str, user: str, attempt: int) -> Evidence:
        """The evidence of one shipped check."""
        if function == "test_operation":
            return Evidence((self.execute(subject, user, attempt),))
        if function == "test_broken_token_refused":
            return Evidence(tuple(self._broken_token(subject, user)))
        if function == "test_refuses":
            return self._refusals(subject, user)
        if function == "test_health":
            return self._health()
        if function == "test_metadata":
            return self._metadata()
        if function == "test_subscription":
            return Evidence((self._subscribe(subject, user),))
        if function == "test_jwt_config":
            seen = hasura.configuration(self._wire, self.table, self.target)
            return Evidence(() if seen is None else (seen,))
        if function == "test_introspection":
            return Evidence((introspection.probe(self._wire, self.table, self._caller(user), self.target),))
        if function == "test_ide":
            return Evidence(introspection.ide(self._wire, self.table, self.target))
        if function == "test_denied":
            return Evidence((self.execute(subject, user, attempt, kind="readiness"),))
        if function == "test_batching":
            return Evidence((graphql_exposure.batching(self._wire, self.table, self._caller(user), self.target),))
        if function == "test_suggestions":
            field, caller = self._a_root_field(), self._caller(user)
            return Evidence((graphql_exposure.suggestions(self._wire, self.table, field, caller, self.target),))
        return self._depth(user) if function == "test_depth" else self._schema(user)

    def execute(self, name: str, user: str, attempt: int = 1, kind: Kind = "declared") -> Observation:
        """One declared operation as one user."""
        document = self._documents[name]
        return graphql.execute(
            self._wire,
            self.table,
            document.document,
            self._variables.get(name),
            document.operation_name,
            self._caller(user),
            target=self.target,
            kind=kind,
            subject=name,
            attempt=attempt,
        )

    def send(self, request: HttpRequest) -> Observation:
        """A test's own query, as the user that it names; the document was judged where it was written, and is again."""
        check_body(request.body)
        headers = {**request.headers, **(self._credentials(request.user) if request.user else {})}
        return self._wire.send(replace(request, headers=headers))

    def repeater(self, function: str, subject: str, user: str) -> Callable[[], Observation] | None:
        """Repeats an operation for a limit; None for checks that are not repeated."""
        return (lambda: self.execute(subject, user, kind="sample")) if function == "test_operation" else None

    def repeaters(self) -> Sequence[Callable[[], Observation]]:
        """What is repeated where no operation is selected."""
        return [self._again]

    def _again(self) -> Observation:
        return graphql.execute(
            self._wire, self.table, "query Ready {__typename}", None, "Ready", target=self.target, kind="sample"
        )

    def _broken_token(self, name: str, user: str) -> list[Observation]:
        """The same query with the user's token, with its signature changed, and, where that passes, without any."""
        good = self.execute(name, user, kind="readiness")
        token = self._credentials(user).get("authorization", "").removeprefix("Bearer ")
        if not good.expected or token.count(".") != 2:
            return [good]
        broken = self._as(name, Caller(user, {"authorization": f"Bearer {jose.tampered(token)}"}, user))
        return [good, broken, self._as(name, Caller())] if broken.expected else [good, broken]

    def _refusals(self, name: str, user: str) -> Evidence:
        """The same query with each token that must be refused; without documents, the smallest query there is."""
        from pytest_prodcheck.targets import refusals

        if self._forger is None:
            return Evidence()
        token = self._credentials(user).get("authorization", "").removeprefix("Bearer ") if user else ""

        def send(shown: str, role: str) -> Observation:
            headers = {"authorization": f"Bearer {shown}"} if shown else {}
            return self._as(name, Caller("", headers | ({ROLE_HEADER: role} if role else {})))

        good = self._as(name, self._caller(user)) if any(one != "none" for one in self.table.refuses) else None
        found = refusals.ask(self.table.refuses, token, self._forger, send, good)
        public = name not in self._documents and self.table.engine != "hasura"  # Hasura has a role for who comes alone
        return replace(found, facts={**found.facts, "public": public})

    def _as(self, name: str, caller: Caller) -> Observation:
        document = self._documents.get(name)
        return graphql.execute(
            self._wire,
            self.table,
            document.document if document else "query Refused {__typename}",
            self._variables.get(name),
            document.operation_name if document else "Refused",
            caller,
            target=self.target,
            kind="readiness",
            subject=name,
        )

    def _health(self) -> Evidence:
        health = hasura.health(self._wire, self.table, self.target)
        version = hasura.version(self._wire, self.table, self.target)
        metadata = hasura.inconsistent_metadata(self._wire, self.table, self.target)
        return Evidence(tuple(one for one in (health, version, metadata) if one is not None), {"metadata": metadata})

    def _subscribe(self, name: str, user: str) -> Observation:
        from pytest_prodcheck.targets import graphql_subscription

        document = self._documents[name]
        return graphql_subscription.subscribe(
            self._wire,
            self.table,
            self.table.subscriptions[name],
            document.document,
            self._variables.get(name),
            document.operation_name,
            self._caller(user),
            target=self.target,
            subject=name,
        )

    def _a_root_field(self) -> str:
        """A field that the query type has, by what the application asks for; empty where that is not known."""
        return next((found for document in self._documents.values() if (found := document.root_field)), "")

    def _depth(self, user: str) -> Evidence:
        """A query deeper than `max_depth`, written from the served schema, or the pinned one."""
        schema = self._schema(user)
        sdl = str(schema.facts.get("sdl") or self._pinned)
        if not sdl:
            return Evidence(schema.observations, {"problem": schema.facts.get("problem", "")})
        seen = graphql_exposure.depth(self._wire, self.table, sdl, self._caller(user), self.target)
        return Evidence((*schema.observations, *((seen,) if seen else ())), {"deep": seen})

    def _metadata(self) -> Evidence:
        """The engine's metadata by name, values left out."""
        seen = hasura.export_metadata(self._wire, self.table, self.target)
        document = strict_json.table(seen.body) if seen.expected else None
        if document is None:
            status = f"status {seen.status}" if seen.status else "no answer"
            return Evidence((seen,), {"problem": seen.message or seen.error or f"{status}, and no metadata"})
        return Evidence((replace(seen, body=b""),), {"metadata": hasura_metadata.read(document)})

    def _schema(self, user: str) -> Evidence:
        """The served schema, asked for only where introspection is not declared as refused."""
        if self.table.introspection == "refused":
            return Evidence((), {"sdl": "", "problem": "introspection is refused, as declared"})
        found = introspection.introspect(self._wire, self.table, self._caller(user), self.target)
        return Evidence((found.observation,), {"sdl": found.sdl, "problem": found.problem})

    def _caller(self, user: str) -> Caller:
        return Caller(user, self._credentials(user), user) if user else Caller()
