"""The redactor: holds the secrets of a run and removes them from every text that leaves the process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from threading import Lock
from typing import Any

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.redaction import screen, tree
from pytest_prodcheck.config.redaction.forms import needles
from pytest_prodcheck.config.redaction.index import Hit, NeedleIndex
from pytest_prodcheck.config.redaction.parts import parts, user
from pytest_prodcheck.config.redaction.patterns import scrub_patterns
from pytest_prodcheck.config.redaction.views import DENSE, View, origins, views
from pytest_prodcheck.config.redaction.weakness import is_common, says_little, weakness

_Span = tuple[int, int, str]
_WRAP = compiled(r"\s*[\r\n]+(?:[E>|] )?\s*|\\+[rn]")
_MARGIN = (
    4096  # characters beyond the limit of an excerpt that are still looked at, so that the cut is behind the scrubbing
)
_OF_A_NAME = compiled(r"[\w-]")
_OPEN_MARKER = compiled(r"\[redacted[^\]]{0,200}\Z|\[(?:r(?:e(?:d(?:a(?:c(?:t(?:e)?)?)?)?)?)?)?\Z")


class Redactor:
    """Secrets by value, and the texts without them.

    All methods may be called from several threads; `secrets()` rebuilds it elsewhere (`Redactor.of`). `words` are texts
    of the run that stay readable even where a secret has the same value (the environment's name).
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words = frozenset(word.casefold() for word in words)
        self._index_plain, self._index_dense = NeedleIndex(), NeedleIndex()
        self._secrets: dict[tuple[str, str], None] = {}
        self._known: set[tuple[str, bool]] = set()
        self._users: set[str] = set()
        self._lock = Lock()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]], words: Iterable[str] = ()) -> Redactor:
        """A redactor of the (name, value) pairs that another one's `secrets()` gave."""
        redactor = cls(words)
        for name, value in pairs:
            redactor.add(value, name)
        return redactor

    def __reduce__(self) -> tuple[object, tuple[list[tuple[str, str]], frozenset[str]]]:
        return Redactor.of, (self.secrets(), self._words)

    def secrets(self, known: int = 0) -> list[tuple[str, str]]:
        """The (name, value) pairs that are scrubbed, in the order of their registration, without the first `known`."""
        with self._lock:
            return list(islice(self._secrets, known, None))

    def add(self, value: str | bytes, name: str) -> str | None:
        """Registers the secret `value` under the name of its reference (`env:API_KEY`).

        Of a DSN, a URL, JSON, a key file or a token the parts that are secret are registered. Returns a warning, which
        holds nothing of the value, where it (or a part of it) cannot be scrubbed without wrecking other texts.
        """
        text = (value if isinstance(value, str) else screen.decoded(value)).strip()
        with self._lock:
            if (name, text) in self._secrets:
                return None
            found = parts(text)
            warnings = [None if part.encoded_only else weakness(part.text, name, self._words) for part in found]
            usable = [part for part, warning in zip(found, warnings, strict=True) if warning is None]
            for part in usable:
                self._register(part.text, name, part.encoded_only)
            if name_of_user := user(text):
                self._users.add(name_of_user.casefold())
            if usable:
                self._secrets[name, text] = None
            return warnings[0] if warnings else None  # the first part is the secret proper

    def _register(self, secret: str, name: str, encoded_only: bool) -> None:
        if (secret, encoded_only) in self._known:
            return
        self._known.add((secret, encoded_only))
        for needle in needles(secret, name, encoded_only=encoded_only):
            (self._index_plain if needle.plain else self._index_dense).add(needle)

    def contains(self, text: str) -> str | None:
        """The name of a secret that `text` holds in any form, or None."""
        spans = self._spans(text)
        return spans[0][2] if spans else None

    def scrub(self, text: str) -> str:
        """`text` with `[redacted env:API_KEY]` for every secret, in any form, also cut or split.

        The identical object where there is none. Cut: six characters of the beginning before the end of the text or a
        mark like `…`, six of the end at the start; else 12 characters or 60 % (at least 8) of it anywhere.
        """
        for _ in range(4):  # what masking brings together may be a secret again
            spans = self._spans(text)
            if not spans:
                return text
            text = _masked(text, spans)
        return text

    def scrub_patterns(self, text: str) -> str:
        """`text` without what looks like a secret; see `patterns.scrub_patterns`."""
        return scrub_patterns(text)

    def clean(self, text: str, limit: int = 2000) -> str:
        """What a target said, without control characters and secrets, at most `limit` characters with its `…`.

        Masked by value and by pattern before it is cut.
        """
        head = screen.without_controls(text[: limit * 4 + _MARGIN])
        scrubbed = scrub_patterns(self.scrub(head))
        if len(scrubbed) <= limit and len(text) <= limit * 4 + _MARGIN:
            return scrubbed
        return self.scrub(_OPEN_MARKER.sub("", scrubbed[: max(0, limit - 1)]) + "…")

    def clean_bytes(self, data: bytes, content_type: str = "", limit: int = 2000) -> str:
        """`clean` of a body in the charset of its content type (else UTF-8); bytes that are no text are replaced."""
        return self.clean(screen.decoded(data[: (limit * 4 + _MARGIN + 1) * 4], content_type), limit)

    def scrub_value(self, value: Any) -> Any:
        """A copy of JSON-like data with keys and values scrubbed; what stands under `password`, `token` … is masked."""
        return tree.scrubbed_copy(value, self.scrub)

    def harmless(self, value: Any) -> Any:
        """`scrub_value` of what a target may have said: also without terminal sequences and a CI runner's commands."""
        return tree.scrubbed_copy(value, lambda text: self.scrub(screen.harmless(text)))

    def scrub_in_place(self, obj: object) -> bool:
        """Scrubs the strings in a tree of objects (attributes, slots, collections); says whether any changed."""
        walk = tree.InPlace(self.scrub)
        walk.replace(obj)
        return walk.changed

    def _spans(self, text: str) -> list[_Span]:
        if not self._known or len(text) < 4:
            return []
        spans = [span for view in views(text) for span in self._spans_of(text, view)]
        return _merged(spans)

    def _spans_of(self, text: str, view: View) -> Iterator[_Span]:
        plain, dense = list(self._index_plain.find(view.plain)), list(self._index_dense.find(view.dense))
        if not plain and not dense:
            return
        folded, starts, ends = origins(text, view)
        for hit in plain:
            for piece in _unbroken(hit, text, starts, ends):
                start, end = starts[piece.start], ends[piece.end - 1]
                if _is_meant(piece, text) and (piece.whole or not self._names_a_user(text, start, end)):
                    yield start, end, hit.needle.name
        if not dense:
            return
        kept = [place for place, code in enumerate(folded) if code in DENSE]
        for hit in dense:
            end = ends[kept[hit.end - 1]]
            if hit.needle.spelt and end - starts[kept[hit.start]] < 2 * len(hit.needle.text) - 1:
                continue  # words that the secret is made of, not its characters one by one
            padding = len(text[end : end + 2]) - len(text[end : end + 2].lstrip("="))
            yield starts[kept[hit.start]], end + padding, hit.needle.name

    def _names_a_user(self, text: str, start: int, end: int) -> bool:
        """Whether a part of a secret is the name of a DSN's user, whose password holds it: `rolname = 'reader'` is to
        be typed, and says nothing of the rest. Not where something was cut off behind it."""
        around = text[max(0, start - 1) : start] + text[end : end + 1]
        return (
            text[start:end].casefold() in self._users
            and not _OF_A_NAME.search(around)
            and not text.startswith(("…", "..."), end)
        )


