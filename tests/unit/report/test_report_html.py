"""report.html: one file, offline, in which nothing that a target said can act; and its drawings."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest
from report_results import finding, run

from pytest_prodcheck.observe.finding import Cause
from pytest_prodcheck.observe.load import Live
from pytest_prodcheck.observe.result import CheckVerdict
from pytest_prodcheck.report import html, load, markdown, svg

EVIL = (
    "</title></style></svg><script>alert(1)</script><img src=x onerror=alert(2)>\"'><a href='javascript:x'>&\x1b[2J\x00"
)
VOID = {"meta", "br", "img", "input", "link"}


def row(**changes: Any) -> dict[str, Any]:
    """One load scenario."""
    figures = {"n": 1000, "errors": 3, "rate": 16.6, "mean": 0.05, "deviation": 0.01, "p50": 0.048, "p90": 0.06,
               "p95": 0.08, "p99": 0.2, "max": 0.9}  # fmt: skip
    slot = {"requests": 16, "errors": 0, "users": 5, "cpu": 0.2, "lag": 0.001, "p50": 0.05, "p95": 0.1}
    points = [{"at": float(at), **slot} for at in range(60)]
    base = {"scenario": "browse", "model": "closed model, up to 5 users", "ending": "finished", "message": "",
            "duration_s": 60.0, "warm_up_s": 10.0, "planned": 0, "sent": 1000, "unfinished": 0, "unstarted": 0,
            "bottleneck": "", **figures, "unknown": 0, "populations": "", "names": [{"name": "GET /a", **figures}],
            "errors_by_kind": [{"name": "GET /a", "kind": "status", "message": "500", "number": 3}],
            "distribution": [[0.04, 0.05, 900], [0.05, 0.06, 97]], "timeline": points,
            "watched": [{"target": "database", "figure": "connections", "points": [[0.0, 4], [30.0, 90]]}]}  # fmt: skip
    return {**base, **changes}


def page(**changes: Any) -> str:
    """The document of a run with load."""
    return "".join(html.render(replace(run(), **{"load": (row(),), **changes})))


class Elements(HTMLParser):
    """All elements with their attributes, and whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def hostile() -> str:
    """A document in which every word of a target's is an attack."""
    bad = {**finding(), "message": EVIL}
    cause = Cause("unknown", EVIL, EVIL, EVIL, EVIL, (EVIL,), (EVIL,), EVIL, EVIL)
    check = CheckVerdict(EVIL, EVIL, "fail", findings=(bad,), message=EVIL)
    figures = {key: row()[key] for key in ("n", "errors", "rate", "mean", "p50", "p95", "p99", "max")}
    evil = row(scenario=EVIL, model=EVIL, message=EVIL, ending="aborted", bottleneck=EVIL, populations=EVIL,
               names=[{"name": EVIL, **figures}],
               errors_by_kind=[{"name": EVIL, "kind": EVIL, "message": EVIL, "number": 1}],
               watched=[{"target": EVIL, "figure": EVIL, "points": [[0, 1], [1, 2]]}])  # fmt: skip
    return page(causes=(cause,), checks=(check,), notes=(EVIL,), left_out=({"id": EVIL, "reason": EVIL},), load=(evil,),
                environment=EVIL, targets=({**_target(), "target": EVIL},))  # fmt: skip


def _target() -> dict[str, Any]:
    return {"target": "http", "checks": 1, "pass": 1, "fail": 0, "blocked": 0, "insufficient": 0, "n": 0, "errors": 0}


@pytest.mark.parametrize("text", [page(), hostile()], ids=["ordinary", "hostile"])
def test_nothing_in_it_acts_or_is_loaded(text: str) -> None:
    """No script, link, form, frame, image, handler, style attribute or address, whatever a target said."""
    elements = Elements(text).found
    allowed = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ul", "li", "code", "table", "tr",
               "th", "td", "svg", "rect", "line", "polyline", "circle", "text"}  # fmt: skip
    assert {tag for tag, _ in elements} <= allowed
    names = {name for _, attributes in elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("style", "href", "src", "action", "srcset")]
    assert not re.search(r"(url\(|@import|expression\()", text.split("</style>")[0])
    assert [value for tag, attributes in elements for value in attributes.values() if value and "://" in value] == [
        "http://www.w3.org/2000/svg"
    ] * sum(tag == "svg" for tag, _ in elements)


