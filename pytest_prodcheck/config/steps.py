"""What a declared message of a WebSocket holds: tokens of users, the number of the client that sends it.

`user:NAME` as a whole string, or `{user:NAME}` inside one, stands for the user's token; `{client}` for the number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_prodcheck.config.models import Environment, WebsocketStep, WebsocketTarget

_WHOLE = re.compile(r"user:([A-Za-z_][A-Za-z0-9_.-]*)")
_INSIDE = re.compile(r"\{user:([A-Za-z_][A-Za-z0-9_.-]*)\}")
CLIENT = "{client}"


def names_user(text: str) -> bool:
    """Whether a text stands for a user's token, or has one in it."""
    return bool(_WHOLE.fullmatch(text) or _INSIDE.search(text))


def users(value: object) -> Iterator[str]:
    """The users whose tokens a message holds."""
    for text in _texts(value):
        whole = _WHOLE.fullmatch(text)
        yield from [whole[1]] if whole else _INSIDE.findall(text)


def has_client(value: object) -> bool:
    """Whether a message says which client sends it."""
    return any(CLIENT in text for text in _texts(value))


def filled(value: object, client: str, token: Callable[[str], str] | None = None) -> object:
    """The message with the number of its client in it, and, where it is sent, with tokens in their places."""
    if isinstance(value, str):
        text = value.replace(CLIENT, client)
        if token is None:
            return text
        whole = _WHOLE.fullmatch(text)
        return token(whole[1]) if whole else _INSIDE.sub(lambda found: token(found[1]), text)
    if isinstance(value, Mapping):
        return {str(filled(key, client, token)): filled(item, client, token) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [filled(item, client, token) for item in value]
    return value


def acting(table: WebsocketTarget) -> tuple[str, ...]:
    """The users as whom a connection is opened: of the header first, then those whose tokens it shows."""
    named = [table.as_, *users([dict(table.query), table.first]), *users([step.send for step in table.steps])]
    return tuple(dict.fromkeys(name for name in named if name))


def permitted(environment: Environment, target: str, table: WebsocketTarget) -> Sequence[WebsocketStep]:
    """The steps that may be taken here: those before the first write that `writes` does not name."""
    found: list[WebsocketStep] = []
    for step in table.steps:
        if not environment.permits(target, step.name, step):
            break
        found.append(step)
    return found


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(key)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
