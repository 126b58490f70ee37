"""What Loki and Google Cloud Logging share: asked over the wire, refused or not, entries as stamped lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe import strict_json
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.logs.reading import SourceProblem
from pytest_prodcheck.targets.wire import Wire

_UNREACHABLE, _REFUSED, _REJECTED = "logs.source.unreachable", "logs.source.forbidden", "logs.source.rejected"


@dataclass
class Web:
    """One HTTP API that gives log entries."""

    wire: Wire
    target: str
    table: LogsTarget

    def ask(self, request: HttpRequest) -> Mapping[str, Any]:
        """The JSON object of a 2xx answer. Raises SourceProblem for all else, refused where the answer is 401 or
        403."""
        try:
            seen = self.wire.send(request)
        except Refused as refusal:
            raise SourceProblem(self.target, str(refusal), _REJECTED) from None
        if seen.error or seen.status != 200:
            raise self._problem(request, seen)
        said = strict_json.table(seen.body)
        if said is None:
            text = f"{request.operation}: the answer is no JSON object; is the address right?"
            raise SourceProblem(self.target, text, _REJECTED)
        return said

    def _problem(self, request: HttpRequest, seen: Observation) -> SourceProblem:
        said = " ".join((seen.message or seen.excerpt).split())[:200]
        if seen.status in (401, 403):
            text = f"cannot read logs: {seen.status} for {request.operation}: {said}"
            return SourceProblem(self.target, text, _REFUSED, refused=True)
        if seen.status is None or seen.status in (429, 502, 503, 504):
            text = f"cannot read logs: {request.operation} got {seen.status or seen.error}: {said}"
            return SourceProblem(self.target, text, _UNREACHABLE)
        return SourceProblem(self.target, f"{request.operation} was rejected ({seen.status}): {said}", _REJECTED)


def stamped(time: str, line: str) -> bytes:
    """An entry as lines that each begin with its time."""
    before = f"\n{time} "
    return f"{time} {line.rstrip().replace(chr(10), before)}\n".encode("utf-8", "replace")
