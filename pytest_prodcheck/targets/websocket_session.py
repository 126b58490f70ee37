"""One session: all clients take all steps in their order, and say goodbye."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pytest_prodcheck.config import steps as messages
from pytest_prodcheck.config.models import WebsocketStep, WebsocketTarget
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.observation import Kind, Observation
from pytest_prodcheck.targets.caps import CapReached
from pytest_prodcheck.targets.connection import Origin
from pytest_prodcheck.targets.guard import websocket as guard
from pytest_prodcheck.targets.websocket_listening import Client, Heard, Matcher
from pytest_prodcheck.targets.websocket_opening import Caller, End, Opener
from pytest_prodcheck.targets.wire import Wire

_MARGIN: Final = 5.0
"""Seconds beyond what the steps may take, after which a connection is cut whatever it does."""


@dataclass(slots=True)
class Told:
    """What a session came to."""

    steps: list[Observation] = field(default_factory=list)
    """One a step and client that took it, or could not."""
    unopened: list[Client] = field(default_factory=list)
    goodbyes: list[int] = field(default_factory=list)
    """Codes by which the server answered the clients' goodbyes."""
    stopped: str = ""


def seconds(table: WebsocketTarget, taken: Sequence[WebsocketStep]) -> float:
    """How long the steps may take at most."""
    return sum(step.within * (table.clients if step.heard_by != "sender" else 1) for step in taken)


