"""What a run's load comes to in its verdict: a row a scenario, and the series that a later run is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_prodcheck.gate.owner import Owner
    from pytest_prodcheck.observe.load import LoadRun, Samples
    from pytest_prodcheck.observe.series import Series


def rows(owner: Owner) -> tuple[Mapping[str, Any], ...]:
    """One row a scenario that ran; none where no load was asked for, and nothing is loaded for it then."""
    runs = _runs(owner)
    if not runs:
        return ()
    from pytest_prodcheck.criteria import load_picture
    from pytest_prodcheck.observe import watch

    glances = watch.glances(owner.observations)
    return tuple(load_picture.picture(run, _samples(run), glances) for run in runs)


def series(owner: Owner) -> Iterator[Series]:
    """The series of the scenarios whose figures can be trusted."""
    if runs := _runs(owner):
        from pytest_prodcheck.criteria import load_picture

        for run in runs:
            yield from load_picture.of_run(run, _samples(run), "load")


def _runs(owner: Owner) -> list[LoadRun]:
    return list(owner.loading.runs.values()) if owner.loading else []


def _samples(run: LoadRun) -> Samples:
    from pytest_prodcheck.load import samples
    from pytest_prodcheck.observe import load

    return samples.read(run.folder) if run.folder and run.samples else load.Samples()
