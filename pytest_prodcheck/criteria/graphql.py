"""A GraphQL answer keeps its promise: data, no errors, and what the configuration expects (A6, A41, T4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_prodcheck.config.models import GraphqlExpectation
from pytest_prodcheck.criteria import exchange, expectations, graphql_codes
from pytest_prodcheck.observe import graphql_answer, strict_json
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.graphql_answer import Answer
from pytest_prodcheck.observe.observation import Json, Observation


def ready(observation: Observation) -> list[Finding]:
    """Whether a GraphQL engine answers at all. A refusal in GraphQL's or Hasura's form is an engine that is up (A6);
    so is Hasura's 404 for a GET of its route (T2). A 5xx with a result is up: `no_server_errors` judges it."""
    told = _Told(observation, graphql_answer.read(observation.body, _type(observation)), "ready")
    if observation.error or told.answer.shape == "graphql":
        return told.no_answer() or told.no_typename()
    if told.answer.shape == "engine_error" and not observation.server_error:
        return [] if observation.status != 404 or observation.operation.startswith("GET ") else [told.wrong_route()]
    if observation.status in (401, 403) and told.answer.shape == "json":
        return []
    return [told.not_graphql()] if not observation.server_error else [told.status()]


def succeeded(observation: Observation) -> bool:
    """Whether a client got all it asked for: 2xx, data neither null nor empty, no errors. A 5xx with data is none."""
    answer = graphql_answer.read(observation.body, _type(observation))
    ok = observation.status is not None and 200 <= observation.status < 300 and not observation.error
    return ok and answer.shape == "graphql" and answer.data_present and not answer.errors


def judge_operation(observation: Observation, expectation: GraphqlExpectation | None, *, now: float) -> list[Finding]:
    """What is wrong with the answer to one query.

    Errors are findings with status 200 too (T4), partial data names what is null. A 5xx is judged by
    `no_server_errors`; here only its errors are told, because they name the cause, and it never counts as success.
    """
    told = _Told(observation, graphql_answer.read(observation.body, _type(observation)), "expected_answer")
    if observation.error:
        return told.no_answer()
    if observation.server_error:
        return [told.errors()] if told.answer.errors else []
    if told.answer.shape == "engine_error":
        return [told.wrong_route() if observation.status == 404 else told.errors()]
    if told.answer.shape != "graphql":
        return [told.status() if observation.status in (401, 403, 429) else told.not_graphql()]
    return _judged_result(told, expectation, now)


def _judged_result(told: _Told, expectation: GraphqlExpectation | None, now: float) -> list[Finding]:
    answer, findings = told.answer, []
    errors_declared = expectation is not None and expectation.errors not in (None, "absent", [])
    if expectation is not None and errors_declared:
        findings += told.mismatches(expectation.errors, answer.raw_errors or [], "errors", now)
    elif answer.errors:
        findings.append(told.partial() if answer.data_present else told.errors())
    elif not answer.data_present:
        findings.append(told.null_data())
    elif not told.success_status:
        findings.append(told.status())
    if expectation is not None and expectation.data is not None and not findings:
        findings += told.mismatches(expectation.data, answer.data, "data", now)
    return findings


