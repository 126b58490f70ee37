"""Hasura is healthy, its metadata consistent, and the API shows no more than it promises (A7, T5)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from pytest_prodcheck.criteria import graphql_codes
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

_INTROSPECTION: Final = re.compile(
    r"introspect|__schema|__type\b|persisted|allow.?list|query is not allowed", re.IGNORECASE
)


def healthy(health: Observation, metadata: Observation | None = None) -> list[Finding]:
    """`/healthz` must be exactly `OK` (T5); `metadata` (`get_inconsistent_metadata`) names what is not."""
    text = str(health.data.get("text", ""))
    broken = _inconsistent(metadata)
    if health.error:
        return [
            _finding(health, "ready", f"/healthz gives no answer: {health.error} {health.message}".rstrip(), "unknown")
        ]
    inconsistent = metadata is not None and metadata.data.get("is_consistent") is False
    if broken or inconsistent or text.startswith("WARN"):
        return [_finding(health, "ready", _told(broken), _INCONSISTENT, text, "OK", objects=broken)]
    if health.status == 200 and health.body == b"OK":
        return []
    seen = text.partition("\n")[0][:100] or "an empty body"
    return [_finding(health, "ready", f"/healthz answers {health.status} {seen}, expected OK", "unknown", seen, "OK")]


def introspection(probe: Observation, policy: Literal["open", "refused"]) -> list[Finding]:
    """Whether introspection is as declared. An answer that is not GraphQL is no refusal: it proves nothing."""
    if probe.error or probe.server_error or probe.data.get("shape") != "graphql":
        what = f"introspection cannot be judged: {probe.error or f'status {probe.status}'}"
        return [_finding(probe, "introspection", what, "unknown", promised=policy)]
    shown = bool(probe.data.get("introspection"))
    told = graphql_codes.explain(probe.code, probe.message, probe)
    if shown == (policy == "open"):
        return [] if shown or _of_introspection(probe) else [_refused_otherwise(probe, told)]
    if not shown and told.code != "unknown":
        what = f"introspection cannot be judged: {probe.code}: {probe.message}"
        return [_finding(probe, "introspection", what, told.code, probe.message, policy, **told.data)]
    seen = "open" if shown else "refused"
    what = f"introspection is {seen}, promised {policy}"
    return [_finding(probe, "introspection", what, f"graphql.introspection.{seen}", seen, policy)]


def _of_introspection(probe: Observation) -> bool:
    """Whether an error speaks of introspection, or of documents that are not persisted: of what was asked, and not of
    who asks, nor of a service that is broken."""
    told = [f"{one.get('message')} {one.get('code')} {one.get('path')}" for one in probe.data.get("errors") or ()]
    return any(_INTROSPECTION.search(words) for words in told)


def _refused_otherwise(probe: Observation, told: graphql_codes.Explained) -> Finding:
    text = f"{probe.code}: {probe.message}" if probe.code else probe.message or f"status {probe.status}"
    what = f"introspection cannot be judged: the query is refused for another reason: {text}"
    code = "graphql.answer.unclear" if told.code == "unknown" else told.code
    found = _finding(probe, "introspection", what, code, text, "refused", **told.data)
    return replace(found, severity="insufficient")


def no_ide(pages: Sequence[Observation], promised: bool) -> list[Finding]:
    """Whether the browser IDE is as declared (`ide = false`: none is served)."""
    if pages and all(page.error for page in pages):
        return [_finding(pages[0], "ide", f"no page could be read: {pages[0].error}", "unknown")]
    if broken := [page for page in pages if page.server_error or page.status == 429]:
        what = f"{broken[0].data.get('url', '')} answers {broken[0].status}: whether an IDE is there is not seen"
        return [replace(_finding(broken[0], "ide", what, "unknown"), severity="insufficient")]
    served = [page for page in pages if page.data.get("ide")]
    if promised:
        return (
            []
            if served or not pages
            else [_finding(pages[0], "ide", "no IDE is served", "graphql.ide.missing", "none", "IDE")]
        )
    what = "a GraphQL IDE is served at {}"
    return [
        _finding(page, "ide", what.format(page.data.get("url", "")), "graphql.ide.open", "IDE", "none")
        for page in served
    ]


_INCONSISTENT = "graphql.metadata.inconsistent"


def _inconsistent(metadata: Observation | None) -> list[dict[str, str]]:
    objects = metadata.data.get("inconsistent_objects", []) if metadata is not None else []
    return [dict(item) for item in objects]


def _told(objects: list[dict[str, str]]) -> str:
    if not objects:
        return "metadata is inconsistent; next: get_inconsistent_metadata (with the admin secret)"
    first, more = objects[0], f" (and {len(objects) - 1} more)" if len(objects) > 1 else ""
    what = " ".join(first.get(key, "") for key in ("type", "name")).strip()
    return f"metadata is inconsistent: {what}: {first.get('reason', '')}{more}"


def _finding(
    seen_in: Observation, criterion: str, message: str, code: str, seen: str = "", promised: str = "", **data: object
) -> Finding:
    facts = {
        "status": seen_in.status,
        "operation": seen_in.operation,
        "error": seen_in.error,
        "user": seen_in.user,
        **data,
    }
    return Finding(criterion, seen_in.target, message, code, seen=seen, promised=promised, data=facts)
