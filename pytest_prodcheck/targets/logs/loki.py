"""Lines of Loki: `query_range`, oldest first, page by page (Grafana Loki HTTP API)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from pytest_prodcheck.config.models import Loki as LokiTable
from pytest_prodcheck.observe.log import Origin
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.logs.reading import Reading, SourceProblem, stamp
from pytest_prodcheck.targets.logs.web import Web, stamped

_LINES, _PAGES = 2000, 5000
_NANOSECONDS = re.compile(r"[0-9]{1,19}")
_SHOWN = ("namespace", "app", "job", "pod", "container", "service_name", "filename", "instance")


class Loki:
    """The streams of one query."""

    def __init__(self, web: Web, loki: LokiTable) -> None:
        self._web, self._loki = web, loki

    def look(self) -> None:
        """Loki answers the query."""
        self._page(0, 1_000_000_000, 1)

    def rollout(self) -> float | None:
        """Loki does not know."""
        return None

    def read(self, reading: Reading) -> None:
        """All entries of the window. Of entries at one nanosecond the page's border is read twice, and told once."""
        start, end = int(reading.window.before * 1e9), int(reading.window.until * 1e9) + 1
        border: set[tuple[str, str]] = set()
        most = 1
        for _ in range(_PAGES):
            if not reading.open("loki"):
                break
            streams = self._page(start, end, _LINES)
            entries = sum(len(values) for _, values in streams)
            newest, border = self._hand_on(streams, start, border, reading)
            if reading.over or not entries or entries < most:
                return
            if newest <= start:
                if entries >= _LINES:
                    reading.lose("loki", "lines", f"more than {_LINES} entries at one nanosecond")
                return
            start, most = newest, max(most, entries)  # a server's own limit may be less than ours
        else:
            reading.lose("loki", "lines", f"more than {_PAGES} pages")

    def _hand_on(
        self,
        streams: list[tuple[Origin, list[tuple[str, str]]]],
        start: int,
        border: set[tuple[str, str]],
        reading: Reading,
    ) -> tuple[int, set[tuple[str, str]]]:
        """Hands entries on that the page before did not have; gives the time of the newest, and the entries at it."""
        newest, at_newest = start, set(border)
        for origin, values in streams:
            block = bytearray()
            for time, line in values:
                if int(time) == start and (origin.name + time, line) in border:
                    continue
                if int(time) > newest:
                    newest, at_newest = int(time), set()
                if int(time) == newest:
                    at_newest.add((origin.name + time, line))
                block += stamped(stamp(int(time) / 1e9), line)
            if block and not reading.take(origin, bytes(block)):
                break
        return newest, at_newest

    def _page(self, start: int, end: int, lines: int) -> list[tuple[Origin, list[tuple[str, str]]]]:
        query = {"query": self._loki.query, "start": start, "end": end, "limit": lines, "direction": "forward"}
        path = "/loki/api/v1/query_range"
        request = HttpRequest(
            self._web.target, "GET", f"{self._loki.url.rstrip('/')}{path}?{urlencode(query)}",
            timeout=self._web.table.timeout, kind="readiness", operation=f"GET {path}",
        )  # fmt: skip
        said = self._web.ask(request).get("data")
        found = said.get("result") if isinstance(said, Mapping) else None
        if not isinstance(found, list) or (isinstance(said, Mapping) and said.get("resultType") != "streams"):
            text = "the query gives no log streams: a metric query (rate, count_over_time) has no lines"
            raise SourceProblem(self._web.target, text, "logs.source.rejected")
        return [_stream(one) for one in found if isinstance(one, Mapping)]


def _stream(said: Mapping[str, Any]) -> tuple[Origin, list[tuple[str, str]]]:
    marks = said.get("stream")
    known = {str(key): str(value)[:100] for key, value in marks.items()} if isinstance(marks, Mapping) else {}
    name = ",".join(f"{key}={known[key]}" for key in _SHOWN if key in known) or ",".join(sorted(known.values()))[:200]
    values = said.get("values")
    rows = values if isinstance(values, list) else []
    entries = [(str(row[0]), str(row[1])) for row in rows if isinstance(row, list) and len(row) >= 2]
    return Origin(name or "loki", stamped=True, facts=known), [
        (at, line) for at, line in entries if _NANOSECONDS.fullmatch(at)
    ]
