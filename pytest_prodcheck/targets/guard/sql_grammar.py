"""PostgreSQL's own grammar: the tree of a statement, by postgast (libpg_query). The only module that imports it.

Nodes are protobuf messages of the kinds in PostgreSQL's nodes/parsenodes.h. Their stub file names an attribute
`None`, which no type checker accepts: `Node` stands for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

Node = Any


class SyntaxProblem(Exception):
    """The text cannot be judged; the message says why."""


def parse(statement: str) -> list[Node]:
    """The statements of a text, in order (`RawStmt`); raises SyntaxProblem for what is not PostgreSQL's SQL."""
    postgast = import_module("postgast")
    decode_error = import_module("google.protobuf.message").DecodeError
    try:
        return list(postgast.parse(statement).stmts)
    except postgast.PgQueryError as error:
        raise SyntaxProblem(_reason(statement, error.message, error.cursorpos)) from None
    except decode_error:
        raise SyntaxProblem("nested too deeply to be judged") from None


def _reason(statement: str, message: str, position: int) -> str:
    message = "".join(letter if letter.isprintable() else "?" for letter in message)[:200]
    rest = statement.encode()[max(position - 1, 0) :].decode(errors="replace")
    if rest.startswith("\\"):
        return "a backslash command is not SQL"
    if message.startswith("unterminated"):
        return f"not lexable: {message.split(' at or near')[0].replace('/* ', '')}"
    return f"not parsable as PostgreSQL: {message}"


def first_words(statement: str, raw: Node) -> list[str]:
    """The first two words of one of the statements of a text, in upper case, comments and brackets left out."""
    text = statement.encode()[raw.stmt_location :][: raw.stmt_len or None]
    tokens = (text[token.start : token.end].decode(errors="replace") for token in _scan(text))
    return [token.upper() for token in tokens if re.fullmatch(r"\w+", token)][:2]


def _scan(text: bytes) -> list[Node]:
    return list(import_module("postgast").scan(text.decode()).tokens)


def unwrap(node: Node) -> Node:
    """The node itself, out of the wrapper that stands where any kind is possible."""
    return import_module("postgast").unwrap_node(node)


def kind(node: Node) -> str:
    """`SelectStmt`, `FuncCall`, …"""
    return str(unwrap(node).DESCRIPTOR.name)


def verb(node: Node) -> str:
    """`DELETE` of a DeleteStmt."""
    return kind(node).removesuffix("Stmt").upper()


def walk(node: Node) -> Iterator[tuple[str, Node]]:
    """Kind and node of everything in a tree, the root first."""
    yield kind(node), unwrap(node)
    for child in children(unwrap(node)):
        yield from walk(child)


def children(node: Node, but: str = "") -> Iterator[Node]:
    """The nodes directly below an unwrapped node, without those of the field `but`."""
    for field, value in node.ListFields():
        if field.message_type is not None and field.name != but:
            yield from [value] if hasattr(value, "ListFields") else value


def strings(nodes: Node) -> tuple[str, ...]:
    """The texts of a list of nodes; those that are no String (a star, a subscript) are left out."""
    return tuple(node.string.sval for node in nodes if node.HasField("string"))


def lock_strength(value: int) -> str:
    """`LCS_FORUPDATE`, …"""
    return str(import_module("postgast.pg_query_pb2").LockClauseStrength.Name(value))


def is_any_sublink(node: Node) -> bool:
    """Whether a SubLink is `= ANY (SELECT …)` or `IN (SELECT …)`, which names no operator."""
    return bool(node.sub_link_type == import_module("postgast.pg_query_pb2").SubLinkType.ANY_SUBLINK)
