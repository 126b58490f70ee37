"""Loki and Google Cloud Logging over the wire, by what a server of theirs answers (R22, T22). Stand-ins: the real ones
are asked by nobody's tests."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from small_server import Answer, Asked, serving

from pytest_prodcheck.config.models import LogsTarget, Requests
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria.logs.fold import Folder
from pytest_prodcheck.observe.log import Digest
from pytest_prodcheck.targets.logs import sources
from pytest_prodcheck.targets.logs.prober import LogsProber
from pytest_prodcheck.targets.wire import Wire

LOKI, GOOGLE = "GET /loki/api/v1/query_range", "POST /v2/entries:list"
STREAM = {"app": "plan", "pod": "plan-app-1"}


def prober(url: str, kind: str, **keys: Any) -> LogsProber:
    """What reads logs of the server."""
    service = {
        "loki": {"loki": {"url": url, "query": '{app="plan"}'}},
        "google": {"google": {"url": url, "project": "plan", "filter": "x"}},
    }[kind]
    table = LogsTarget(**{**service, **keys})
    if table.google:  # as a reference to it is resolved
        with_token = table.google.model_copy(update={"token": "canary-token-of-google"})
        table = table.model_copy(update={"google": with_token})
    wire = Wire(Requests(), Redactor(), "test")
    wire.open("logs", table, (url,), table.headers, Path())
    return LogsProber("logs", table, Folder, sources.of("logs", table, None, "", wire, Path(), lambda *_: None))


def digest(kind: str, route: Any, **keys: Any) -> tuple[Digest, list[Asked]]:
    """What is read where the API answers so, and what was asked."""
    with serving() as server:
        server.routes[LOKI if kind == "loki" else GOOGLE] = route
        found: Digest = prober(server.url, kind, **keys).probe("", "", "", 1).facts["digest"]
        return found, server.asked


def pages(entries: list[tuple[int, str]]) -> Callable[[Asked], Answer]:
    """Loki's answer out of (nanoseconds, line): from `start` on, at most `limit`."""

    def answer(asked: Asked) -> Answer:
        query = {key: values[0] for key, values in parse_qs(urlsplit(asked.path).query).items()}
        chosen = [one for one in entries if int(query["start"]) <= one[0] < int(query["end"])][: int(query["limit"])]
        values = [[str(at), line] for at, line in chosen]
        return 200, {}, {"data": {"resultType": "streams", "result": [{"stream": STREAM, "values": values}]}}

    return answer


