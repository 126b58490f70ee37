"""The criterion `load`: promises of many requests, judged on exact samples (A48, A50, C41, C46, C47, T10).

The order of trust: did the run come to its end, did it send anything, was the generator the bottleneck; only then its
limits. Errors are never fast answers, an empty run is never green, and what was not proven is not kept.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence

from pytest_prodcheck.config.load_limits import load_limit
from pytest_prodcheck.criteria import load_errors, load_generator, load_promises
from pytest_prodcheck.criteria.load_generator import CRITERION, model
from pytest_prodcheck.criteria.load_promises import Judged, View
from pytest_prodcheck.criteria.load_tally import Tally
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.load import LoadRun, Samples

Limits = Sequence[str]


def judge(
    run: LoadRun,
    samples: Samples,
    limits: Limits,
    names: Mapping[str, Limits],
    target: str,
    confidence: float = 0.95,
) -> list[Finding]:
    """The findings of one scenario: its run, and its limits, over all its requests and by name.

    Raises ValueError for a text that is no limit of load.
    """
    tally = Tally.of(samples, run.warm_up, run.folder)
    found = [*load_generator.ending(run, target), *load_generator.unwatched(run, target)]
    found += [*load_generator.raised(run, target), *load_generator.missing(run, target)]
    found += load_generator.empty(run, target, tally.n, len(samples)) if run.ending != "interrupted" else ()
    if not tally.n:
        return found
    seen = load_generator.saturation(run)
    found += [load_generator.bottleneck(run, target, seen)] if seen else []
    found += load_generator.unjudged(run, target, told=any(map(load_promises.counts_unknown, limits)))
    return [*found, *_limits([run], [tally], limits, names, target, confidence, insist=False)]


def overall(
    runs: Sequence[LoadRun],
    samples: Sequence[Samples],
    limits: Limits,
    names: Mapping[str, Limits],
    target: str,
    confidence: float = 0.95,
) -> list[Finding]:
    """The findings of the limits over all scenarios together. What is wrong with a run itself is its own check's to
    say; here it only keeps a limit from being proven. Raises ValueError for a text that is no limit of load."""
    tallies = [Tally.of(found, run.warm_up, run.folder) for run, found in zip(runs, samples, strict=True)]
    if not sum(tally.n for tally in tallies):
        text = "no request of any scenario could be judged"
        return [Finding(CRITERION, target, text, "load.run.empty", "error", "0 requests", "requests to judge",
                        data={"text": text})]  # fmt: skip
    return list(_limits(runs, tallies, limits, names, target, confidence, insist=True))


def _limits(
    runs: Sequence[LoadRun],
    tallies: Sequence[Tally],
    limits: Limits,
    names: Mapping[str, Limits],
    target: str,
    confidence: float,
    *,
    insist: bool,
) -> Iterator[Finding]:
    """`insist`: a limit that is kept by runs which were cut short is told as not proven; else their own findings do."""
    _prepare(tallies, limits, names)
    pairs = zip(runs, tallies, strict=True)
    cut_short = [run for run, tally in pairs if insist and (_partial(run) or not tally.n)]
    whole = load_promises.together([_view(run, tally, None) for run, tally in zip(runs, tallies, strict=True)])
    subject = runs[0].scenario if len(runs) == 1 else ""
    for one in load_promises.judge(whole, limits, confidence):
        yield from _finding(one, runs, subject, target, cut_short)
    for name, own in names.items():
        ids = [_ids(tally, name) for tally in tallies]
        views = [_view(run, tally, found) for run, tally, found in zip(runs, tallies, ids, strict=True) if found]
        view = load_promises.together(views) if views else None
        if view is None or not view.n:
            yield _unseen(name, tallies, subject, target)
            continue
        for one in load_promises.judge(view, own, confidence):
            yield from _finding(one, runs, f"{subject} {name}".strip(), target, cut_short)
    yield from _unpromised_errors(whole, limits, names, subject, target)


def _prepare(tallies: Sequence[Tally], limits: Limits, names: Mapping[str, Limits]) -> None:
    """Reads the samples once for all quantiles and limits."""
    for tally in tallies:
        groups = [(tally.answered(), load_promises.QUANTILES, _seconds(limits))]
        groups += [
            (tally.answered(_ids(tally, name)), load_promises.QUANTILES, _seconds(own)) for name, own in names.items()
        ]
        tally.prepare(groups)


def _seconds(limits: Limits) -> list[float]:
    return [limit.value for text in limits if (limit := load_limit(text)).unit == "s"]


def _ids(tally: Tally, name: str) -> frozenset[int]:
    return frozenset(number for number, known in enumerate(tally.samples.names) if known == name)


def _view(run: LoadRun, tally: Tally, names: frozenset[int] | None) -> View:
    unknown = load_generator.unknown(run)
    saturated = load_generator.saturation(run) is not None
    return load_promises.of(tally, names, load_generator.seconds(run), unknown, saturated=saturated)


def _partial(run: LoadRun) -> bool:
    return run.ending != "finished" or bool(run.workers_lost)


def _finding(
    one: Judged, runs: Sequence[LoadRun], subject: str, target: str, cut_short: Sequence[LoadRun]
) -> Iterator[Finding]:
    """The finding of a limit that is not kept; one that is kept by a run that was cut short is not proven."""
    if one.word == "pass" and not cut_short:
        return
    severity: Severity = "error" if one.word == "fail" else "insufficient"
    code, text = one.code, one.text
    if one.word == "pass":
        code = "sampling.insufficient"
        text += f"; {', '.join(run.scenario for run in cut_short)} did not run to the end"
    about = f"{subject}: " if subject else ""
    said = " and ".join(dict.fromkeys(map(model, runs)))
    data = {**one.data, "model": said, "scenario": subject, "file": runs[0].file}
    yield Finding(CRITERION, target, f"{about}{text}, promised {one.limit.text} ({said})", code, severity, one.seen,
                  one.limit.text, f"{subject} {one.limit.text}".strip(), data=data)  # fmt: skip


def _unseen(name: str, tallies: Sequence[Tally], subject: str, target: str) -> Finding:
    """A limit of a name that no request had: it could not have been broken."""
    known = sorted({one for tally in tallies for one in tally.samples.names})
    near = difflib.get_close_matches(name, known, 1)
    hint = f"; did you mean {near[0]}?" if near else f"; seen: {', '.join(known[:5]) or 'none'}"
    text = f"no request named {name} was judged{hint}"
    message, thing = f"{subject}: {text}" if subject else text, f"{subject} {name}".strip()
    data = {"text": text, "n": 0}
    return Finding(
        CRITERION,
        target,
        message,
        "load.name.unseen",
        "error",
        "0 requests",
        f"requests named {name}",
        thing,
        data=data,
    )


def _unpromised_errors(
    view: View, limits: Limits, names: Mapping[str, Limits], subject: str, target: str
) -> Iterator[Finding]:
    """Errors where no limit allows a share of them: a 5xx is red, anything else a warning. Within a promised share,
    a 5xx is a warning."""
    kinds = list(view.errors)
    if not kinds:
        return
    promised = any(load_limit(text).subject == "errors" for own in (limits, *names.values()) for text in own)
    broken = load_errors.server_errors(kinds)
    if promised and not broken:
        return
    severity: Severity = "error" if broken and not promised else "warning"
    within = "within what is promised" if promised else "and no limit promises a share of errors"
    text = f"{view.failed} of {view.n} requests failed, {within}: {load_errors.most(kinds)}"
    message, seen = f"{subject}: {text}" if subject else text, f"{view.failed} of {view.n}"
    data = {"n": view.n, "errors": view.failed, "kinds": load_errors.rows(kinds), "text": text}
    thing = f"{subject} errors".strip()
    yield Finding("no_server_errors", target, message, "load.errors.seen", severity, seen, "no 5xx", thing, data=data)
