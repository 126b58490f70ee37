"""The closed model: how many users there are at a time, and when each begins its next iteration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any

from gevent import getcurrent
from locust import LoadTestShape, User

from pytest_prodcheck.load import order as orders
from pytest_prodcheck.load.child.recorder import Recorder
from pytest_prodcheck.load.order import Order


class Stages(LoadTestShape):
    """Users by the declared stages; Locust asks once a second."""

    def __init__(self, order: Order) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._order = order

    def tick(self) -> tuple[int, float] | None:
        """Users now; None when it is over."""
        at: float = self.get_run_time()  # type: ignore[no-untyped-call]
        if at >= sum(stage.duration for stage in self._order.stages):
            return None
        users = round(orders.level(self._order.stages, at))
        return min(users, self._order.most_users), 100.0


def pace(classes: Iterable[type[User]], seconds: float, recorder: Recorder) -> None:
    """Iterations of each user begin `seconds` apart. One that is late because the one before took longer counts as
    late: its latency is that from when it should have begun (coordinated omission)."""

    def wait_time(user: Any) -> float:
        now = perf_counter()
        user._prodcheck_due = due = user._prodcheck_due + seconds
        if now > due:
            recorder.lates[getcurrent()] = int((now - due) * 1e6)
        return max(0.0, float(due - now))

    for one in classes:
        one.wait_time = wait_time
        one.on_start = _timed(one.on_start)  # type: ignore[assignment, method-assign]


def _timed(on_start: Callable[[Any], None]) -> Callable[[Any], None]:
    """`on_start`, after which the user's first iteration is due."""

    def timed(user: Any) -> None:
        on_start(user)
        user._prodcheck_due = perf_counter()

    return timed