class Session:
    """Takes the steps of one target. Each client is used by one thread at a time."""

    def __init__(
        self, wire: Wire, target: str, table: WebsocketTarget, opener: Opener, taken: Sequence[WebsocketStep],
        matcher: Matcher,
    ) -> None:  # fmt: skip
        """`taken` are the steps that may be taken here."""
        self._wire, self._target, self._table, self._opener = wire, target, table, opener
        self._taken, self._matcher = taken, matcher
        self._permitted = [step.name for step in taken if step.writes]
        outsiders = dict.fromkeys(name for step in taken for name in step.unheard_by)
        callers = [Caller(table.as_)] * table.clients + [Caller(name) for name in outsiders]
        self._clients = [Client(number, caller) for number, caller in enumerate(callers, 1)]
        self._members, self._outsiders = self._clients[: table.clients], self._clients[table.clients :]
        self._caps = wire.caps(Origin.of(opener.url))

    def run(self) -> Told:
        """Opens all connections, takes the steps, undoes the writes, says goodbye."""
        told, at_most = Told(), seconds(self._table, self._taken) + self._table.timeout + _MARGIN
        deadline = time.monotonic() + at_most
        try:
            with self._caps.standing(len(self._clients), deadline, self._wire.stopped), ExitStack() as stack:
                pool = stack.enter_context(ThreadPoolExecutor(len(self._clients), "prodcheck-websocket"))
                self._open(pool, stack, at_most, told)
                for step in self._taken:
                    told.steps += self._step(pool, step)
                self._undo()
                told.goodbyes = [code for code in pool.map(_goodbye, self._clients) if code]
        except CapReached as reason:
            told.stopped = str(reason)
        return told

    def _open(self, pool: ThreadPoolExecutor, stack: ExitStack, at_most: float, told: Told) -> None:
        def opened(client: Client) -> object:
            entered = self._opener.open(client.caller, at_most)
            client.line, client.opening = entered.__enter__()
            return entered

        for entered in pool.map(opened, self._clients):
            stack.push(entered.__exit__)  # type: ignore[attr-defined]
        told.unopened = [client for client in self._clients if client.line is None]

    def _step(self, pool: ThreadPoolExecutor, step: WebsocketStep) -> Iterable[Observation]:
        try:
            guard.check(self._table, step, self._permitted)
        except Refused as refusal:
            self._wire.refused += 1
            return [replace(self._observation(step, self._clients[0], Heard(), "readiness"), error="refused",
                            message=str(refusal), expected=False)]  # fmt: skip
        standing = [client for client in self._clients if client.stands]
        gone = [self._unreached(step, client) for client in self._clients if client.line and not client.stands]
        if step.unheard_by:
            return [*gone, *self._isolated(pool, step, standing)]
        if step.heard_by == "sender":
            return [*gone, *pool.map(lambda client: self._alone(step, client), standing)]
        outside = list(
            pool.map(lambda client: self._alone(step, client), [one for one in self._outsiders if one.stands])
        )
        return [*gone, *self._broadcast(pool, step), *outside]

    def _alone(self, step: WebsocketStep, client: Client) -> Observation:
        """One client says its part, and hears its answer."""
        client.drain() if step.send is not None else None
        since = time.perf_counter()
        deadline = time.monotonic() + step.within
        if step.send is not None and (unsent := self._said(step, client, deadline)):
            return unsent
        if step.expect is None:
            client.survive(deadline)
        heard = Heard(matched=client.end is None, end=client.end)
        if step.expect is not None and client.stands:
            heard = client.listen(messages.filled(step.expect, client.name), deadline, self._matcher, since)
        elif step.expect is None:
            heard.seconds = time.perf_counter() - since
        return self._observation(step, client, heard)

    def _broadcast(self, pool: ThreadPoolExecutor, step: WebsocketStep) -> Iterator[Observation]:
        """Each client in turn; whoever took the step before hears it, and with `all` the sender, too."""
        for sender in [client for client in self._members if client.stands]:
            earlier = [one for one in self._members if step.name in one.done and one is not sender and one.stands]
            hearers = [*earlier, *([sender] if step.heard_by == "all" else [])]
            list(pool.map(Client.drain, {*earlier, sender}))
            since, deadline = time.perf_counter(), time.monotonic() + step.within
            if unsent := self._said(step, sender, deadline):
                yield unsent
                continue
            expected = messages.filled(step.expect, sender.name)
            listen = _listening(expected, deadline, self._matcher, since)
            found = dict(zip(hearers, pool.map(listen, hearers), strict=True))
            own = found.get(sender) or max(found.values(), key=lambda one: one.seconds, default=Heard(matched=True))
            seen = self._observation(step, sender, own)
            heard_by = {client.name: heard.matched for client, heard in found.items()}
            late = {client.name: [heard.end.code, heard.end.reason] for client, heard in found.items() if heard.end}
            complete = all(heard_by.values()) and seen.expected
            yield replace(seen, expected=complete, data={**seen.data, "heard_by": heard_by, "ended": late})

    def _isolated(
        self, pool: ThreadPoolExecutor, step: WebsocketStep, standing: Sequence[Client]
    ) -> Iterator[Observation]:
        """All say their part at once; each hears its own, and nothing of another user's, until the time is over."""
        list(pool.map(Client.drain, standing))
        since, deadline = time.perf_counter(), time.monotonic() + step.within

        def take(client: Client) -> Observation:
            if unsent := self._said(step, client, deadline):
                return unsent
            others = [one for one in standing if one.caller.user != client.caller.user]
            expected = {one.name: messages.filled(step.expect, one.name) for one in (client, *others)}
            heard = client.watch(expected, deadline, self._matcher, since)
            seen = self._observation(step, client, heard)
            users = {one.name: one.caller.user for one in others}
            leaked = [users[name] for name in heard.leaked]
            return replace(seen, expected=seen.expected and not leaked, data={**seen.data, "leaked": leaked})

        yield from pool.map(take, standing)

    def _said(self, step: WebsocketStep, client: Client, deadline: float) -> Observation | None:
        """Sends; None where it went out."""
        try:
            with self._caps.permit(deadline, self._wire.stopped):
                sent = client.say(messages.filled(step.send, client.name, self._opener.token))
        except CapReached as reason:
            seen = self._observation(step, client, Heard())
            return replace(seen, error="stopped", message=str(reason), expected=False)
        if sent:
            client.done.add(step.name)
            if step.writes:
                self._wire.count_write()
            return None
        return self._observation(step, client, Heard(end=client.end))

    def _undo(self) -> None:
        """Says what undoes the writes that went out, the last one first."""
        for client in self._clients:
            for step in reversed(self._taken):
                if step.name in client.done and step.undoing is not None and client.stands:
                    client.say(messages.filled(step.undoing, client.name, self._opener.token))
                    self._wire.count_write()

    def _unreached(self, step: WebsocketStep, client: Client) -> Observation:
        seen = self._observation(step, client, Heard(end=client.end), "readiness")
        return replace(seen, expected=False, data={**seen.data, "unreached": True})

    def _observation(self, step: WebsocketStep, client: Client, heard: Heard, kind: Kind = "declared") -> Observation:
        timed = step.send is not None and step.expect is not None
        end = self._stopped(heard.end)
        return Observation(
            self._target, f"step {step.name}", kind if timed else "readiness", step.name, client.caller.user,
            time.time() - heard.seconds, {"first_byte": heard.seconds} if heard.matched else {}, heard.seconds,
            error="stopped" if end and end.problem == "stopped" else "",
            expected=heard.matched and not heard.fallback,
            data={
                "client": client.number, "clients": len(self._members), "matched": heard.matched,
                "skipped": heard.skipped, "nearest": heard.nearest, "last": heard.last, "fallback": heard.fallback,
                "recognised": heard.recognised, "flood": heard.flood, **as_data(end),
            },
        )  # fmt: skip

    def _stopped(self, end: End | None) -> End | None:
        """What we cut ourselves is not the server's doing."""
        return end._replace(problem="stopped") if end and self._opener.stopped else end


def as_data(end: End | None) -> dict[str, Any]:
    """The end of a connection as facts of an observation: `close_code` (None where it stands), `close_reason`,
    `problem`."""
    if end is None:
        return {"close_code": None, "close_reason": "", "problem": ""}
    return {"close_code": end.code, "close_reason": end.reason, "problem": end.problem}


def _listening(expected: object, deadline: float, matcher: Matcher, since: float) -> Callable[[Client], Heard]:
    return lambda client: client.listen(expected, deadline, matcher, since)


def _goodbye(client: Client) -> int:
    return client.line.channel.goodbye() if client.line and client.stands else 0
