"""The views of a text in which a secret is looked for: as it stands, and with every escape taken off.

A view is folded: lower case, UTF-8, without blanks, quotes, backslashes and control characters, so that a line break or
a colour code inside a secret does not hide it. Secrets are folded the same way, hence compare equal.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from pytest_prodcheck.config.lazily import compiled

CUT = b"\x01"
"""Stands in a fold for the mark of a cut (`...`, `…`, `[truncated`)."""

_DROPPED = bytes(code for code in range(0x21) if code != CUT[0]) + b"+\\\"'\x7f"
_NOT_DENSE = bytes(code for code in range(256) if not chr(code).isalnum() or code > 0x7F).replace(CUT, b"")
_BACKSLASH = r"(?<=\\)\\*"
"""After the first backslash of an escape: the doubled ones of JSON in JSON."""
_DROPPED_SET = frozenset(_DROPPED)
DENSE = frozenset(range(256)) - frozenset(_NOT_DENSE)
"""The bytes that a dense fold keeps."""
_MARKS = compiled(r"\.\.\.|…|\[truncated")
_INVISIBLE = (
    "\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufffd"
)


def _byte_escapes(prefix: str, more: str) -> str:
    """A pattern of one UTF-8 character or one stray byte: two hex digits after `prefix`, further bytes after `more`."""
    tail = rf"{more}[89ab][0-9a-f]"
    multibyte = rf"[cd][0-9a-f]{tail}|e[0-9a-f](?:{tail}){{2}}|f[0-7](?:{tail}){{3}}"
    return rf"{prefix}(?:{multibyte}|[0-9a-f]{{2}})"


# The first character is a set of its own: the regex engine then skips to the next one at the speed of a scan.
_ESCAPES = compiled(
    rf"[%\\&\#^\r\n{_INVISIBLE}](?:"
    rf"(?P<bytes>{_byte_escapes('(?<=%)', '%')}|{_byte_escapes(_BACKSLASH + 'x', chr(92) * 2 + '+x')})"
    rf"|(?P<units>(?:(?<=%)|{_BACKSLASH})u(?:d[89ab][0-9a-f]{{2}}(?:%|\\+)ud[c-f][0-9a-f]{{2}}|[0-9a-f]{{4}}))"
    rf"|{_BACKSLASH}u\{{(?P<point>[0-9a-f]{{1,5}})\}}"
    rf"|(?P<octal>{_BACKSLASH}[0-3][0-7]{{2}}(?:\\+[0-3][0-7]{{2}})*)"
    r"|(?P<entity>(?<=&)(?:\#[0-9]{1,7};?|\#x[0-9a-f]{1,6};?|[a-z][a-z0-9]{1,30};))"
    rf"|(?P<drop>{_BACKSLASH}[abfnrtv0]"
    r"|(?:(?<=\x1b)|(?<=\#)x1b|(?<=\^))\[[0-?]*[ -/]*[@-~]|(?<=\x1b)\][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)|(?<=\x1b)[@-z]"
    r"|(?<=\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?<=[\r\n])[\r\n]*(?:e {3,}|[>|\#] )(?:[-+?] )?"
    rf"|(?<=[{_INVISIBLE}])[{_INVISIBLE}]*"
    rf"|(?:(?<=%)[0-9a-f]?|{_BACKSLASH}(?:u[0-9a-f]{{0,3}}|x[0-9a-f]?)?|(?<=&)(?:\#x?[0-9a-f]{{0,6}}|am?p?|apos?|qu?o?t?|[lg]t?|))(?=\Z|\.\.\.|…|\[truncated)))"
)
_MAY_ESCAPE_ASCII = compiled(r"[%\\&\x00-\x08\x0e-\x1f\x7f]")
_MAY_ESCAPE = compiled(rf"[%\\&{_INVISIBLE}]")
_QUOTED_PRINTABLE = compiled(rf"=(?:(?P<drop>[ \t]*\r?\n|[0-9a-f]?\Z)|(?P<bytes>{_byte_escapes('', '=')}))")
_DUMP_LINE = r"(?:0x)?[0-9a-f]{4,16}:?[ \t]+(?:[0-9a-f]{2,4} ?){2}"
_DUMP_FIRST, _DUMP_NEXT = compiled(_DUMP_LINE), compiled(rf"\n{_DUMP_LINE}")
_DUMP_TEXT = compiled(r"(?P<drop>(?:\A|\n)(?:0x)?[0-9a-f]{4,16}:?[ \t]|[ \t]{2,}\|?[^\n]{1,17}(?=\n|\Z))")
_DUMP_HEX = compiled(
    r"(?P<drop>\|?(?:\A|\n)(?:0x)?[0-9a-f]{4,16}:?[ \t]+(?:[0-9a-f]{2,4}[ \t]{1,2})*(?:[0-9a-f]{2,4}|)[ \t]*\|?)"
)
_PAIRS = compiled(r"[0-9a-f]{2}")
_RARE_MARKS = ("\ne  ", "\n> ", "\n| ", "\n# ", "#x1b", "^[")
_ROUNDS = 5


def _from_bytes(data: bytes) -> str:
    try:
        return data.decode().casefold()
    except UnicodeDecodeError:
        return data.decode("latin-1").casefold()


def _from_units(token: str) -> str:
    units = re.findall(r"u([0-9a-f]{4})", token)
    data = b"".join(int(unit, 16).to_bytes(2, "big") for unit in units)
    return data.decode("utf-16-be", "surrogatepass").casefold()


def _decode(match: re.Match[str]) -> str:
    """What one escape stands for; nothing for what only hides its neighbours from each other."""
    return _meaning(match[0], match.lastgroup)


@lru_cache(4096)
def _meaning(token: str, kind: str | None) -> str:
    if kind == "bytes":
        return _from_bytes(bytes.fromhex("".join(_PAIRS.findall(token))))
    if kind == "entity":
        return html.unescape(token).casefold()
    if kind == "units":
        return _from_units(token)
    if kind == "octal":
        return _from_bytes(bytes(int(code, 8) for code in re.findall(r"[0-3][0-7]{2}", token)))
    return chr(int(token.strip("\\u{}"), 16)).casefold() if kind == "point" else ""


class View(NamedTuple):
    """One view of a text: its two folds, and the patterns that were taken off (`steps`) to get there."""

    plain: bytes
    """Folded, with its punctuation."""
    dense: bytes
    """Letters and digits alone: base64 without its alphabets' differences, hex without its separators."""
    steps: tuple[re.Pattern[str], ...]


