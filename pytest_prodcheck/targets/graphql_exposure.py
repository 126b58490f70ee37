"""Whether a GraphQL API gives more than it promises: several operations in one request, names it proposes, depth.

Each probe reads nothing: it asks for `__typename`, for fields that are not there, or for no rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from pytest_prodcheck.config.models import GraphqlTarget
from pytest_prodcheck.observe.observation import Json, Observation
from pytest_prodcheck.observe.request import Sender
from pytest_prodcheck.targets import graphql_depth
from pytest_prodcheck.targets.graphql import ANONYMOUS, Caller, execute, observed, request_of
from pytest_prodcheck.targets.guard.graphql import BATCH_PROBE

_PROPOSES = re.compile(r"did you mean", re.IGNORECASE)
_MISSPELT = "q"


def batching(sender: Sender, table: GraphqlTarget, caller: Caller = ANONYMOUS, target: str = "graphql") -> Observation:
    """Two `{__typename}` in one request; `data.batched` says whether a list of results came."""
    asked = request_of(table, {}, caller, target, "batch probe")
    seen = observed(sender.send(replace(asked, body=BATCH_PROBE, kind="readiness")), asked, caller)
    return replace(seen, expected=not seen.error, data={**seen.data, "batched": _results(seen.body) > 1})


def suggestions(
    sender: Sender,
    table: GraphqlTarget,
    field: str = "",
    caller: Caller = ANONYMOUS,
    target: str = "graphql",
) -> Observation:
    """A query with misspelt fields, one of them nearly `field` of the query type; `data.suggests` says whether the
    errors propose names that there are."""
    near = f"{field}{_MISSPELT} " if field else ""
    document = f"query SuggestionProbe {{ {near}__schema {{ queryType{_MISSPELT} }} }}"
    seen = execute(sender, table, document, None, "SuggestionProbe", caller, target=target, kind="readiness")
    text = seen.body[:100_000].decode("utf-8", "replace")
    seen = replace(seen, data={**seen.data, "suggests": bool(_PROPOSES.search(text))})
    if not seen.server_error:
        return seen
    return replace(seen, code="", message="", excerpt="")  # the error is of our making: its words name no cause


def depth(
    sender: Sender, table: GraphqlTarget, sdl: str, caller: Caller = ANONYMOUS, target: str = "graphql"
) -> Observation | None:
    """A query that is one level deeper than `max_depth`; None where the schema `sdl` has none so deep.

    It asks for no rows (`limit: 0`), or is skipped by `@include(if: false)`: `data.skipped` says that.
    """
    found = graphql_depth.query(sdl, (table.max_depth or 0) + 1)
    if found is None:
        return None
    seen = execute(sender, table, found.document, None, "DepthProbe", caller, target=target, kind="readiness")
    facts: dict[str, Json] = {"depth": (table.max_depth or 0) + 1, "skipped": found.skipped}
    return replace(seen, data={**seen.data, **facts})


def _results(body: bytes) -> int:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return 0
    found = answer if isinstance(answer, list) else []
    return sum(1 for one in found if isinstance(one, Mapping) and ("data" in one or "errors" in one))