@dataclass(frozen=True, slots=True)
class _Told:
    """One answer, and the findings that can be made of it."""

    observation: Observation
    answer: Answer
    criterion: str

    def no_answer(self) -> list[Finding]:
        seen = self.observation
        return [self._finding(exchange.failure(seen), exchange.code(seen), seen.error, "data")] if seen.error else []

    def no_typename(self) -> list[Finding]:
        """`{__typename}` is answered by every engine; a REST service with `data` in its answers does not."""
        data = self.answer.data
        if self.answer.errors or (isinstance(data, dict) and "__typename" in data):
            return []
        return [self._finding("the answer to {__typename} holds no __typename", _NOT_GRAPHQL, "no __typename", "data")]

    @property
    def success_status(self) -> bool:
        """Whether the status is 2xx."""
        return self.observation.status is not None and 200 <= self.observation.status < 300

    def status(self) -> Finding:
        limited = self.observation.status == 429
        code = exchange.RATE_LIMITED if limited else exchange.code(self.observation)
        what = f"answered {self.observation.status}" + (
            "" if self.answer.shape == "graphql" else " without a GraphQL result"
        )
        return self._finding(what, code, str(self.observation.status), "data", "insufficient" if limited else "error")

    def not_graphql(self) -> Finding:
        shapes = {"html": "an HTML page", "empty": "an empty body", "json": "JSON without data and errors",
                  "list": "a JSON list, as a batch is answered"}  # fmt: skip
        seen = shapes.get(self.answer.shape, f"{_type(self.observation) or 'something'} that is not JSON")
        if self.observation.size > strict_json.LIMIT:
            read = f"more than the {strict_json.LIMIT // _MB} MB that are read as one answer"
            seen = f"{self.observation.size / _MB:.1f} MB, {read}"
        location = self.observation.headers.get("location", "")
        seen = f"a redirect to {location[:200]}" if location and self.observation.status in range(300, 400) else seen
        page = self.observation.body[:_PAGE].decode("utf-8", "replace") if self.answer.shape == "html" else ""
        what = f"the URL answers {self.observation.status} with {seen}, not GraphQL"
        return self._finding(what, _NOT_GRAPHQL, seen, "data", more={"body": page})

    def wrong_route(self) -> Finding:
        what = "Hasura answers, but has no such route: set the URL to …/v1/graphql"
        return self._finding(what, _NOT_GRAPHQL, "404", "data")

    def errors(self) -> Finding:
        """The first error stands for all: the others of one answer most often have its cause."""
        first = self.observation.data.get("errors") or [error.as_json() for error in self.answer.errors]
        text, code = str(first[0].get("message", "")), str(first[0].get("code", ""))
        explained = graphql_codes.explain(code, text, self.observation)
        more = f" (and {len(first) - 1} more)" if len(first) > 1 else ""
        status = f" with status {self.observation.status}" if self.observation.status else ""
        named = exchange.request_id(self.observation)
        found = f" ({named})" if named else ""
        what = f"errors{status}: {code}{': ' if code else ''}{text}{more}{explained.why}{found}"
        return self._finding(what, explained.code, text, "no errors", more=explained.data)

    def partial(self) -> Finding:
        finding = self.errors()
        nulls = ", ".join(self.answer.partial[:5])
        what = f"partial data: {nulls} is null" if nulls else "partial data: errors beside data"
        data = {**finding.data, "partial": list(self.answer.partial), "likely": finding.code}
        text = str(finding.data.get("text", ""))
        return self._finding(f"{what} ({text})", "graphql.data.partial", f"{nulls} null", "complete data", more=data)

    def null_data(self) -> Finding:
        seen = "null" if self.answer.data is None else "empty"
        return self._finding(f"data is {seen}, and no error says why", "graphql.data.null", seen, "data")

    def mismatches(self, promised: object, actual: Json, path: str, now: float) -> list[Finding]:
        return [
            self._finding(
                f"{found.path} is {found.seen}, promised {found.promised}",
                "graphql.data.unexpected",
                found.seen,
                found.promised,
            )
            for found in expectations.compare(promised, actual, now=now, path=path)
        ]

    def _finding(
        self,
        what: str,
        code: str,
        seen: str = "",
        promised: str = "",
        severity: Severity = "error",
        *,
        more: Mapping[str, Json] | None = None,
    ) -> Finding:
        shown = self.observation
        by = f" as {shown.user}" if shown.user else ""
        facts = {
            "status": shown.status,
            "operation": shown.operation,
            "user": shown.user,
            "role": shown.data.get("role", ""),
            "request_id": exchange.request_id(shown),
        }
        return Finding(
            self.criterion,
            shown.target,
            f"{shown.operation}{by}: {what}",
            code,
            severity,
            seen,
            promised,
            shown.subject,
            data={**facts, "error": shown.error, **(more or {})},
        )


_NOT_GRAPHQL = "graphql.endpoint.not_graphql"
_MB = 1024 * 1024
_PAGE = 500
"""Bytes of a page that are kept beside a finding: its title often names the cause."""


def _type(observation: Observation) -> str:
    return observation.headers.get("content-type", "")
