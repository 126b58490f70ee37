"""Which lines our own requests caused: by the run's id in them, or by an id of a request that is known to be ours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_prodcheck.observe.log import Own

_IDS = re.compile(rb"(?<![\w-])(?=[\w-]*\d)[0-9A-Za-z_-]{16,64}(?![\w-])")
_KEY = re.compile(rb"([\w.-]{1,40})\\?[\"']?\s?[:=]\s?\\?[\"']?\Z")
_OF_REQUEST = re.compile(rb"req(?:uest)?[_.-]?id|(?:trace|span|correlation|transaction)[_.-]?id|traceparent", re.I)
_NESTED = re.compile(rb"req(?:uest)?\\?\":\s?\{[^{}]*\Z", re.I)
_DRAWN = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BEFORE = 120
_MOST = 5000


class Ours:
    """Tells our lines from others', while they are read."""

    def __init__(self, own: Own) -> None:
        self._run, self.ids = own.run.encode(), set(own.ids)

    def holds(self, text: bytes) -> tuple[bool, tuple[str, ...]]:
        """Whether a record is ours, and the ids in it where that is not known yet."""
        ids = tuple(dict.fromkeys(found.decode() for found in _IDS.findall(text[:4000])))[:8]
        if (self._run and self._run in text) or not self.ids.isdisjoint(ids):
            if len(self.ids) < _MOST:
                self.ids.update(_of_request(text[:4000]))
            return True, ()
        return False, ids


def _of_request(text: bytes) -> Iterator[str]:
    """The ids in a line of ours that are its request's alone: a pod, a user, a revision has an id in all its lines, and
    their errors are not ours. One is told by its name; without a name, by its form."""
    for found in _IDS.finditer(text):
        name = found[0].decode()
        before = text[max(0, found.start() - _BEFORE) : found.start()]
        key = _KEY.search(before)
        if key is None:
            known = _DRAWN.fullmatch(name) is not None
        elif key[1].lower() == b"id":
            known = _NESTED.search(before) is not None
        else:
            known = _OF_REQUEST.search(key[1]) is not None
        if known:
            yield name
