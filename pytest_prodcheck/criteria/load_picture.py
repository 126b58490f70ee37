"""What a report draws of a load run: its figures, names, errors, the distribution of latencies, and one time line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import floor, log2
from typing import Any

from pytest_prodcheck.criteria import load_errors, load_generator, load_promises, statistics
from pytest_prodcheck.criteria.load_tally import Cell, Tally
from pytest_prodcheck.observe import series
from pytest_prodcheck.observe.load import NO_ERROR, LoadRun, Samples
from pytest_prodcheck.observe.series import Series
from pytest_prodcheck.observe.watch import Glance

_MOST_NAMES = 50
_MOST_ERRORS = 20
_SLOTS = 120
"""Points of the time line."""
_SHOWN = 200_000
"""Requests that the time line's latencies are of: every nth of more. Nothing is judged by them."""
_STEPS = 8
"""Bins of the distribution, an octave."""
_BUCKET_SECONDS = 256e-6


def picture(run: LoadRun, samples: Samples, glances: Sequence[Glance] = ()) -> dict[str, Any]:
    """The row of `load` in `verdict.json`, JSON-safe and bounded; times in seconds, moments since the run began."""
    tally = Tally.of(samples, run.warm_up, run.folder)
    seconds = load_generator.seconds(run)
    _prepare(tally)
    whole = load_promises.of(tally, None, seconds, 0, saturated=False)
    saturated = load_generator.saturation(run)
    return {
        "scenario": run.scenario,
        "model": load_generator.model(run),
        "ending": run.ending,
        "message": run.message,
        "duration_s": round(run.ended_at - run.began_at, 3),
        "warm_up_s": run.warm_up,
        "planned": run.planned,
        "sent": run.sent,
        "unfinished": run.unfinished,
        "unstarted": run.unstarted,
        "bottleneck": saturated.text if saturated else "",
        **_rounded(load_promises.summary(whole)),
        "populations": load_promises.populations(whole).removeprefix("; "),
        "names": [_named(tally, number, seconds) for number in _names(tally)],
        "errors_by_kind": load_errors.rows(whole.errors)[:_MOST_ERRORS],
        "distribution": list(_distribution(tally, tally.answered())),
        "timeline": _timeline(run, samples),
        "watched": [_watched(run, target, name, points) for target, name, points in _figures(run, glances)],
    }


def of_run(run: LoadRun, samples: Samples, target: str) -> Iterator[Series]:
    """The series of a run, one a name, for a later run to be compared with; none where the run is not to be trusted: it
    did not come to its end, or its times are the generator's own."""
    if run.ending != "finished" or run.workers_lost or load_generator.saturation(run):
        return
    if any(load_generator.missing(run, target)):  # the system was asked less than the series says
        return
    tally = Tally.of(samples, run.warm_up, run.folder)
    _prepare(tally)
    for number in _names(tally):
        cells = tally.answered({number})
        if n := tally.number(cells):
            most = min(n, series.MOST_SAMPLES)
            quantiles = [(index + 0.5) / most for index in range(most)]
            values = tuple(round(value, 4) for value in _bucketed(tally, cells, quantiles))
            yield Series(target, run.scenario, f"{samples.names[number]} ({_hard(run)})", "", n, values)


def _hard(run: LoadRun) -> str:
    """How hard the system was asked: what it took under another load is another series."""
    return f"{run.rate:g}/s" if run.model == "open" else f"{run.users} users"


def _prepare(tally: Tally) -> None:
    """Reads the samples once for all names."""
    cells = [tally.answered(), *(tally.answered({number}) for number in _names(tally))]
    tally.prepare([(own, load_promises.QUANTILES, ()) for own in cells])


def _names(tally: Tally) -> list[int]:
    """Numbers of the names with the most requests."""
    counted: Counter[int] = Counter()
    for cell, number in tally.counts.items():
        counted[cell.name] += number
    return [name for name, _ in counted.most_common(_MOST_NAMES)]


def _named(tally: Tally, number: int, seconds: float) -> dict[str, Any]:
    view = load_promises.of(tally, {number}, seconds, 0, saturated=False)
    return {"name": tally.samples.names[number][:300], **_rounded(load_promises.summary(view))}


