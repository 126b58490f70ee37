"""The client of the API: pages, limits, refusals. A stand-in answers here what a real API server does not say on
demand: 429, 410, garbage; `tests/cluster` asks the real one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import kubeconfigs
import pytest
from small_server import Asked, serving

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.request import HttpRequest
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem

PODS = "/api/v1/namespaces/plan-prod/pods"


def answer(route: Any, ask: Any, folder: Path, path: str = PODS) -> Any:
    """What the client makes of an answer of the server; and what was asked."""
    with serving() as server:
        server.routes[f"GET {path}"] = route
        result = ask(kubeconfigs.api(kubeconfigs.write(folder / "config", server.url)))
    return result, server.asked


def pods(api: Any) -> Any:
    """All pods, in full."""
    return api.list("pods", "plan-prod")


def pages(asked: Asked) -> tuple[int, dict[str, str], Any]:
    """Two pages."""
    first = "continue=" not in asked.path
    return 200, {}, {"items": [{"n": 1 if first else 2}], "metadata": {"continue": "next" if first else ""}}


def test_pages_are_followed(tmp_path: Path) -> None:
    """By their continue token, until there is none."""
    listing, asked = answer(pages, pods, tmp_path)
    assert [item["n"] for item in listing.items] == [1, 2]
    assert "limit=250" in asked[0].path


def test_a_table_is_asked_for_without_objects(tmp_path: Path) -> None:
    """Rows alone, with their columns; a server that makes no Tables gives objects."""
    rows = {"kind": "Table", "columnDefinitions": [{"name": "Name"}], "rows": [{"cells": ["a"]}], "metadata": {}}
    listing, asked = answer((200, {}, rows), lambda api: api.table("pods", "plan-prod"), tmp_path)
    assert listing.table.names == ("a",)
    assert "as=Table;v=v1;g=meta.k8s.io" in asked[0].headers["accept"]
    assert "includeObject=None" in asked[0].path
    plain, _ = answer((200, {}, {"items": [{}]}), lambda api: api.table("pods", "plan-prod"), tmp_path)
    assert (plain.table, plain.items) == (None, ({},))


def test_an_expired_list_is_begun_again(tmp_path: Path) -> None:
    """410 Gone on the way: the pages that were read are of another moment."""
    gone = []

    def route(asked: Asked) -> tuple[int, dict[str, str], Any]:
        if "continue=" in asked.path and not gone:
            gone.append(asked)
            return 410, {}, {"message": "The provided continue parameter is too old"}
        return pages(asked)

    listing, _ = answer(route, pods, tmp_path)
    assert [item["n"] for item in listing.items] == [1, 2]


def test_too_many_requests_are_waited_for(tmp_path: Path) -> None:
    """429 with Retry-After: asked again after that, and not before."""
    said: list[float] = []

    def route(asked: Asked) -> tuple[int, dict[str, str], Any]:
        said.append(time.monotonic())
        return (429, {"Retry-After": "1"}, {}) if len(said) == 1 else (200, {}, {"items": []})

    answer(route, pods, tmp_path)
    assert said[1] - said[0] >= 0.95


def test_a_server_that_stays_busy_is_a_cause(tmp_path: Path) -> None:
    """After four times."""
    with pytest.raises(ApiProblem) as raised:
        answer((429, {"Retry-After": "0"}, {"message": "too many"}), pods, tmp_path)
    assert raised.value.code == "cluster.api.throttled"


def test_a_pause_that_is_longer_than_the_run_is_a_server_that_is_busy(tmp_path: Path) -> None:
    """Nothing is sent after it; the cause is the 429, not that we stopped."""
    with serving() as server:
        server.routes[f"GET {PODS}"] = (429, {"Retry-After": "3600"}, {"message": "slow down"})
        api = kubeconfigs.api(kubeconfigs.write(tmp_path / "config", server.url))
        with pytest.raises(ApiProblem, match=r"429: slow down \(Retry-After 3600\)") as raised:
            api.list("pods", "plan-prod")
    assert raised.value.code == "cluster.api.throttled"


def test_a_page_that_is_too_large_is_asked_for_in_parts(tmp_path: Path) -> None:
    """Objects may have a megabyte each."""

    def route(asked: Asked) -> tuple[int, dict[str, str], Any]:
        return 200, {}, {"items": [{"big": "x" * (9_000_000 if "limit=250" in asked.path else 3)}]}

    listing, asked = answer(route, pods, tmp_path)
    assert len(listing.items) == 1
    assert "limit=31" in asked[1].path


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, "<html>", "cluster.api.failing"),
        (200, "[" * 100_000, "cluster.api.failing"),
        (200, '"\\ud800"', "cluster.api.failing"),
        (500, "", "cluster.api.failing"),
        (403, '{"message": "pods is forbidden"}', "cluster.rbac.forbidden"),
        (404, "{}", "cluster.api.not_found"),
        (302, "", "cluster.api.failing"),
    ],
)
def test_what_is_no_list_is_a_cause(status: int, body: str, code: str, tmp_path: Path) -> None:
    """Garbage, deep nesting, errors, a redirect."""
    with pytest.raises(ApiProblem) as raised:
        answer((status, {"Location": "/elsewhere"}, body.encode()), pods, tmp_path)
    assert (raised.value.code, "GET" in str(raised.value)) == (code, True)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "Status", "status": "Success"}, "a Status without a list in it"),
        ({"login": "https://sso.test"}, "a document without a list in it"),
        ({"kind": "PodList", "items": {"a": 1}}, "a PodList without a list in it"),
        ({"kind": "Table", "rows": "none"}, "a Table without a list in it"),
        ({"kind": "Table", "rows": [{"cell": ["a"]}]}, "rows and columns do not fit"),
        ({"items": [], "metadata": {"remainingItemCount": 7}}, "no way to the rest"),
    ],
)
def test_an_answer_that_lists_nothing_is_no_empty_list(body: Any, says: str, tmp_path: Path) -> None:
    """A log-in page in JSON, a Status with 200, a list that was cut: none of them means that there is nothing."""
    with pytest.raises(ApiProblem, match=says) as raised:
        answer((200, {}, body), lambda api: api.table("pods", "plan-prod"), tmp_path)
    assert (raised.value.code, "is http://127.0.0.1" in str(raised.value)) == ("cluster.api.failing", True)


def test_a_page_that_is_turned_and_stays_is_no_list(tmp_path: Path) -> None:
    """Something that answers the same to everything would be asked until the run ends."""
    with pytest.raises(ApiProblem, match="the same page again") as raised:
        answer((200, {}, {"items": [], "metadata": {"continue": "a"}}), pods, tmp_path)
    assert raised.value.code == "cluster.api.failing"


def test_no_page_of_another_form_is_lost(tmp_path: Path) -> None:
    """Two servers behind one address: one makes Tables, the other objects, or other columns."""
    first = {"kind": "Table", "columnDefinitions": [{"name": "Name"}], "rows": [{"cells": ["a"]}]}
    for second in ({"items": [{}]}, {**first, "columnDefinitions": [{"name": "Ready"}]}):

        def route(asked: Asked, second: Any = second) -> tuple[int, dict[str, str], Any]:
            more = "continue=" not in asked.path
            return 200, {}, {**(first if more else second), "metadata": {"continue": "x" if more else ""}}

        with pytest.raises(ApiProblem, match="rows and columns do not fit"):
            answer(route, lambda api: api.table("pods", "plan-prod"), tmp_path)


def test_another_object_is_not_the_one_that_was_asked_for(tmp_path: Path) -> None:
    """A namespace exists where the server says its name; a version is one of Kubernetes."""
    other = {"kind": "Pod", "metadata": {"name": "other"}}
    with pytest.raises(ApiProblem, match=r"the answer is Pod other; is http.* an API server"):
        answer((200, {}, other), lambda api: api.get("pods", "mine", "plan-prod"), tmp_path, f"{PODS}/mine")
    with pytest.raises(ApiProblem, match="no version of Kubernetes"):
        answer((200, {}, {"version": "2.1"}), lambda api: api.version(), tmp_path, "/version")


def test_the_guard_stands_before_the_wire(tmp_path: Path) -> None:
    """Whoever has the wire cannot exec with it."""
    with serving() as server:
        api = kubeconfigs.api(kubeconfigs.write(tmp_path / "config", server.url))
        with pytest.raises(Refused, match="not a read"):
            api._wire.send(HttpRequest("cluster", "GET", f"{server.url}{PODS}/a/exec?command=sh"))
        with pytest.raises(Refused, match="verb delete is denied"):
            api._wire.send(HttpRequest("cluster", "DELETE", f"{server.url}{PODS}/a"))
    assert server.asked == []
