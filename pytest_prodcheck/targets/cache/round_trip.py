"""The declared write: SET of a key that nobody has, GET, TTL, DEL, and the look that it is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_prodcheck.config.models import RoundTrip
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.cache import Step, Trip

if TYPE_CHECKING:
    from pytest_prodcheck.targets.cache.session import Answer, Session


def done(session: Session, promised: RoundTrip, value: str) -> Trip:
    """Each step with what came of it. Never raises for what the server says or does not say: what was written is
    removed where that can be done, and `gone` is proven by asking."""
    key, seconds = promised.key, int(promised.ttl)
    steps: list[Step] = []

    def step(command: str, ask: Callable[[], Answer], right: Callable[[Answer], bool]) -> bool:
        answer, shown = _asked(ask)
        steps.append(Step(command, shown, right(answer) if answer is not _NOTHING else False))
        return steps[-1].right

    written = step("SET", lambda: session.step("SET", key, value, "NX", "EX", seconds), lambda said: said == b"OK")
    if not written:
        unsure = not steps[-1].answer or steps[-1].answer.startswith("no answer")
        return Trip(tuple(steps), unsure, not unsure)
    step("GET", lambda: session.ask("GET", key), lambda said: said == value.encode())
    step("TTL", lambda: session.ask("TTL", key), lambda said: isinstance(said, int) and 0 < said <= seconds)
    step("DEL", lambda: session.step("DEL", key), lambda said: said == 1)
    gone = step("EXISTS", lambda: session.ask("EXISTS", key), lambda said: said == 0)
    return Trip(tuple(steps), True, gone)


def undone(session: Session, promised: RoundTrip, value: str) -> bool:
    """Whether nothing is there any more, asked and removed once more over another session. What has not our value is
    not ours, and stays."""
    left, _ = _asked(lambda: session.ask("GET", promised.key))
    if left == value.encode():
        _asked(lambda: session.step("DEL", promised.key))
        left, _ = _asked(lambda: session.ask("GET", promised.key))
    return left is None


_NOTHING: Answer = []


def _asked(ask: Callable[[], Answer]) -> tuple[Answer, str]:
    from pytest_prodcheck.targets.cache.session import Garbage, Said, TooMuch

    try:
        answer = ask()
    except Said as refusal:
        return _NOTHING, refusal.text
    except (Garbage, TooMuch, Refused, OSError) as error:
        return _NOTHING, f"no answer: {error}"
    shown = {bytes: "a value", int: str(answer), type(None): "nothing", list: "a list"}[type(answer)]
    return answer, "OK" if answer == b"OK" else shown
