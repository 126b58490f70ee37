"""Entries of Google Cloud Logging: `entries:list`, oldest first, page by page (Cloud Logging API v2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_prodcheck.config.models import Google as GoogleTable
from pytest_prodcheck.observe.log import Origin
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.logs.reading import Reading, stamp
from pytest_prodcheck.targets.logs.web import Web, stamped

_ENTRIES, _PAGES = 1000, 5000
_SHOWN = ("service_name", "pod_name", "container_name", "instance_id", "function_name", "revision_name")


class Google:
    """The entries of one filter in one project."""

    def __init__(self, web: Web, google: GoogleTable) -> None:
        self._web, self._google = web, google

    def look(self) -> None:
        """The API answers the filter."""
        self._page("2000-01-01T00:00:00Z", "2000-01-01T00:00:01Z", "", 1)

    def rollout(self) -> float | None:
        """The API does not know."""
        return None

    def read(self, reading: Reading) -> None:
        """All entries of the window."""
        token, since, until = "", stamp(reading.window.before), stamp(reading.window.until)
        for _ in range(_PAGES):
            if not reading.open("google"):
                return
            page = self._page(since, until, token, _ENTRIES)
            entries = page.get("entries")
            for entry in entries if isinstance(entries, list) else []:
                if isinstance(entry, Mapping) and not reading.take(*_line(entry)):
                    return
            token = str(page.get("nextPageToken") or "")
            if not token:
                return
        reading.lose("google", "lines", f"more than {_PAGES} pages")

    def _page(self, since: str, until: str, token: str, size: int) -> Mapping[str, Any]:
        own = f"({self._google.filter}) AND " if self._google.filter else ""
        body = {
            "resourceNames": [f"projects/{self._google.project}"], "orderBy": "timestamp asc", "pageSize": size,
            "filter": f'{own}timestamp>="{since}" AND timestamp<="{until}"', **({"pageToken": token} if token else {}),
        }  # fmt: skip
        headers = {"content-type": "application/json"}
        headers |= {"authorization": f"Bearer {self._google.token}"} if self._google.token else {}
        request = HttpRequest(
            self._web.target, "POST", f"{self._google.url.rstrip('/')}/v2/entries:list", headers,
            json.dumps(body).encode(), timeout=self._web.table.timeout, kind="readiness",
            operation="POST /v2/entries:list",
        )  # fmt: skip
        return self._web.ask(request)


def _line(entry: Mapping[str, Any]) -> tuple[Origin, bytes]:
    """The entry as one line: its text, or its JSON with severity and request beside it."""
    resource = entry.get("resource") if isinstance(entry.get("resource"), Mapping) else {}
    marks = resource.get("labels") if isinstance(resource, Mapping) else None
    known = {str(key): str(value)[:100] for key, value in marks.items()} if isinstance(marks, Mapping) else {}
    name = "/".join(known[key] for key in _SHOWN if key in known) or str(entry.get("logName") or "google")[:200]
    said = {"time": entry.get("timestamp"), "severity": entry.get("severity") or "DEFAULT"}
    payload = entry.get("jsonPayload")
    said |= payload if isinstance(payload, Mapping) else {"textPayload": str(entry.get("textPayload") or "")}
    said |= {"httpRequest": entry["httpRequest"]} if isinstance(entry.get("httpRequest"), Mapping) else {}
    text = json.dumps(said, ensure_ascii=False)
    return Origin(name, stamped=True, facts=known), stamped(str(entry.get("timestamp") or ""), text)