def test_its_policy_allows_its_style_alone() -> None:
    """By its hash; a changed style would not be shown, an injected one neither."""
    text = page()
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]  # type: ignore[index]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(one["content"] for tag, one in Elements(text).found if one.get("http-equiv"))
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_it_says_what_the_verdict_says() -> None:
    """Headline, causes, checks that are not green, load with its figures and errors."""
    words = " ".join(Elements(page()).text)
    for piece in ("browse", "GET /a", "p95 80ms", "mean 50ms", "database connections", "status"):
        assert piece in words, piece


def test_drawings_are_well_formed() -> None:
    """As XML, too, with hostile names; points lie within the drawing."""
    found = [one for text in (page(), hostile()) for one in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]
    assert len(found) == 4
    for drawing in found:
        root = ElementTree.fromstring(drawing.replace("\x1b", "").replace("\x00", ""))
        box = [float(number) for number in root.get("viewBox", "").split()]
        for line in root.iter("{http://www.w3.org/2000/svg}polyline"):
            for point in line.get("points", "").split():
                x, y = map(float, point.split(","))
                assert 0 <= x <= box[2]
                assert 0 <= y <= box[3]


def test_drawings_of_little_or_nothing() -> None:
    """No points, one, all zero, infinite ones: no division by zero, and no drawing of nothing."""
    assert svg.timeline([], 60) == svg.timeline([svg.Panel("x", [svg.Line("", [])])], 60) == ""
    assert svg.timeline([svg.Panel("x", [svg.Line("", [(0, 1)])])], 0) == ""
    assert "circle" in svg.timeline([svg.Panel("x", [svg.Line("", [(0, 0)])])], 60)
    assert "nan" not in svg.timeline(
        [svg.Panel("x", [svg.Line("", [(0, float("nan")), (1, 2), (2, float("inf"))])])], 60
    )
    assert svg.distribution([], []) == svg.distribution([[0, 0, 5]], []) == ""
    assert "rect" in svg.distribution([[0.1, 0.2, 0]], [("p50", 0.15), ("p95", float("inf"))])
    assert "nothing was answered" in load.figures(row(mean=None, p50=None, p95=None, p99=None, rate=0.0))


def test_the_summary_has_a_table_of_load() -> None:
    """One row for all, one a name, mean and p95 in both (T9); pipes and markup of names are escaped."""
    text = markdown.render(replace(run(), load=(row(names=[{**row(), "name": "GET /a|b<i>"}]),)))
    assert "| browse | 1000 | 3 | 16.6 | 50ms | 48ms | 80ms | 200ms | 900ms |" in text
    assert "| GET /a\\|b&lt;i&gt; |" in text
    assert "| GET /a | status | 500 | 3 |" in text


def test_the_terminal_has_a_line_a_scenario() -> None:
    """With the model, and what most of the errors were."""
    first, second = load.lines([row()])
    assert first.startswith("load browse    closed model, up to 5 users: 1000 requests, 3 errors, 16.6/s, mean 50ms")
    assert second == "  100 % of the errors: GET /a status 500"
    told = list(
        load.lines([row(ending="aborted", bottleneck="CPU 99 %", populations="two populations", errors_by_kind=[])])
    )
    assert told[0].startswith("load browse    closed model, up to 5 users, aborted: ")
    assert told[1:] == ["  we were the bottleneck: CPU 99 %", "  two populations"]


def test_the_live_line() -> None:
    """What the terminal shows while it runs; without an answer there is no p95."""
    now = Live("browse", 0.0, 12.4, 60.0, 50, 480.2, 0.0624, 0.001, 5731)
    assert load.live(now) == ("load browse 12 of 60 s: 50 users, 480 requests/s, p95 62.4ms, 0.1% errors, 5731 in all")
    assert "p95" not in load.live(replace(now, p95=None))
