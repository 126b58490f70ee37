"""Drawings as inline SVG, made of numbers and escaped words alone: no script, no style of their own, nothing loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from math import isfinite, log10
from typing import NamedTuple

from pytest_prodcheck.config.grammar import show_duration

WIDTH, LEFT, RIGHT = 960, 90, 20
_PANEL, _GAP = 90, 26
_BARS = 220
_CLASSES = 6

Point = tuple[float, float]


class Line(NamedTuple):
    """One line of a panel."""

    name: str
    points: Sequence[Point]


class Panel(NamedTuple):
    """Lines over one axis."""

    title: str
    lines: Sequence[Line]
    unit: str = ""
    """`s` for durations, `B` for bytes, empty for plain numbers."""


def timeline(panels: Sequence[Panel], seconds: float, warm_up: float = 0.0) -> str:
    """Panels below each other over one axis of time, the warm-up shaded."""
    shown = [panel for panel in panels if any(_finite(line.points) for line in panel.lines)]
    if not shown or seconds <= 0:
        return ""
    height = len(shown) * (_PANEL + _GAP) + 30
    parts = [part for number, panel in enumerate(shown) for part in _panel(panel, number, seconds, warm_up)]
    parts += _axis(seconds, height - 24)
    return _svg(parts, height, "time line")


def distribution(bins: Sequence[Sequence[float]], marks: Sequence[tuple[str, float]]) -> str:
    """Bars over a logarithmic axis of seconds, with quantiles marked."""
    known = [(low, high, count) for low, high, count in bins if 0 < low < high and count >= 0]
    if not known:
        return ""
    first, last = log10(known[0][0]), log10(known[-1][1])
    most = max(count for _, _, count in known) or 1

    def x(seconds: float) -> float:
        share = (log10(seconds) - first) / (last - first or 1)
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    parts = [
        f'<rect class="bar" x="{x(low):.1f}" y="{20 + _BARS * (1 - count / most):.1f}" '
        f'width="{max(0.5, x(high) - x(low) - 0.5):.1f}" height="{_BARS * count / most:.1f}">'
        f"<title>{escape(show_duration(low))} to {escape(show_duration(high))}: {count:.0f}</title></rect>"
        for low, high, count in known
    ]
    for number, (name, seconds) in enumerate(marks):
        if seconds > 0 and isfinite(seconds):
            parts.append(f'<line class="mark" x1="{x(seconds):.1f}" x2="{x(seconds):.1f}" y1="14" y2="{20 + _BARS}"/>')
            parts.append(_text(x(seconds) + 3, 24 + 12 * number, f"{name} {show_duration(seconds)}"))
    for power in range(-6, 5):
        if first - 0.01 <= power <= last + 0.01:
            parts.append(_text(x(10.0**power), _BARS + 36, show_duration(10.0**power), "middle"))
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{20 + _BARS}" y2="{20 + _BARS}"/>')
    return _svg(parts, _BARS + 50, "distribution of latencies")


def _panel(panel: Panel, number: int, seconds: float, warm_up: float) -> Iterator[str]:
    top = 18 + number * (_PANEL + _GAP)
    lines = [Line(line.name, _finite(line.points)) for line in panel.lines]
    most = max((y for line in lines for _, y in line.points), default=0.0) or 1.0
    yield f'<rect class="panel" x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{_PANEL}"/>'
    if warm_up > 0:
        width = min(1.0, warm_up / seconds) * (WIDTH - LEFT - RIGHT)
        yield f'<rect class="warm" x="{LEFT}" y="{top}" width="{width:.1f}" height="{_PANEL}"/>'
    yield _text(LEFT - 6, top + 10, _shown(most, panel.unit), "end")
    yield _text(LEFT - 6, top + _PANEL, "0", "end")
    names = ", ".join(line.name for line in lines if line.name)
    yield _text(LEFT + 4, top - 5, panel.title + (f": {names}" if names else ""))
    for index, line in enumerate(lines):
        if len(line.points) == 1:
            x, y = _place(line.points[0], top, seconds, most)
            yield f'<circle class="line{index % _CLASSES}" cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
        elif line.points:
            places = (_place(point, top, seconds, most) for point in line.points)
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            title = f"<title>{escape(line.name or panel.title)}</title>"
            yield f'<polyline class="line{index % _CLASSES}" points="{path}">{title}</polyline>'


def _place(point: Point, top: float, seconds: float, most: float) -> tuple[float, float]:
    share = min(max(point[0] / seconds, 0.0), 1.0)
    return LEFT + share * (WIDTH - LEFT - RIGHT), top + _PANEL * (1 - min(max(point[1] / most, 0.0), 1.0))


def _axis(seconds: float, y: float) -> Iterator[str]:
    for number in range(7):
        x = LEFT + number / 6 * (WIDTH - LEFT - RIGHT)
        yield _text(x, y, show_duration(float(round(number / 6 * seconds, 1))) if number else "0", "middle")


def _finite(points: Sequence[Point]) -> list[Point]:
    return [(x, y) for x, y in points if isfinite(x) and isfinite(y)]


def _shown(value: float, unit: str) -> str:
    if unit == "s":
        return show_duration(value)
    if unit == "B":
        return f"{value / 2**20:.4g} MiB"
    return f"{value:.4g}"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _svg(parts: Sequence[str], height: float, title: str) -> str:
    head = f'<svg role="img" viewBox="0 0 {WIDTH} {height:.0f}" xmlns="http://www.w3.org/2000/svg">'
    return f"{head}<title>{escape(title)}</title>{''.join(parts)}</svg>"
