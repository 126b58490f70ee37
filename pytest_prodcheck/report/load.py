"""How load is said: a table for `summary.md`, lines for the terminal, the live line while it runs, panels to draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.observe.load import Live
from pytest_prodcheck.report.svg import Line, Panel

HEAD = ("what", "requests", "errors", "right answers/s", "mean", "p50", "p95", "p99", "max")
_BYTES = ("memory",)
_SECONDS = ("longest_wait",)


def live(now: Live) -> str:
    """The live figures in one line: `load browse 12 of 60 s: 50 users, 480 requests/s, p95 62ms, 0.1% errors, 5731 in
    all`."""
    p95 = f", p95 {show_duration(now.p95)}" if now.p95 is not None else ""
    return (
        f"load {now.scenario} {now.elapsed:.0f} of {now.duration:.0f} s: {now.users} users, {now.rate:.0f} requests/s"
        f"{p95}, {now.errors:.1%} errors, {now.total} in all"
    )


def table(row: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows of cells below `HEAD`: the whole scenario, then its names. Mean and p95 stand together (T9)."""
    return [_cells(str(row["scenario"]), row), *(_cells(str(one["name"]), one) for one in row["names"])]


def lines(loads: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line a scenario for the terminal, and one for what most of its errors were."""
    for row in loads:
        ended = "" if row["ending"] == "finished" else f", {row['ending']}"
        yield f"load {row['scenario']:<9} {row['model']}{ended}: {figures(row)}"
        if row["bottleneck"]:
            yield f"  we were the bottleneck: {row['bottleneck']}"
        if row.get("populations"):
            yield f"  {row['populations']}"
        if row["errors_by_kind"]:
            first = row["errors_by_kind"][0]
            share = f"{100 * first['number'] / max(1, row['errors']):.3g} %"
            yield f"  {share} of the errors: {first['name']} {first['kind']} {first['message']}".rstrip()


def figures(row: Mapping[str, Any]) -> str:
    """`12000 requests, 3 errors, 200/s, mean 52ms, p50 48ms, p95 110ms, p99 240ms`."""
    named = ", ".join(
        f"{name} {show_duration(row[name])}" for name in ("mean", "p50", "p95", "p99") if row[name] is not None
    )
    rate = f", {row['rate']:.4g}/s" if row["rate"] is not None else ""
    return f"{row['n']} requests, {row['errors']} errors{rate}{', ' + named if named else ', nothing was answered'}"


def panels(row: Mapping[str, Any]) -> list[Panel]:
    """One time line: what was sent, how long it took, the generator, and what other targets showed meanwhile."""
    points = row["timeline"]

    def line(name: str, key: str) -> Line:
        return Line(name, [(one["at"], one[key]) for one in points if key in one])

    drawn = [
        Panel("requests ended", [line("all", "requests"), line("errors", "errors")]),
        Panel("latency", [line("p95", "p95"), line("p50", "p50")], "s"),
        Panel("users or arrivals under way", [line("", "users")]),
        Panel("generator", [line("CPU, cores", "cpu"), line("event loop late, s", "lag")]),
    ]
    for one in row["watched"]:
        unit = "B" if one["figure"] in _BYTES else "s" if one["figure"] in _SECONDS else ""
        shown = [(float(at), float(value)) for at, value in one["points"]]
        drawn.append(Panel(f"{one['target']} {one['figure'].replace('_', ' ')}", [Line("", shown)], unit))
    return drawn


def _cells(name: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    times = (show_duration(row[key]) if row[key] is not None else "–" for key in ("mean", "p50", "p95", "p99", "max"))
    rate = f"{row['rate']:.4g}" if row["rate"] is not None else "–"
    return (name, str(row["n"]), str(row["errors"]), rate, *times)