def fold(text: str) -> bytes:
    """The plain fold of `text` as it stands."""
    return _fold_lower(text.casefold())


def dense(plain: bytes) -> bytes:
    """The letters and digits (and cuts) of a plain fold."""
    return plain.translate(None, _NOT_DENSE)


def unescape(text: str) -> str:
    """`text` in lower case with its escapes taken off, up to five layers of them."""
    return _apply(text.casefold(), (_ESCAPES,))[0]


def views(text: str) -> Iterator[View]:
    """The views of `text`: as it stands first, then without escapes, quoted-printable and hex dumps where seen."""
    lower = text.casefold()
    yield _view(lower, ())
    if _has_escapes(lower):
        yield from _deeper(lower, (_ESCAPES,))
    if "=" in lower and _QUOTED_PRINTABLE.search(lower):
        yield from _deeper(lower, (_QUOTED_PRINTABLE, _ESCAPES))
    if _DUMP_FIRST.match(lower) or _DUMP_NEXT.search(lower):
        yield from _deeper(lower, (_DUMP_TEXT,))
        yield from _deeper(lower, (_DUMP_HEX,))


def origins(text: str, view: View) -> tuple[bytes, list[int], list[int]]:
    """The plain fold of `view` again, with the start and the end in `text` of what each of its bytes came from."""
    track = _track(text)
    for pattern in (*view.steps, _MARKS):
        for _ in range(_ROUNDS if pattern is _ESCAPES else 1):
            track, changed = _tracked(track, pattern)
            if not changed:
                break
    return _tracked_fold(track)


def _has_escapes(lower: str) -> bool:
    pattern = _MAY_ESCAPE_ASCII if lower.isascii() else _MAY_ESCAPE
    return bool(pattern.search(lower)) or any(mark in lower for mark in _RARE_MARKS)


def _fold_lower(lower: str) -> bytes:
    marked = lower.replace("...", "\x01").replace("…", "\x01").replace("[truncated", "\x01")
    return marked.encode("utf-8", "surrogatepass").translate(None, _DROPPED)


def _view(lower: str, steps: tuple[re.Pattern[str], ...]) -> View:
    plain = _fold_lower(lower)
    return View(plain, dense(plain), steps)


def _deeper(lower: str, steps: tuple[re.Pattern[str], ...]) -> Iterator[View]:
    opened, changed = _apply(lower, steps)
    if changed:
        yield _view(opened, steps)


def _apply(lower: str, steps: tuple[re.Pattern[str], ...]) -> tuple[str, bool]:
    changed = False
    for pattern in steps:
        for _ in range(_ROUNDS if pattern is _ESCAPES else 1):
            lower, count = pattern.subn(_decode, lower)
            changed = changed or bool(count)
            if not count:
                break
    return lower, changed


class _Track(NamedTuple):
    """A text on its way to a view: each character with the start and end of its origin."""

    text: str
    starts: list[int]
    ends: list[int]


def _track(text: str) -> _Track:
    lower = text.casefold()
    if len(lower) == len(text):  # folding never shortens, so equal lengths mean character by character
        return _Track(lower, list(range(len(text))), list(range(1, len(text) + 1)))
    places = [place for place, character in enumerate(text) for _ in character.casefold()]
    return _Track(lower, places, [place + 1 for place in places])


def _tracked(track: _Track, pattern: re.Pattern[str]) -> tuple[_Track, bool]:
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for match in pattern.finditer(track.text):
        start, end = match.span()
        new = "\x01" if pattern is _MARKS else _decode(match)
        parts += (track.text[position:start], new)
        starts += track.starts[position:start]
        ends += track.ends[position:start]
        if new and end > start:
            starts += [track.starts[start]] * len(new)
            ends += [track.ends[end - 1]] * len(new)
        position = end
    if not position:
        return track, False
    rest = _Track(
        "".join(parts) + track.text[position:], starts + track.starts[position:], ends + track.ends[position:]
    )
    return rest, True


def _tracked_fold(track: _Track) -> tuple[bytes, list[int], list[int]]:
    if track.text.isascii():
        kept = [place for place, code in enumerate(track.text.encode()) if code not in _DROPPED_SET]
    else:
        kept = [
            place
            for place, character in enumerate(track.text)
            for code in character.encode("utf-8", "surrogatepass")
            if code not in _DROPPED_SET
        ]
    folded = track.text.encode("utf-8", "surrogatepass").translate(None, _DROPPED)
    return folded, [track.starts[place] for place in kept], [track.ends[place] for place in kept]
