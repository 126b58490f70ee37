"""Every format is told by its lines, and taken for what it says (A3–A5, A39, A43, A64, B3, B36, B43, C28, E1, E11,
E46)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import log_reading
import pytest
import yaml

from pytest_prodcheck.criteria.logs import formats
from pytest_prodcheck.criteria.logs.fingerprint import normalised, route

GOLDEN = {one["id"]: one for one in yaml.safe_load(Path(__file__).with_name("log_formats.yaml").read_text("utf-8"))}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_record_is_read(name: str) -> None:
    """Format, level, request, SQLSTATE, exception."""
    record = formats.parse(GOLDEN[name]["text"])
    wanted: dict[str, Any] = GOLDEN[name]["is"]
    assert {key: getattr(record, key) for key in wanted} == wanted


@pytest.mark.parametrize("name", GOLDEN)
def test_a_record_makes_its_groups(name: str) -> None:
    """By its own words or its level: the cause that it speaks for; and for quiet ones none."""
    found = log_reading.digest(f"{GOLDEN[name]['text']}\n", slow=1.0)
    assert log_reading.codes(found) == GOLDEN[name]["groups"]
    frames = [group.data.get("frame") for group in found.groups if group.kind == "error"]
    assert frames == [GOLDEN[name].get("frame")] or "frame" not in GOLDEN[name]


@pytest.mark.parametrize("name", GOLDEN)
def test_a_record_may_come_in_pieces(name: str) -> None:
    """Blocks end anywhere: within a line, between the lines of a trace."""
    whole = log_reading.digest(f"{GOLDEN[name]['text']}\n", slow=1.0)
    for size in (1, 7, 64):
        parts = log_reading.digest(f"{GOLDEN[name]['text']}\n", slow=1.0, block=size)
        assert [(one.fingerprint, one.count) for one in parts.groups] == [
            (one.fingerprint, one.count) for one in whole.groups
        ]


def test_formats_are_many() -> None:
    """At least twelve, told apart by themselves."""
    assert len({formats.parse(one["text"]).form for one in GOLDEN.values()}) >= 12


def test_a_declared_format_is_the_only_one() -> None:
    """What it does not know is plain text."""
    assert formats.parse(GOLDEN["zap"]["text"], only="klog").form == "text"


@pytest.mark.parametrize(
    ("message", "same"),
    [
        ("job 17 of 7b6f2c1e-aaaa-4000-8000-000000000000 took 12.5 ms", "job <number> of <uuid> took <number> ms"),
        ("at 10.0.0.3:5432 since 2026-11-29T10:00:00Z", "at <address> since <time>"),
        ("status 503, code P2024, SQLSTATE 28P01", "status 503, code P2024, SQLSTATE 28P01"),
        ("for jane@plan.io, object 0xdeadbeef", "for <mail>, object <hex>"),
    ],
)
def test_what_differs_is_no_part_of_the_fingerprint(message: str, same: str) -> None:
    """Ids, times, addresses and numbers differ; statuses and codes say what it is."""
    assert normalised(message) == same


def test_routes_have_no_ids() -> None:
    """One route, whichever task was asked for."""
    assert route("GET", "/api/tasks/17/comments/7b6f2c1e-aaaa-4000-8000-000000000000") == (
        "GET /api/tasks/<id>/comments/<id>"
    )
