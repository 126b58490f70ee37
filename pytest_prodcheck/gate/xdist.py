"""The controller's side of xdist: workers learn where the owner is, and none of their checks may be lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_prodcheck.gate.run import Run
from pytest_prodcheck.observe.broker import BrokerServer


class Controller:
    """Hooks of xdist's controller; registered only where xdist distributes."""

    def __init__(self, run: Run, broker: BrokerServer) -> None:
        self._run, self._broker = run, broker
        self._expected = 0
        self._collected: set[str] = set()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_setupnodes(self, specs: Sequence[Any]) -> None:
        """Counts the workers to wait for."""
        self._expected = len(specs)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tells a new worker where to ask; builtin strings only."""
        node.workerinput["prodcheck"] = dict(self._broker.address)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        """When all workers have collected, the owner begins; usage errors are still possible here."""
        del ids
        self._collected.add(node.gateway.id)
        if len(self._collected) >= self._expected:
            self._run.begin()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker that died names the check that it was running."""
        owner = self._run.service.owner
        worker = node.gateway.id
        if error and owner and (identifier := owner.running.get(worker)):
            self._run.course.died[identifier] = worker
            last = next((one.operation for one in reversed(owner.fixtures.get(identifier, []))), "nothing")
            self._run.course.notes.append(
                f"worker {worker} died while running {identifier}; last operation sent: {last}"
            )

    def pytest_unconfigure(self) -> None:
        """Takes no more calls."""
        self._broker.close()
