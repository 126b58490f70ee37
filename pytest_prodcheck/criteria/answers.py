"""The criterion `expected_answer`: status, redirects, body, headers and freshness of one answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import Endpoint
from pytest_prodcheck.criteria import bodies, components, exchange, expectations
from pytest_prodcheck.criteria.staleness import why_stale
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.observation import Observation

CRITERION = "expected_answer"
_DOCUMENT = 500
"""Bytes of a health document that are kept beside a finding."""

_LOGIN = compiled(r"(?<![a-z])(?:log-?_?in|sign-?_?in|sso|oauth2?|authorize|session/new|accounts/login)(?![a-z])")


def expected_answer(
    endpoint: Endpoint, observation: Observation, *, now: float, schema: Mapping[str, object] | None = None
) -> list[Finding]:
    """What is not as the endpoint declares, most telling first: body and headers only of an answer with a right status.

    A 5xx that is not declared gives nothing here: `no_server_errors` has it, on every test. `schema` is the parsed JSON
    Schema of the endpoint; `now` the time in seconds since the epoch at which ages are judged.
    """
    answer = _Answer(endpoint, observation, now)
    if observation.error:
        return [answer.failed()]
    if exchange.rate_limited(observation) and 429 not in endpoint.status:
        wait = observation.headers.get("retry-after", "")
        message = f"{observation.operation} answered 429" + (f", retry after {wait} s" if wait.isdigit() else "")
        return [answer.finding(message, exchange.RATE_LIMITED, "429", answer.promised, "insufficient")]
    if not answer.status_is_right:
        return [] if observation.server_error else [answer.wrong_status()]
    return [*answer.headers(), *answer.body(schema)]


class _Answer(NamedTuple):
    endpoint: Endpoint
    observation: Observation
    now: float

    @property
    def status_is_right(self) -> bool:
        status = self.observation.status or 0
        return status in self.endpoint.status if self.endpoint.status else 200 <= status < 300

    @property
    def promised(self) -> str:
        return " or ".join(map(str, self.endpoint.status)) or "2xx"

    def failed(self) -> Finding:
        severity: Severity = "insufficient" if self.observation.error == "stopped" else "error"
        message, code = exchange.failure(self.observation), exchange.code(self.observation)
        return self.finding(message, code, self.observation.error, "an answer", severity)

    def wrong_status(self) -> Finding:
        status = self.observation.status or 0
        if 300 <= status < 400 and status != 304:
            return self._redirected()
        code = "http.answer.unexpected_status" if 200 <= status < 300 else "unknown"
        message = f"{self.observation.operation} answers {status}, expected {self.promised}"
        if 200 <= status < 300 and set(self.endpoint.status) & {401, 403}:
            message += f": it is open to {self.observation.user or 'everybody'}"
            code = code if self.observation.user or self.endpoint.headers else "auth.anonymous.accepted"
        return self.finding(message, code, str(status), self.promised)

    def _redirected(self) -> Finding:
        location = self.observation.headers.get("location", "")
        where = location.split("?")[0].split("#")[0] or "nowhere"
        message = f"{self.observation.operation} answers {self.observation.status} to {where}, expected {self.promised}"
        to_login = _LOGIN.search(where.lower()) is not None
        if to_login and self.observation.user:
            message = f"redirected to {where}: the credential was not accepted"
        elif to_login:
            message = f"redirected to {where}: a login is wanted, and the endpoint names no user (`as`)"
        return self.finding(message, "http.answer.redirected", f"{self.observation.status} {where}", self.promised)

    def headers(self) -> Iterator[Finding]:
        """Declared headers, and a cache that answers in place of the origin."""
        found = self.observation.headers
        for name, expected in self.endpoint.expect_headers.items():
            actual: object = found.get(name.lower(), expectations.MISSING)
            for mismatch in expectations.compare(expected, actual, now=self.now, path=name):
                message = f"{self.observation.operation}: header {mismatch}"
                yield self.finding(message, "http.answer.headers", mismatch.seen, mismatch.promised)
        if old := why_stale(found):
            yield self.finding(f"{self.observation.operation}: {old}", "http.cache.stale", old, "a fresh answer")

    def body(self, schema: Mapping[str, object] | None) -> Iterator[Finding]:
        """Content type, expectation and schema of the body."""
        for problem in bodies.problems(self.endpoint, self.observation, schema, self.now):
            message = f"{self.observation.operation}: {problem.message}"
            found = self.finding(message, problem.code, problem.seen, problem.promised, problem.severity)
            yield replace(found, data={**found.data, "body": self._document(problem.code)})

    def _document(self, code: str) -> str:
        """The beginning of what names the cause: a health document (R23), a page in place of data."""
        health = components.speaks_of_health(self.observation.subject, self.endpoint.path)
        if not health and code != "http.answer.html":
            return ""
        return self.observation.body[:_DOCUMENT].decode("utf-8", "replace")

    def finding(self, message: str, code: str, seen: str, promised: str, severity: Severity = "error") -> Finding:
        """A finding of this criterion about this endpoint."""
        return Finding(
            CRITERION,
            self.observation.target,
            message,
            code,
            severity,
            seen,
            promised,
            self.observation.subject,
            data=exchange.facts(self.observation),
        )