def _unbroken(hit: Hit, text: str, starts: list[int], ends: list[int]) -> Iterator[Hit]:
    """`hit`, or its pieces between blanks where the secret has no blank; line breaks and indentation do not count."""
    first = hit.start
    if hit.needle.blank or " " not in text[starts[hit.start] : ends[hit.end - 1]]:
        yield hit
        return
    for place in range(hit.start + 1, hit.end + 1):
        if place == hit.end or " " in _WRAP.sub("", text[ends[place - 1] : starts[place]]):
            if place - first >= hit.needle.minimum:
                yield Hit(hit.needle, first, place, hit.offset + first - hit.start)
            first = place


def _is_meant(hit: Hit, text: str) -> bool:
    """Whether a plain hit is more than what the secret shares with prose: terms of the field, or a word that is all
    of `text`, as a role `reader` with the password `reader-…` is."""
    if hit.whole:
        return True
    piece, end = hit.needle.text[hit.offset : hit.offset + hit.end - hit.start], hit.offset + hit.end - hit.start
    words = piece.decode("utf-8", "replace")
    alone = text.casefold() == words.casefold() and not hit.needle.text[end : end + 1].isalnum()
    if alone and hit.offset == 0 and is_common(text):
        return False
    return not says_little(words, 0 if len(words) < hit.needle.minimum else 3)


def _merged(spans: list[_Span]) -> list[_Span]:
    merged: list[_Span] = []
    for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            first = merged[-1]
            merged[-1] = (first[0], max(first[1], end), first[2])
        elif merged and start == merged[-1][1] and name == merged[-1][2]:
            merged[-1] = (merged[-1][0], end, name)
        else:
            merged.append((start, end, name))
    return merged


def _masked(text: str, spans: list[_Span]) -> str:
    pieces: list[str] = []
    position = 0
    for start, end, name in spans:
        pieces += (text[position:start], f"[redacted {name}]")
        position = end
    return "".join(pieces) + text[position:]
