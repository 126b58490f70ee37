"""Which lines our own requests caused: by the run's id in them, or by an id of a request that is known to be ours."""

from __future__ import annotations

import re

from pytest_prodcheck.observe.log import Own

_IDS = re.compile(rb"(?<![\w-])(?=[\w-]*\d)[0-9A-Za-z_-]{16,64}(?![\w-])")
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
                self.ids.update(ids)
            return True, ()
        return False, ids
