"""The project's documents, read as data: headings and code blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
DOCUMENTS = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")])
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its document, its number in it, its language, its text."""

    document: str
    number: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document}-{self.number}"


def read(name: str) -> str:
    """The text of a document."""
    return (PROJECT / name).read_text(encoding="utf-8")


def headings(name: str) -> list[str]:
    """The headings of a document, without their marks and backticks; code blocks have none."""
    text = _FENCE.sub("", read(name))
    return [line.lstrip("#").strip().strip("`") for line in text.splitlines() if line.startswith("#")]


def blocks(*languages: str) -> list[Block]:
    """All blocks in these languages."""
    return [
        Block(document.name, number, *match.groups())
        for document in DOCUMENTS
        for number, match in enumerate(_FENCE.finditer(document.read_text(encoding="utf-8")), 1)
        if match[1] in languages
    ]


def commands() -> list[str]:
    """The lines of all `bash` blocks, comments taken off, and what follows `$` in consoles."""
    shell = [line for block in blocks("bash") for line in block.text.splitlines()]
    console = [line[2:] for block in blocks("console") for line in block.text.splitlines() if line.startswith("$ ")]
    return [words for line in [*shell, *console] if (words := line.partition("  #")[0].strip())]


def first_commands() -> tuple[str, str]:
    """The README's first two command lines: the demo gate, and all tests."""
    gate, tests = [block.text.strip() for block in blocks("bash") if block.document == "README.md"][:2]
    return gate, tests
