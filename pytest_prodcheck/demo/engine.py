"""The demo's GraphQL engine: one schema a role over the tracked tables, errors in Hasura's shapes (facts.md §1)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import psycopg
from ariadne import MutationType, QueryType, graphql, make_executable_schema
from ariadne.objects import ObjectType
from graphql import GraphQLError, GraphQLResolveInfo, GraphQLSchema
from graphql import graphql as run

from pytest_prodcheck.demo import metadata
from pytest_prodcheck.demo.consumer import Consumer, NoUsableKeys
from pytest_prodcheck.demo.issuer import NAMESPACE
from pytest_prodcheck.demo.pool import Connection, Pool

Answer = dict[str, Any]
Info = GraphQLResolveInfo[Any]
_PROPOSED = re.compile(r"Did you mean .*\?$")
_ROLES, _DEFAULT = "x-hasura-allowed-roles", "x-hasura-default-role"


class EngineError(Exception):
    """An error that the engine answers by itself; `code` and `path` as Hasura says them."""

    def __init__(self, code: str, message: str, path: str = "$") -> None:
        self.code, self.message, self.path = code, message, path
        super().__init__(message)

    def as_answer(self) -> Answer:
        """The body: errors without data."""
        return {"errors": [{"message": self.message, "extensions": {"path": self.path, "code": self.code}}]}


@dataclass(frozen=True)
class Session:
    """Who asks: the engine's role and the user's id."""

    role: str
    user: str = ""


@dataclass
class Engine:
    """What the engine runs on. `remote` is the address of its remote schema."""

    pool: Pool
    consumer: Consumer
    admin_secret: str
    remote: tuple[str, int]
    tables: dict[str, metadata.Table] = field(default_factory=metadata.tables)
    inconsistent: list[dict[str, Any]] = field(default_factory=list)
    grants_any_role: bool = False
    exported: Answer = field(default_factory=dict)
    """What `export_metadata` says where it is not what is tracked: a fault that changes the repository as well."""
    suggests: bool = False
    """Whether errors propose names, as a server in development does."""
    unauthorized: str = ""
    """The role of requests without a token (HASURA_GRAPHQL_UNAUTHORIZED_ROLE); empty: they are refused."""
    silent: bool = False
    """Whether subscriptions are acknowledged and never sent anything."""
    _schemas: dict[str, GraphQLSchema] = field(default_factory=dict)

    def reload(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """Reads the metadata again: what does not fit the database leaves the schema and is listed."""
        self.inconsistent = metadata.inconsistencies(connection, self.tables)
        self._schemas.clear()

    def export(self) -> Answer:
        """The metadata, as `export_metadata` gives it."""
        return self.exported or metadata.export(self.tables)

    def session(self, headers: Mapping[str, str]) -> Session:
        """Who asks, by admin secret or bearer token. Raises EngineError."""
        if (secret := headers.get("x-hasura-admin-secret")) is not None:
            if secret != self.admin_secret:
                raise EngineError("access-denied", 'invalid "x-hasura-admin-secret"/"x-hasura-access-key"')
            return Session(headers.get("x-hasura-role", metadata.ADMIN))
        authorization = headers.get("authorization", "")
        if not authorization and self.unauthorized:
            return Session(self.unauthorized)
        if not authorization:
            text = "Missing 'Authorization' or 'Cookie' header in JWT authentication mode"
            raise EngineError("invalid-headers", text)
        if not authorization.startswith("Bearer "):
            raise EngineError("invalid-headers", "Malformed Authorization header")
        try:
            claims = self.consumer.verify(authorization.removeprefix("Bearer "))
        except jwt.PyJWTError as error:
            raise EngineError("invalid-jwt", f"Could not verify JWT: {_jose(error)}") from None
        return _session(claims, headers.get("x-hasura-role"), any_role=self.grants_any_role)

    async def execute(self, session: Session, request: object) -> Answer:
        """The answer's body to one request as `session`."""
        done, answer = await graphql(
            self._schema(session.role), request, context_value=session, error_formatter=self._format,
            logger="demo.graphql",
        )  # fmt: skip
        if not done and "errors" not in answer:
            raise EngineError("parse-failed", "the body is not a GraphQL request")
        return dict(answer) if answer.get("data") is not None else {"errors": answer["errors"]}

    async def subscribe(self, session: Session, request: Mapping[str, Any]) -> Answer:
        """The first result of a subscription: a live query is answered as a query of the same fields would be."""
        found = await run(
            self._schema(session.role), request["query"], context_value=session,
            variable_values=request.get("variables"), operation_name=request.get("operationName"),
        )  # fmt: skip
        if found.errors or found.data is None:
            return {"errors": [self._format(error) for error in found.errors or ()]}
        return {"data": found.data}

    def _format(self, error: GraphQLError, _debug: bool = False) -> Answer:
        proposed = _PROPOSED.search(error.message)
        told = _format(error)
        return {**told, "message": f"{told['message']}. {proposed[0]}"} if proposed and self.suggests else told

    def _schema(self, role: str) -> GraphQLSchema:
        if role not in self._schemas:
            lost = {item["definition"]["name"] for item in self.inconsistent}
            visible = {
                name: table
                for name, table in self.tables.items()
                if name not in lost and (role == metadata.ADMIN or role in table.roles)
            }
            self._schemas[role] = self._executable(visible)
        return self._schemas[role]

    def _executable(self, visible: Mapping[str, metadata.Table]) -> GraphQLSchema:
        query = ObjectType("query_root")
        for name, table in visible.items():
            query.set_field(name, self._reader(name, table))
        query.set_field("advice", self._advice)
        kinds: list[ObjectType | QueryType | MutationType] = [query]
        if visible:
            subscription = ObjectType("subscription_root")
            for name, table in visible.items():
                subscription.set_field(name, self._reader(name, table))
            kinds.append(subscription)
        if "tasks" in visible:
            mutation = ObjectType("mutation_root")
            mutation.set_field("insert_tasks_one", self._add_task)
            kinds.append(mutation)
        return make_executable_schema(metadata.sdl(visible), *kinds)

    def _reader(self, name: str, table: metadata.Table) -> Any:
        async def resolve(_: object, info: Info, limit: int | None = None) -> Any:
            asked = {node.name.value for field in info.field_nodes for node in _selected(field)}
            columns = ", ".join(f"{table.column(field)} as {field}" for field in table.columns if field in asked)
            inner = f"select {columns or '1'} from {name} order by {table.order} limit {int(limit or 100)}"
            return await self._value(info.context, f"select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ({inner}) t")

        return resolve

    async def _add_task(self, _: object, info: Info, **values: str) -> Any:
        statement = """insert into tasks (project_id, user_id, title) values (%(project_id)s, %(user_id)s, %(title)s)
                       returning to_jsonb(tasks)"""
        return await self._value(info.context, statement, values)

    async def _value(self, session: Session, statement: str, values: Mapping[str, str] | None = None) -> Any:
        role = "service" if session.role == metadata.ADMIN else session.role
        try:
            async with self.pool.transaction(role, session.user) as connection:
                return await _one(connection, statement, values)
        except psycopg.OperationalError as error:
            text = "connection error" if error.sqlstate is None else "database query error"
            raise _failure("postgres-error", text) from None
        except psycopg.Error:
            raise _failure("postgres-error", "database query error") from None

    async def _advice(self, _: object, __: Info) -> Mapping[str, str]:
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(*self.remote), 2)
            text = (await asyncio.wait_for(reader.readline(), 2)).decode().strip()
            writer.close()
        except (OSError, TimeoutError):
            where = f"http://{self.remote[0]}:{self.remote[1]}/graphql"
            text = f"HTTP exception occurred while sending the request to {where}"
            raise _failure("remote-schema-error", text) from None
        return {"text": text}


