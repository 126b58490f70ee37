"""What the processes of one run said so far: figures, seconds, notes, what was refused, why they cannot go on."""

from __future__ import annotations

import time
from typing import Any

from pytest_prodcheck.load import words
from pytest_prodcheck.load.order import Order
from pytest_prodcheck.load.window import Window
from pytest_prodcheck.observe.load import Live, Second

_MOST_SECONDS = 20_000


class Heard:
    """One run's. The master of several processes steers and sends nothing: its figures are left out."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self.window = Window(order.abort)
        self.seconds: list[Second] = []
        self.refused: list[str] = []
        self.notes: list[str] = []
        self.unfit: tuple[str, str] | None = None
        """Cause code and words of what ends the run; the first of them counts."""
        self.engine = ""
        self.began = 0.0
        """When the first request could be sent, on the monotonic clock; 0 before."""
        self.began_wall = 0.0
        self._last: dict[str, dict[str, Any]] = {}
        self._kept: dict[str, dict[str, Any]] = {}

    def hear(self, process: str, said: dict[str, Any]) -> None:
        """One line of a process."""
        if "ended" in said and "times" in said:
            self._figures(process, said)
        elif "began" in said:
            if self._order.workers == 1 or process != "master":
                self.begin(float(said["began"]))
        elif "unfit" in said:
            self.end(str(said["unfit"]), str(said["text"]))
        elif "broken" in said:
            self.end(*words.broken(_placed(said["broken"], said["text"]), self._order))
        elif "refused" in said:
            self.refused += [said["refused"]] if said["refused"] not in self.refused else []
        elif "raised" in said:
            self.note(f"the scenario raised: {_placed(said['raised'], said['text'])}")
        elif "note" in said:
            self.note(str(said["note"]))
        elif "engine" in said:
            self.engine = str(said["engine"])

    def begin(self, wall: float) -> None:
        """The first request can be sent, since `wall` (seconds since the epoch)."""
        if not self.began:
            self.began, self.began_wall = time.monotonic(), wall

    def now(self) -> float:
        """Seconds since the epoch, by what the clock said when the run began: it may be set meanwhile."""
        return self.began_wall + time.monotonic() - self.began if self.began else time.time()

    def note(self, text: str) -> None:
        """What a reader must know, once."""
        if text not in self.notes:
            self.notes.append(text)

    def end(self, code: str, text: str) -> None:
        """Why the run cannot go on."""
        self.unfit = self.unfit or (code, text)

    def over(self, process: str) -> bool:
        """Whether a process has started and heard all its arrivals (open model)."""
        return bool(self._last.get(process, {}).get("over"))

    def total(self, figure: str) -> int:
        """The sum of a figure over the processes that send."""
        return sum(int(row[figure]) for name, row in self._last.items() if name != "master")

    def live(self) -> Live:
        """The figures of the last second."""
        now, order = time.monotonic(), self._order
        rate, p95, errors = self.window.figures(now)
        users, ended = self.total("users"), self.total("ended")
        return Live(order.scenario, time.time(), now - self.began, order.duration, users, rate, p95, errors, ended)

    def _figures(self, process: str, said: dict[str, Any]) -> None:
        if self.began:  # on a clock that nobody sets: seconds of a run lie within it
            said = {**said, "at": self.now()}
        self._last[process] = said
        if said["jumped"]:
            self.note(f"the clock of {process} jumped by {said['jumped']:g} s; times of requests are not touched")
        if said["problem"]:
            self.note(said["problem"])
        if process == "master" or not self.began:
            return
        self.window.take(process, time.monotonic(), said)
        before = self._kept.get(process)
        if before is None or said["at"] - before["at"] >= 1.0:
            self._kept[process] = said
            if before is not None and len(self.seconds) < _MOST_SECONDS:
                self.seconds.append(_second(process, before, said))
        else:
            before["cpu_most"] = max(before.get("cpu_most", before["cpu"]), said["cpu"])
            before["lag_most"] = max(before.get("lag_most", before["lag"]), said["lag"])


def _placed(place: str, text: str) -> str:
    return f"{place}: {text}" if place else text


def _second(name: str, before: dict[str, Any], said: dict[str, Any]) -> Second:
    return Second(
        said["at"],
        name,
        max(said["cpu"], before.get("cpu_most", 0.0)),
        max(said["lag"], before.get("lag_most", 0.0)),
        said["descriptors"],
        said["most_descriptors"],
        said["users"],
        said["ended"] - before["ended"],
        said["failed"] - before["failed"],
        said["missing"],
    )