def _rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in figures.items()}


def _bucketed(tally: Tally, cells: Sequence[Cell], quantiles: Sequence[float]) -> Iterator[float]:
    """Quantiles to 0.13 ms, the middles of their buckets: enough for a comparison, and no further pass."""
    merged: Counter[int] = Counter()
    for cell in cells:
        merged.update(tally.buckets[cell])
    places, total, seen = sorted(merged), sum(merged.values()), 0
    at = iter(places)
    bucket = next(at)
    for q in quantiles:
        while seen + merged[bucket] < q * total:
            seen += merged[bucket]
            bucket = next(at)
        yield (bucket + 0.5) * _BUCKET_SECONDS


def _distribution(tally: Tally, cells: Sequence[Cell]) -> Iterator[list[float]]:
    """From, to (seconds) and how many: bins of equal ratio."""
    bins: Counter[int] = Counter()
    for cell in cells:
        for bucket, count in tally.buckets[cell].items():
            bins[floor(_STEPS * log2(bucket + 0.5))] += count
    for number in range(min(bins), max(bins) + 1) if bins else ():
        edges = (2 ** (number / _STEPS), 2 ** ((number + 1) / _STEPS))
        yield [*(round(edge * _BUCKET_SECONDS, 7) for edge in edges), bins[number]]


def _timeline(run: LoadRun, samples: Samples) -> list[dict[str, Any]]:
    length = max(1.0, run.ended_at - run.began_at)
    width = length / _SLOTS if length > _SLOTS else 1.0
    slots: dict[int, dict[str, Any]] = {}

    def slot(at: float) -> dict[str, Any]:
        number = min(max(0, int(at / width)), _SLOTS)
        empty = {"at": round(number * width, 3), "requests": 0, "errors": 0, "users": 0, "cpu": 0.0, "lag": 0.0}
        return slots.setdefault(number, empty)

    running: dict[tuple[int, str], int] = {}
    for second in run.seconds:
        place = slot(second.at - run.began_at)
        place["requests"] += second.requests
        place["errors"] += second.errors
        place["cpu"], place["lag"] = max(place["cpu"], round(second.cpu, 3)), max(place["lag"], round(second.lag, 4))
        running[int(place["at"] / width + 0.5), second.process] = second.users
    for (number, _), users in running.items():
        slots[number]["users"] += users
    for number, times in _latencies(samples, width).items():
        place = slot((number + 0.5) * width)
        place["p50"], place["p95"] = (round(statistics.quantile(times, q), 6) for q in (0.5, 0.95))
    return [slots[number] for number in sorted(slots)]


def _latencies(samples: Samples, width: float) -> Mapping[int, list[float]]:
    """Slot of the start → latencies of right answers, of every nth request."""
    step = max(1, len(samples) // _SHOWN)
    found: dict[int, list[float]] = {}
    for part in samples.parts:
        columns = (part.start[::step], part.late[::step], part.response[::step], part.error[::step])
        for start, late, response, error in zip(*columns, strict=True):
            if error == NO_ERROR and start >= 0:
                found.setdefault(min(int(start / 1e6 / width), _SLOTS), []).append((late + response) / 1e6)
    return found


def _figures(run: LoadRun, glances: Sequence[Glance]) -> Iterator[tuple[str, str, list[tuple[float, float]]]]:
    """Target, figure and its points within the run."""
    own = [one for one in glances if run.began_at - 1 <= one.at <= run.ended_at + 1]
    for target in dict.fromkeys(one.target for one in own):
        mine = [one for one in own if one.target == target]
        for name in dict.fromkeys(key for one in mine for key in one.values if key != "limit"):
            yield target, name, [(one.at, one.values[name]) for one in mine if name in one.values]


def _watched(run: LoadRun, target: str, name: str, points: Sequence[tuple[float, float]]) -> dict[str, Any]:
    step = max(1, -(-len(points) // _SLOTS))
    shown = [[round(at - run.began_at, 2), round(value, 4)] for at, value in points[::step]]
    return {"target": target, "figure": name, "points": shown}
