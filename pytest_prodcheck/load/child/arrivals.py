"""The open model: arrivals start when they are due, whether or not earlier ones were answered.

Each arrival is one task of one user: a user class is drawn by weight, a user that is free takes it (a new one where
none is), and its task is drawn by Locust's own weights.
"""

from __future__ import annotations

import random
from time import perf_counter
from typing import Any, NamedTuple

import gevent
from gevent.pool import Group
from locust import User
from locust.exception import InterruptTaskSet, RescheduleTask, StopTest, StopUser
from locust.user.task import LOCUST_STATE_RUNNING, LOCUST_STATE_WAITING, DefaultTaskSet, TaskSet

from pytest_prodcheck.load import order as orders
from pytest_prodcheck.load.child.recorder import Recorder
from pytest_prodcheck.load.order import Order


class Counts:
    """What became of the arrivals of this process."""

    def __init__(self) -> None:
        self.due = self.started = self.unstarted = self.under_way = self.cut = 0
        self.dispatchers = self.ended = 0
        self.began = 0.0

    @property
    def over(self) -> bool:
        """Whether all arrivals of this process were started and answered."""
        return self.dispatchers > 0 and self.ended == self.dispatchers


class Plan(NamedTuple):
    """What arrives, and where it is counted."""

    order: Order
    recorder: Recorder
    counts: Counts
    classes: list[type[User]]
    weights: list[float]


class Arrivals(User):
    """Starts arrivals at their time. Locust spawns one a process; `dispatcher` gives it its plan."""

    abstract = True
    plan: Plan

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.free: dict[type[User], list[User]] = {one: [] for one in self.plan.classes}
        self.running = Group()
        self.number = self.plan.counts.dispatchers
        self.plan.counts.dispatchers += 1

    def on_start(self) -> None:
        """Runs until all arrivals were started, and their answers are there or no longer waited for."""
        counts = self.plan.counts
        counts.began = began = counts.began or perf_counter()
        try:
            self._dispatch(began)
            self.running.join(timeout=self.plan.order.grace)
        finally:
            self.running.kill(block=True, timeout=1.0)
            counts.ended += 1
        self._state = LOCUST_STATE_WAITING  # has nothing to finish: whoever stops users need not wait for this one

    def _dispatch(self, began: float) -> None:
        order = self.plan.order
        share = max(1, order.workers)
        index = (getattr(self.environment.runner, "worker_index", 0) or 0) + self.number
        mine = 0
        while (at := orders.due(order.stages, mine * share + index % share)) is not None:
            mine += 1
            wait = began + at - perf_counter()
            if self.number and wait < -1.0:
                continue  # takes over from a worker that was lost: what was due before is lost, too
            if wait > 0 or mine % 50 == 0:
                gevent.sleep(max(0.0, wait))
            self._start(began + at)

    def _start(self, intended: float) -> None:
        order, counts = self.plan.order, self.plan.counts
        counts.due += 1
        if counts.under_way >= order.most_users // max(1, order.workers):
            counts.unstarted += 1
            return
        counts.under_way += 1
        counts.started += 1
        self.running.spawn(self._arrive, intended)

    def _arrive(self, intended: float) -> None:
        kind = random.choices(self.plan.classes, self.plan.weights)[0]
        user = self._taken(kind)
        me, lates = gevent.getcurrent(), self.plan.recorder.lates
        lates[me] = max(0, int((perf_counter() - intended) * 1e6))
        try:
            if user is not None:
                _once(user)
        except gevent.GreenletExit:
            self.plan.counts.cut += 1
            raise
        finally:
            self.plan.counts.under_way -= 1
            lates.pop(me, None)
            if user is not None:
                self.free[kind].append(user)

    def _taken(self, kind: type[User]) -> User | None:
        """A user that is free, or a new one; None for one that cannot begin."""
        if self.free[kind]:
            return self.free[kind].pop()
        user = kind(self.environment)
        user._state = LOCUST_STATE_RUNNING
        user._taskset_instance = DefaultTaskSet(user)
        try:
            user.on_start()
        except Exception as error:  # noqa: BLE001  # a scenario may raise anything: it is told of
            self.environment.events.user_error.fire(user_instance=user, exception=error, tb=error.__traceback__)
            return None
        return user


def dispatcher(order: Order, recorder: Recorder, counts: Counts, classes: list[type[User]]) -> type[User]:
    """The user class that starts the arrivals of these classes."""
    drawn = [one for one in classes if not one.abstract]
    plan = Plan(order, recorder, counts, drawn, [float(one.weight) for one in drawn])
    return type("Arrivals", (Arrivals,), {"abstract": False, "plan": plan, "tasks": [_rest]})


def _rest(_: User) -> None:
    """Until the run ends."""
    gevent.sleep(1e9)


def _once(user: User) -> None:
    """One task of a user. Of a nested set, one of its tasks."""
    tasks: TaskSet = user._taskset_instance  # type: ignore[assignment]
    try:
        task = tasks.get_next_task()
        while isinstance(task, type) and issubclass(task, TaskSet):
            tasks = task(tasks)  # type: ignore[arg-type]
            tasks.on_start()
            task = tasks.get_next_task()
        tasks.execute_task(task)
    except (InterruptTaskSet, RescheduleTask, StopUser, StopTest):
        return
    except Exception as error:  # noqa: BLE001  # a scenario may raise anything: it is told of
        user.environment.events.user_error.fire(user_instance=user, exception=error, tb=error.__traceback__)
