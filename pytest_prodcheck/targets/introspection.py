"""A GraphQL API's own schema, and whether it shows more than it promises: introspection and the IDE."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pytest_prodcheck.config.models import GraphqlTarget
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.request import HttpRequest, Sender
from pytest_prodcheck.targets import sdl
from pytest_prodcheck.targets.graphql import ANONYMOUS, Caller, execute
from pytest_prodcheck.targets.hasura import base_url

_PROBE = "query IntrospectionProbe { __schema { queryType { name } } }"
_MARKS = (
    "graphiql",
    "graphql playground",
    "graphql-playground",
    "embeddable-sandbox",
    "altair",
    "hasura console",
    "voyager",
)


@dataclass(frozen=True, slots=True)
class Introspected:
    """The answer to an introspection query; `sdl` is empty where `problem` says why."""

    observation: Observation
    sdl: str = ""
    problem: str = ""


def introspect(
    sender: Sender, table: GraphqlTarget, caller: Caller = ANONYMOUS, target: str = "graphql"
) -> Introspected:
    """The schema that `caller` sees, as sorted SDL. What a server gives instead stands in `problem`."""
    from graphql import get_introspection_query

    document = get_introspection_query(descriptions=False)
    seen = execute(sender, table, document, None, "IntrospectionQuery", caller, target=target, kind="readiness")
    answer = (strict_json.table(seen.body) or {}).get("data")
    if not isinstance(answer, dict) or not isinstance(answer.get("__schema"), dict):
        return Introspected(seen, problem=seen.message or seen.error or f"status {seen.status} without a schema")
    try:
        return Introspected(seen, sdl.of_introspection(answer))
    except ValueError as error:
        return Introspected(seen, problem=str(error))


def probe(sender: Sender, table: GraphqlTarget, caller: Caller = ANONYMOUS, target: str = "graphql") -> Observation:
    """The smallest introspection query; `data.introspection` says whether the schema was shown."""
    seen = execute(sender, table, _PROBE, None, "IntrospectionProbe", caller, target=target, kind="readiness")
    answer = (strict_json.table(seen.body) or {}).get("data")
    shown = isinstance(answer, dict) and isinstance(answer.get("__schema"), dict)
    return replace(seen, data={**seen.data, "introspection": shown})


def ide(sender: Sender, table: GraphqlTarget, target: str = "graphql") -> tuple[Observation, ...]:
    """A browser's GET of the GraphQL URL and, for Hasura, of its console; `data.ide` says whether an IDE came."""
    urls = [table.url, base_url(table.url) + "/console"] if table.engine == "hasura" else [table.url]
    return tuple(_page(sender, table, url, target) for url in urls)


def _page(sender: Sender, table: GraphqlTarget, url: str, target: str) -> Observation:
    seen = sender.send(
        HttpRequest(
            target=target, method="GET", url=url, headers={"accept": "text/html"}, timeout=table.timeout,
            kind="readiness", operation="ide",
        )
    )  # fmt: skip
    page = seen.body[:200_000].decode("utf-8", "replace").lower()
    html = strict_json.looks_like_html(seen.body, seen.headers.get("content-type", ""))
    found = html and seen.status == 200 and any(mark in page for mark in _MARKS)
    return replace(seen, expected=not seen.error, data={**seen.data, "ide": found, "url": url})
