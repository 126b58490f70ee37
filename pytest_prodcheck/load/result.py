"""What became of a run: its ending, and everything that was heard and recorded, as one `LoadRun`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pytest_prodcheck.load import merging
from pytest_prodcheck.load import order as orders
from pytest_prodcheck.load.heard import Heard
from pytest_prodcheck.load.order import Order
from pytest_prodcheck.observe.load import Ending, LoadRun

_FAILED = "load.generator.failed"


class End(NamedTuple):
    """How a run ended, in a word, in words for people, and by its cause code."""

    ending: Ending = "finished"
    message: str = ""
    code: str = ""


def failed(order: Order, message: str, code: str) -> LoadRun:
    """A run that never began."""
    now = time.time()
    return LoadRun(
        order.scenario, order.model, order.pacing, order.file, now, now, "failed", message, code, order.duration
    )


def result(
    order: Order, folder: Path, base: Path, heard: Heard, end: End, lost: Sequence[str], clean: Callable[[str], str]
) -> LoadRun:
    """The whole. `folder` holds the columns, `base` is what the scenario's path is relative to, `lost` names processes
    that were gone before the end, `clean` takes secrets out."""
    samples, end = _merged(folder, heard, _own(end, heard))
    end = _whole(end, heard, samples, lost)
    now, opened = heard.now(), order.model == "open"
    return LoadRun(
        scenario=order.scenario,
        model=order.model,
        pacing=order.pacing,
        file=os.path.relpath(order.file, base) if order.file else "",
        began_at=heard.began_wall or now,
        ended_at=now,
        ending=end.ending,
        message=clean(end.message),
        code=end.code,
        duration=order.duration,
        warm_up=order.warm_up,
        users=order.users,
        rate=order.rate,
        planned=orders.total(order.stages, _lasted(order, heard, end)) if opened else 0,
        sent=heard.total("started") if opened else samples,
        unfinished=heard.total("under_way"),
        unstarted=heard.total("unstarted"),
        samples=samples,
        folder=str(folder),
        seconds=tuple(heard.seconds),
        workers=order.workers,
        workers_lost=tuple(lost),
        refused=tuple(clean(text) for text in heard.refused),
        notes=tuple(clean(text) for text in _notes(order, heard, samples)),
        engine=heard.engine,
        raised=heard.total("raised"),
    )


def _lasted(order: Order, heard: Heard, end: End) -> float:
    """Seconds of the plan that the run came to; not by the wall clock, which may jump."""
    if end.ending == "finished":
        return order.duration
    return min(time.monotonic() - heard.began, order.duration) if heard.began else 0.0


def _own(end: End, heard: Heard) -> End:
    """A run that seems to have finished, and did not, for what its processes said."""
    if heard.refused and (end.ending == "finished" or heard.unfit):  # a scenario that cannot be loaded for it, too
        return End("failed", heard.refused[0], "load.request.refused")
    if end.ending == "finished" and heard.unfit:
        code, message = heard.unfit
        return End("failed", message, code)
    return end


def _merged(folder: Path, heard: Heard, end: End) -> tuple[int, End]:
    """How many samples there are; a run whose samples cannot be read has failed."""
    try:
        return merging.merge(folder), end
    except (OSError, ValueError) as error:
        heard.note(f"samples cannot be read: {error}")
        return 0, End("failed", "samples cannot be read", _FAILED)


def _whole(end: End, heard: Heard, samples: int, lost: Sequence[str]) -> End:
    """A finished run has begun, and has all samples but those of processes that were lost."""
    if end.ending != "finished":
        return end
    if samples < heard.total("ended") and not lost:
        full_disk = next((note for note in heard.notes if note.startswith("samples")), "")
        return End("failed", full_disk or _missing(heard, samples), _FAILED)
    return end if heard.began else End("failed", "Locust ended before it began", _FAILED)


def _notes(order: Order, heard: Heard, samples: int) -> list[str]:
    notes = list(heard.notes)
    if held := heard.total("held"):
        notes.append(f"{held} requests waited for the cap of {order.per_second:g} a second")
    if samples < heard.total("ended"):
        notes.append(_missing(heard, samples))
    return notes


def _missing(heard: Heard, samples: int) -> str:
    ended = heard.total("ended")
    return f"{ended - samples} of {ended} samples were lost with their process"