def test_loki_is_read_page_by_page() -> None:
    """Each entry once, also those at one nanosecond on two pages; several lines of one entry stay one record."""
    now = int((time.time() - 60) * 1e9)
    entries = [(now + n // 3, f'{{"level":"info","msg":"n{n}"}}') for n in range(4500)]
    entries[4000] = (
        entries[4000][0],
        "Traceback (most recent call last):\n  File \"/app/a.py\", line 1, in b\nKeyError: 'a'",
    )
    found, asked = digest("loki", pages(entries))
    assert found.lines == 4502
    assert len(asked) == 3
    assert [(group.title, group.count) for group in found.groups] == [("KeyError: 'a'", 1)]
    assert [stream.name for stream in found.streams] == ["app=plan,pod=plan-app-1"]
    assert found.gaps == ()


def test_google_is_read_page_by_page() -> None:
    """By its page tokens; JSON and text payloads, requests with their status."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime(time.time() - 60))
    one = {"timestamp": stamp, "resource": {"labels": {"service_name": "plan"}}}
    first = [
        {**one, "severity": "ERROR", "textPayload": "boom"},
        {
            **one,
            "severity": "INFO",
            "httpRequest": {"requestMethod": "GET", "requestUrl": "https://a/b", "status": 500},
        },
    ]
    second = [{**one, "severity": "INFO", "jsonPayload": {"message": "fine"}}]

    def answer(asked: Asked) -> Answer:
        body = json.loads(asked.body)
        assert body["filter"].startswith("(x) AND timestamp>=")
        if body.get("pageToken"):
            return 200, {}, {"entries": second}
        return 200, {}, {"entries": first, "nextPageToken": "next"}

    found, asked = digest("google", answer)
    assert [one.headers["authorization"] for one in asked] == ["Bearer canary-token-of-google"] * 2
    assert {(group.kind, group.title) for group in found.groups} == {("error", "boom"), ("status", "GET /b 500")}
    assert (found.lines, found.streams[0].requests) == (3, 1)


@pytest.mark.parametrize("kind", ["loki", "google"])
@pytest.mark.parametrize(
    ("route", "code", "refused"),
    [
        ((401, {}, "no"), "logs.source.forbidden", True),
        ((403, {}, {"error": {"message": "no"}}), "logs.source.forbidden", True),
        ((400, {}, "parse error at line 1"), "logs.source.rejected", False),
        ((200, {}, "<html>log in</html>"), "logs.source.rejected", False),
        ((503, {}, "overloaded"), "logs.source.unreachable", False),
    ],
)
def test_what_is_no_answer_is_said(kind: str, route: Any, code: str, refused: bool) -> None:
    """At the look for it; and in the middle of reading, as a gap."""
    with serving() as server:
        server.routes[LOKI if kind == "loki" else GOOGLE] = route
        problem = prober(server.url, kind).ready().facts["problem"]
    assert (problem["code"], problem["refused"]) == (code, refused)
    found, _ = digest(kind, route)
    assert [gap.reason for gap in found.gaps] == ["refused" if refused else "unreadable"]


def test_nobody_there() -> None:
    """Nothing listens where Loki should be."""
    assert prober("http://127.0.0.1:1", "loki").ready().facts["problem"]["code"] == "logs.source.unreachable"


def test_a_metric_query_has_no_lines() -> None:
    """`rate(…)` gives numbers."""
    route = (200, {}, {"data": {"resultType": "matrix", "result": []}})
    with serving() as server:
        server.routes[LOKI] = route
        problem = prober(server.url, "loki").ready().facts["problem"]
    assert "a metric query" in problem["message"]


@pytest.mark.parametrize(
    "said",
    [{"data": {"resultType": "streams", "result": [None, {"stream": 7, "values": [[1], "x", ["a", "b"], [{}, 2]]}]}}],
)
def test_hostile_streams(said: Any) -> None:
    """Other types than Loki's are no lines."""
    found, _ = digest("loki", (200, {}, said))
    assert found.lines == 0


@pytest.mark.parametrize("entry", [None, 7, {"resource": 7}, {"resource": {"labels": []}, "httpRequest": "x"}, {}])
def test_hostile_entries(entry: Any) -> None:
    """Other types than Google's are no crash."""
    found, _ = digest("google", (200, {}, {"entries": [entry], "nextPageToken": None}))
    assert found.gaps == ()


def test_a_limit_of_the_server_cuts_nothing_off() -> None:
    """It gives fewer entries than it is asked for, and more when it is asked on."""
    now = int((time.time() - 60) * 1e9)
    entries = [(now + n, f'{{"level":"error","msg":"n{n}"}}') for n in range(250)]
    whole = pages(entries)

    def answer(asked: Asked) -> Answer:
        status, headers, body = whole(asked)
        stream = body["data"]["result"][0]
        return status, headers, {"data": {**body["data"], "result": [{**stream, "values": stream["values"][:100]}]}}

    found, _ = digest("loki", answer)
    assert (found.lines, found.gaps) == (250, ())


def test_more_lines_than_are_wanted_end_the_reading() -> None:
    """Of Loki, too: no further page is asked for."""
    now = int((time.time() - 60) * 1e9)
    found, asked = digest("loki", pages([(now + n, "x") for n in range(9000)]), lines=100)
    assert [gap.reason for gap in found.gaps] == ["lines"]
    assert len(asked) == 1


@pytest.mark.parametrize("at", ["²", "9" * 30, "-1", "1e9", ""])
def test_entries_at_no_time_stop_nothing(at: str) -> None:
    """What cannot be a time of Loki's is left out."""
    values = [[at, "level=error msg=x"], [str(time.time_ns() - 10**9), "level=error msg=y"]]
    found, _ = digest(
        "loki", (200, {}, {"data": {"resultType": "streams", "result": [{"stream": {}, "values": values}]}})
    )
    assert [group.title for group in found.groups] == ["y"]
