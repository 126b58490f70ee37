"""Whether the body of an answer is of the promised type, as promised, and fits its schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pytest_prodcheck.config.models import Endpoint
from pytest_prodcheck.criteria import components, expectations, schemas
from pytest_prodcheck.criteria.rendering import show
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.finding import Severity
from pytest_prodcheck.observe.observation import Json, Observation

_ERROR_KEYS = ("error", "errors")


class Problem(NamedTuple):
    """One thing that is wrong with a body."""

    code: str
    message: str
    seen: str
    promised: str
    severity: Severity = "error"


def problems(
    endpoint: Endpoint, observation: Observation, schema: Mapping[str, object] | None, now: float
) -> Iterator[Problem]:
    """What is wrong with the body by what the endpoint declares; where that is nothing, what the body itself says."""
    body = _Body(endpoint, observation, schema, now)
    if wrong := body.wrong_type():
        yield wrong
        return
    if not observation.body and endpoint.method == "HEAD":
        return
    try:
        document = strict_json.parse(observation.body)
    except ValueError as reason:
        yield from body.judged_as_text(str(reason))
        return
    yield from body.judged_as_json(document)


class _Body(NamedTuple):
    endpoint: Endpoint
    observation: Observation
    schema: Mapping[str, object] | None
    now: float

    @property
    def wants_json(self) -> bool:
        """Whether something is declared that only a JSON document can keep."""
        wanted = isinstance(self.endpoint.expect, Mapping | list | tuple | bool | int | float)
        return wanted or self.schema is not None or "json" in self.endpoint.content_type.lower()

    @property
    def type(self) -> str:
        """The media type without parameters, lower-case."""
        return self.observation.headers.get("content-type", "").split(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text, by its charset; what does not decode is replaced."""
        charset = re.search(r"charset=\"?([\w-]{1,20})", self.observation.headers.get("content-type", ""))
        try:
            return self.observation.body.decode(charset[1] if charset else "utf-8", "replace")
        except LookupError:
            return self.observation.body.decode("utf-8", "replace")

    def wrong_type(self) -> Problem | None:
        """A page where data is promised, or another media type than declared."""
        promised = self.endpoint.content_type.split(";")[0].strip().lower()
        is_html = strict_json.looks_like_html(self.observation.body, self.type)
        if is_html and "html" not in promised and (self.wants_json or promised):
            expected = promised or "application/json"
            return Problem("http.answer.html", f"answer is HTML, expected {expected}", self.type or "HTML", expected)
        if promised and self.type != promised:
            seen = self.type or "no Content-Type"
            message = f"Content-Type is {seen}, expected {promised}"
            return Problem("http.answer.wrong_content_type", message, seen, promised)
        return None

    def judged_as_text(self, reason: str) -> Iterator[Problem]:
        """A body that is no JSON."""
        if self.wants_json:
            seen = show(self.text[:60]) if self.observation.body else "an empty body"
            yield Problem("http.answer.not_json", f"answer is not JSON ({reason}): {seen}", seen, "application/json")
        elif self.endpoint.expect is not None:
            yield from self._unexpected(expectations.compare_text(str(self.endpoint.expect), self.text, now=self.now))

    def judged_as_json(self, document: Json) -> Iterator[Problem]:
        """A JSON body; a plain string also means the whole text of it."""
        expect = self.endpoint.expect
        if expect is None and self.schema is None:
            yield from self._undeclared(document)
            return
        if expect is not None:
            found = expectations.compare(expect, document, now=self.now)
            if found and isinstance(expect, str) and not isinstance(document, list | dict):
                found = expectations.compare_text(expect, self.text, now=self.now)
            elif found and isinstance(expect, str) and expect == self.text.removesuffix("\n"):
                found = []
            yield from self._unexpected(found) if found else self._error_object(document, "error")
        if self.schema is not None:
            for error in schemas.errors(document, self.schema):
                message = f"{error.path}: {error.message}"
                yield Problem("http.answer.schema", message, error.message, self.endpoint.schema_ or "the schema")

    def _unexpected(self, found: list[expectations.Mismatch]) -> Iterator[Problem]:
        for mismatch in found:
            message = str(mismatch)
            if not mismatch.path and mismatch.seen.startswith("an object with "):
                message = f"body has {mismatch.seen.removeprefix('an object with ')}, expected {mismatch.promised}"
            yield Problem("http.answer.unexpected_body", message, mismatch.seen, mismatch.promised)

    def _undeclared(self, document: Json) -> Iterator[Problem]:
        """Nothing is declared: a health document speaks for itself, and an error object at 2xx is a warning."""
        if components.speaks_of_health(self.observation.subject, self.endpoint.path):
            for finding in components.component_findings(document):
                yield Problem(finding.code, finding.message, finding.seen, finding.promised, finding.severity)
        else:
            yield from self._error_object(document, "warning")

    def _error_object(self, document: Json, severity: Severity) -> Iterator[Problem]:
        """A 2xx whose object says `error`: it keeps `size > 0` and `*`, and is none of what was promised."""
        if not isinstance(document, dict) or not 200 <= (self.observation.status or 0) < 300:
            return
        promised = self.endpoint.expect if isinstance(self.endpoint.expect, Mapping) else {}
        for key in _ERROR_KEYS:
            if key not in promised and document.get(key) and isinstance(document[key], str | dict | list):
                message = f"body has key {key} ({show(document[key])}) with status {self.observation.status}"
                yield Problem("http.answer.unexpected_body", message, show(document[key]), f"no {key}", severity)
