"""What an error body states about its error, apart from all else that it may hold.

A page may quote any error as its content, and a JSON document carries titles, help and user data: what stands there is
no reason. Shapes: RFC 9457 and frameworks' JSON, drivers' errors as JSON (node-postgres, PostgREST, Prisma), the debug
pages of Django, Werkzeug, Express, Rails, Symfony and Tomcat, health documents by component.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

from pytest_prodcheck.diagnosis.components import layers_named

_KEYS = frozenset({
    "error", "errors", "err", "errormessage", "errordescription", "errorcode", "message", "msg", "detail",
    "details", "title", "reason", "description", "exception", "exceptions", "cause", "causes", "original",
    "originalerror", "parent", "inner", "innerexception", "stack", "stacktrace", "trace", "traceback", "code",
    "sqlstate", "pgcode", "errno", "name", "type", "kind", "address", "port", "host", "hostname", "syscall",
    "severity", "routine", "schema", "table", "column", "constraint", "extensions", "internal", "path", "hint",
    "checks", "components", "dependencies", "services", "health", "output", "status",
})  # fmt: skip
"""Keys, in lower case without `_` and `-`, under which programs say what went wrong."""

_ELEMENTS = re.compile(
    r"<(?P<plain>title|h1|h2|pre|textarea)\b[^>]*>(?P<a>.*?)(?:</(?P=plain)>|\Z)"
    r"|<(?P<marked>\w+)\b[^>]*\b(?:class|id)=[\"'][^\"'>]*(?:error|exception|traceback|message)[^>]*>(?P<b>.*?)"
    r"(?:</(?P=marked)>|\Z)"
    r"|<b>(?:message|exception|root cause|description)</b>(?P<c>.*?)(?:</p>|\Z)"
    r"|<!--(?P<d>.*?)(?:-->|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"</?[a-z][^>]*>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>|</(?:li|p|div|tr)>", re.IGNORECASE)
_PAIR = re.compile(r"\"(\w[\w-]*)\"\s*:\s*(?:\"((?:[^\"\\]|\\.)*)|(-?\d+))")
_ESCAPE = re.compile(r"\\([nrt\"'/\\])")
_ESCAPED = {"n": "\n", "r": "\n", "t": "\t"}
_DEEP = 8


def statements(text: str) -> tuple[str, ...]:
    """What `text` states about an error, one statement a line, JSON's as `path.key: value`.

    What is said of one component of a health document, or in one item of a list, stands apart from the rest.
    """
    head, document = _split(text)
    blocks: list[list[str]] = [[head]]
    if document[:1] == "<":
        blocks[0] += _of_page(document)
    elif document:
        _of_json(document, blocks[0], blocks)
    lines = ([line for part in block if (line := part.strip())] for block in blocks)
    return tuple("\n".join(block) for block in lines if block)


def _split(text: str) -> tuple[str, str]:
    """Plain lines, and the document that begins after them."""
    found = re.search(r"^\s*(?=[{\[]\s*[\"{\[\]}]|<[!a-z])", text, re.MULTILINE | re.IGNORECASE)
    return (text[: found.start()], text[found.end() :]) if found else (text, "")


def _of_page(page: str) -> Iterator[str]:
    for found in _ELEMENTS.finditer(page):
        inner = next(part for part in found.group("a", "b", "c", "d") if part is not None)
        yield html.unescape(_TAG.sub(" ", _BREAK.sub("\n", inner)))


def _of_json(document: str, block: list[str], blocks: list[list[str]]) -> None:
    try:
        known, end = json.JSONDecoder().raw_decode(document)
    except (ValueError, RecursionError):
        block += _of_cut_json(document)
        return
    _walk(known, (), block, blocks)
    block.append(document[end:])


def _of_cut_json(document: str) -> Iterator[str]:
    for key, words, number in _PAIR.findall(document):
        if _tells(key):
            yield f"{key}: {_ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), words) or number}"


def _walk(value: object, path: tuple[str, ...], block: list[str], blocks: list[list[str]]) -> None:
    if isinstance(value, dict | list) and len(path) >= _DEEP:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if _tells(str(key)):
                _walk(inner, (*path, str(key)), _block(blocks, layers_named(str(key)), block), blocks)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner, (*path, ""), _block(blocks, isinstance(inner, dict), block), blocks)
    elif isinstance(value, str) and value.lstrip()[:1] == "{":
        # an error that is JSON itself, as where a proxy hands on what it was told
        _of_json(value.lstrip(), block, blocks)
    elif isinstance(value, str | int):
        names = ".".join(filter(None, path))
        block.append(f"{names}: {value}" if names else str(value))


def _block(blocks: list[list[str]], apart: object, block: list[str]) -> list[str]:
    if not apart:
        return block
    blocks.append([])
    return blocks[-1]


def _tells(key: str) -> bool:
    return re.sub(r"[_-]", "", key).lower() in _KEYS or bool(layers_named(key))
