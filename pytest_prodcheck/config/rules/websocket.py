"""What must hold between the keys of a websocket target."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config import address, forgeries, steps
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import WebsocketStep, WebsocketTarget
from pytest_prodcheck.config.models.websocket import GOODBYES
from pytest_prodcheck.config.rules.checked import Checked, refuse_unjudgeable
from pytest_prodcheck.config.secrecy import REFERENCE
from pytest_prodcheck.config.slugs import slug

_SHORTEST_HOLD = 1.0
_NOT_BESIDE = ("steps", "hold", "refuses", "foreign_origin", "latency")


def check(checked: Checked, path: KeyPath, target: WebsocketTarget) -> None:
    """Adds a problem for each key that names nobody, needs another key, or could not be judged."""
    add = checked.problems.add
    _address(checked, path, target)
    for name in steps.acting(target):
        checked.known_user((*path, "as"), name)
    if target.protocol == "plain" and target.first is not None and not any(steps.users(target.first)):
        text = "first is how a user says who it is: it holds a token; what else is sent is a step"
        add((*path, "first"), text, 'first = { type = "auth", token = "user:member" }')
    if target.protocol == "graphql-ws" and target.subprotocol not in ("", "graphql-transport-ws"):
        add((*path, "subprotocol"), "protocol graphql-ws speaks graphql-transport-ws", 'protocol = "plain"')
    if target.namespace != "/" and (target.protocol != "socket.io" or not target.namespace.startswith("/")):
        add((*path, "namespace"), "a namespace is Socket.IO's, and begins with /", 'namespace = "/game"')
    if 0 < target.hold < _SHORTEST_HOLD:
        add((*path, "hold"), "a connection is held for a second at least", 'hold = "30s"')
    for position, fallback in enumerate(target.fallback):
        refuse_unjudgeable((*path, "fallback", position), fallback, checked.problems)
    _headers(checked, path, target)
    forgeries.websocket(checked.environment, path, target, add)
    _refusing(path, target, add)
    _room(checked, path, target)
    _steps(checked, path, target)


def _address(checked: Checked, path: KeyPath, target: WebsocketTarget) -> None:
    example = 'url = "wss://app.example/ws"'
    if not REFERENCE.fullmatch(target.url):
        if problem := address.url_problem(target.url, ("ws", "wss")):
            checked.problems.add((*path, "url"), problem, example)
        elif "#" in target.url:
            checked.problems.add((*path, "url"), "a WebSocket's address has no fragment (RFC 6455 §3)", example)
    if target.origin and not REFERENCE.fullmatch(target.origin) and (problem := address.url_problem(target.origin)):
        checked.problems.add((*path, "origin"), problem, 'origin = "https://app.example"')


def _headers(checked: Checked, path: KeyPath, target: WebsocketTarget) -> None:
    """What makes a request a handshake is sent once, and not by hand."""
    for name in target.headers:
        if name.lower() in ("upgrade", "connection") or name.lower().startswith("sec-websocket-"):
            text = f"{name} is the handshake's own; what is spoken is named by subprotocol"
            checked.problems.add((*path, "headers", name), text, 'subprotocol = "plan.v1"')


def _refusing(path: KeyPath, target: WebsocketTarget, add: forgeries.Add) -> None:
    if target.close and not target.closes and set(target.close) - set(GOODBYES):
        text = "close has the codes that answer our goodbye (1000, 1001, 1005), or those of a refusal, not both"
        add((*path, "close"), text, "close = [1000, 1005]")
    if target.status and target.close:
        add((*path, "close"), "a handshake that is refused is never closed", "status = 401")
    if any(status < 300 for status in target.status):
        add((*path, "status"), "status is how the handshake must be refused: 3xx, 4xx or 5xx", "status = 401")
    for key in _NOT_BESIDE if target.refusing else ():
        if getattr(target, key):
            add((*path, key), f"{key} needs a connection, and here it must be refused", "status = []")


def _room(checked: Checked, path: KeyPath, target: WebsocketTarget) -> None:
    """Standing connections are capped like requests in flight."""
    outsiders = {name for step in target.steps for name in step.unheard_by}
    needed = target.clients + len(outsiders) + 1 + (target.clients + 1 if target.hold else 0)
    most = checked.environment.requests.in_flight
    if needed > most:
        text = f"{target.clients} clients need {needed} connections at the same time, requests.in_flight is {most}"
        checked.problems.add((*path, "clients"), text, "clients = 2")


def _steps(checked: Checked, path: KeyPath, target: WebsocketTarget) -> None:
    seen: set[str] = set()
    for position, step in enumerate(target.steps):
        here = (*path, "steps", position)
        if not slug(step.name) or slug(step.name) in seen:
            checked.problems.add((*here, "name"), "each step has a name of its own, with a letter or a digit")
        seen.add(slug(step.name))
        refuse_unjudgeable((*here, "expect"), step.expect, checked.problems)
        _said(checked, here, target, step)
        _heard(checked, here, target, step)
        _timed(checked, here, target, position)


def _said(checked: Checked, here: KeyPath, target: WebsocketTarget, step: WebsocketStep) -> None:
    add = checked.problems.add
    if step.send is None and step.expect is None:
        add(here, "a step sends something, or expects something", 'expect = { type = "welcome" }')
    if step.send is not None and step.effect is None:
        add((*here, "effect"), "what is sent says its effect: read, or write", 'effect = "read"')
    if step.send is None and step.effect is not None:
        add((*here, "effect"), "a step without send has no effect")
    if step.cleanup is not None and not step.writes:
        add((*here, "cleanup"), "what changes nothing needs no cleanup", 'effect = "write"')
    for key in ("send", "cleanup"):
        said = getattr(step, key) if key == "send" else step.undoing
        if said is not None and target.protocol == "socket.io" and not _is_event(said):
            add(
                (*here, key),
                "of Socket.IO an event is sent: a list, its name first",
                f'{key} = ["join", {{ room = 1 }}]',
            )
        if said is not None and target.protocol == "graphql-ws" and not (isinstance(said, Mapping) and "type" in said):
            add((*here, key), "of graphql-transport-ws a message is sent: a table with its type")
        if isinstance(said, Mapping) and target.protocol == "graphql-ws":
            _document(checked, (*here, key), step, said)


def _document(checked: Checked, here: KeyPath, step: WebsocketStep, said: Mapping[str, object]) -> None:
    payload = said.get("payload")
    if said.get("type") not in ("subscribe", "complete", "ping", "pong") and not step.writes:
        checked.problems.add(here, "a read is of type subscribe, complete, ping or pong", 'effect = "write"')
    query = payload.get("query") if isinstance(payload, Mapping) else None
    if said.get("type") == "subscribe" and not isinstance(query, str):
        checked.problems.add(here, "subscribe has a payload with its query")


def _is_event(said: object) -> bool:
    return isinstance(said, list | tuple) and bool(said) and isinstance(said[0], str)


def _heard(checked: Checked, here: KeyPath, target: WebsocketTarget, step: WebsocketStep) -> None:
    add = checked.problems.add
    if step.heard_by != "sender" and (step.send is None or step.expect is None):
        add(
            (*here, "heard_by"),
            "heard_by needs what is sent, and what is expected of it",
            'expect = { type = "joined" }',
        )
    if step.heard_by != "sender" and target.clients < 2:
        add((*here, "heard_by"), "one client hears itself alone: promise it of several", "clients = 2")
    for name in step.unheard_by:
        checked.known_user((*here, "unheard_by"), name)
        if name in steps.acting(target):
            add((*here, "unheard_by"), f"{name} is who sends it", 'unheard_by = "colleague"')
    if step.unheard_by and not (steps.has_client(step.send) and steps.has_client(step.expect)):
        text = "whose message it is must be told: send and expect say {client}, the number of who sends it"
        add((*here, "unheard_by"), text, 'expect = { text = "note {client} {run}" }')
    if step.unheard_by and not target.as_:
        add((*here, "unheard_by"), "unheard_by needs a user who sends: the target says as", 'as = "member"')


def _timed(checked: Checked, here: KeyPath, target: WebsocketTarget, position: int) -> None:
    step = target.steps[position]
    sampled = any(limit.startswith(("p", "mean")) for limit in step.latency)
    if step.latency and (step.send is None or step.expect is None):
        checked.problems.add((*here, "latency"), "latency is from what is sent to what is expected of it")
    if sampled and not step.writes and any(one.writes for one in target.steps[:position]):
        text = "samples are taken on a connection of their own, where no write is sent before: put the step first"
        checked.problems.add((*here, "latency"), text, 'latency = "< 300ms"')
    if step.writes and sampled:
        text = "a write is sent once by each client: its limit holds for each, without a quantile"
        checked.problems.add((*here, "latency"), text, 'latency = "< 300ms"')
