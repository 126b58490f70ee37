"""The faults of the GraphQL engine."""

from __future__ import annotations

from pytest_prodcheck.demo.fault import GRAPHQL, LIMITS, OPERATION, Fault

_ALSO = (*LIMITS, *GRAPHQL)


def _document(name: str, summary: str, cause: str, *accept: str) -> Fault:
    """A document that the application sends is refused."""
    return Fault(name, "graphql", summary, (cause,), OPERATION, (), _ALSO, accept)


def _engine(name: str, summary: str, cause: str) -> Fault:
    """The engine is not there."""
    return Fault(name, "graphql", summary, (cause,), ("graphql::test_ready",), GRAPHQL, _ALSO)


def _contract(name: str, summary: str, cause: str, *explains: str) -> Fault:
    """The engine answers, and does not keep what is pinned or promised."""
    return Fault(name, "graphql", summary, (cause,), explains, (), _ALSO)


FAULTS = (
    _document("graphql-permission", "member has no permission on tasks, the admin has", "graphql.permission.missing"),
    _document("graphql-untracked", "tasks exists and is not tracked", "graphql.table.not_tracked"),
    Fault(
        "graphql-inconsistent",
        "graphql",
        "the metadata has a column's new name, the database has the old one",
        ("graphql.metadata.inconsistent",),
        ("graphql::test_health", *OPERATION),
        (),
        _ALSO,
    ),
    _engine("graphql-not-graphql", "the GraphQL address answers a web page", "graphql.endpoint.not_graphql"),
    _document(
        "graphql-partial", "the remote schema behind advice is down: half an answer", "graphql.remote.unreachable"
    ),
    Fault(
        "graphql-500-with-data",
        "graphql",
        "the engine answers 500 with the right data",
        ("http.application.unhandled_exception",),
        OPERATION,
        (),
        (*_ALSO, "graphql::test_ready"),
        ("unknown",),
    ),
    _engine("graphql-down", "nothing listens on the engine's port", "http.tcp.refused"),
    _document(
        "document-outdated", "priority is called importance now, the documents ask for it", "graphql.document.outdated"
    ),
    _contract("graphql-field-removed", "tasks has lost its field metadata, which is pinned", "graphql.schema.breaking",
              "graphql::test_schema"),
    _contract("graphql-argument-changed", "tasks(limit:) is a String now", "graphql.schema.breaking",
              "graphql::test_schema", *OPERATION),
    _contract("graphql-permission-wide", "member may read all users", "graphql.permission.too_wide",
              "graphql::test_denied", "graphql::test_metadata"),
    _contract("graphql-anonymous-role", "requests without a token act as service", "auth.anonymous.accepted",
              "graphql::test_denied", "graphql::test_refuses"),
    _contract("graphql-row-filter", "member's permission on tasks filters no rows",
              "graphql.permission.row_filter_missing", "graphql::test_metadata"),
    _contract("graphql-metadata-drift", "a permission was changed by hand", "graphql.metadata.differs",
              "graphql::test_metadata"),
    _contract("graphql-suggestions", "errors propose the names of fields", "graphql.suggestions.open",
              "graphql::test_suggestions"),
    _contract("graphql-subscription-silent", "subscriptions are acknowledged and never answered",
              "graphql.subscription.silent", "graphql::test_subscription"),
    _contract("graphql-no-upgrade", "the proxy does not pass WebSockets on", "graphql.subscription.not_served",
              "graphql::test_subscription"),
)  # fmt: skip
