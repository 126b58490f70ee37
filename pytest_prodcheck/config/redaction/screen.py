"""What a target said, made safe for a terminal: text in the right charset, without control sequences."""

from __future__ import annotations

import codecs

from pytest_prodcheck.config.lazily import compiled

_SEQUENCES = compiled(
    r"\x1b\][^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)|[\x1b\x9b]\[?[0-?]*[ -/]*[@-~]"
    r"|\x1b[PX^_][^\x1b\x9c]{0,4096}(?:\x1b\\|\x9c)"
)
_CONTROLS = compiled(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_COMMANDS = compiled(r"(?<!\S)(:|#)([:#])(?=[\w\[])")
_CHARSET = compiled(r"(?i)charset\s*=\s*[\"']?([\w.:-]+)")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def without_controls(text: str) -> str:
    """`text` without terminal sequences, control characters (but line feed and tab), bidi overrides, invisible ones.

    CR LF becomes LF, so that a line keeps its end.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return _CONTROLS.sub("", _SEQUENCES.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


def harmless(text: str) -> str:
    """`without_controls`, and without what a CI runner takes for a command where wrapping puts it first on a line."""
    return _COMMANDS.sub(r"\1 \2", without_controls(text))


def decoded(data: bytes, content_type: str = "") -> str:
    """The text of a body: by its byte order mark, else by the charset of its content type, else UTF-8; never raises."""
    named = _CHARSET.search(content_type)
    charset = next((name for mark, name in _MARKS if data.startswith(mark)), named[1] if named else "utf-8")
    try:
        return data.decode(charset, "replace")
    except (LookupError, UnicodeError):  # unknown charsets, and those that are no text encoding (hex, idna)
        return data.decode("utf-8", "replace")