async def _one(connection: Connection, statement: str, values: Mapping[str, str] | None) -> Any:
    found = await (await connection.execute(statement.encode(), values)).fetchone()
    return found[0] if found else None


def _selected(field_node: Any) -> list[Any]:
    selection = field_node.selection_set
    return [node for node in selection.selections if hasattr(node, "name")] if selection else []


def _failure(code: str, message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code})


def _session(claims: Mapping[str, Any], asked: str | None, *, any_role: bool = False) -> Session:
    """The session of verified claims (Hasura: both role claims are mandatory, the role must be allowed)."""
    if NAMESPACE not in claims:
        raise EngineError("jwt-invalid-claims", f"claims key: '{NAMESPACE}' not found")
    found = {str(key).lower(): value for key, value in claims[NAMESPACE].items()}
    for key in (_ROLES, _DEFAULT):
        if key not in found:
            raise EngineError("jwt-missing-role-claims", f"JWT claim does not contain {key}")
    role = asked or found[_DEFAULT]
    if role not in found[_ROLES] and not any_role:
        raise EngineError("access-denied", "Your requested role is not in allowed roles")
    return Session(role, found.get("x-hasura-user-id", ""))


def _jose(error: jwt.PyJWTError) -> str:
    """The name that Hasura's JWT library gives to the same refusal."""
    names: Mapping[type[jwt.PyJWTError], str] = {
        NoUsableKeys: "JWSError NoUsableKeys",
        jwt.ExpiredSignatureError: "JWTExpired",
        jwt.ImmatureSignatureError: "JWTIssuedAtFuture",
        jwt.InvalidAudienceError: "JWTNotInAudience",
        jwt.InvalidIssuerError: "JWTNotInIssuer",
        jwt.InvalidAlgorithmError: "JWSError (AlgorithmMismatch)",
        jwt.InvalidSignatureError: "JWSError JWSInvalidSignature",
    }
    return names.get(type(error), "JWSError (CompactDecodeError)")


def _format(error: GraphQLError, _debug: bool = False) -> Answer:
    """A GraphQL error in Hasura's words."""
    path = "$" + "".join(f".selectionSet.{part}" for part in error.path or ())
    code = (error.extensions or {}).get("code")
    if code:
        return {"message": error.message, "extensions": {"path": path, "code": code}}
    unknown = re.match(r"Cannot query field '(\w+)' on type '(\w+)'", error.message)
    if unknown:
        path, message = f"$.selectionSet.{unknown[1]}", f"field '{unknown[1]}' not found in type: '{unknown[2]}'"
        return {"message": message, "extensions": {"path": path, "code": "validation-failed"}}
    code = "parse-failed" if error.message.startswith("Syntax Error") else "validation-failed"
    return {"message": error.message, "extensions": {"path": path, "code": code}}
