"""Migrations whose name says their version, and those whose list or text has to be read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import PurePosixPath
from xml.etree import ElementTree

from pytest_prodcheck.config.migrations import checksums
from pytest_prodcheck.config.migrations.repository import (
    BadMigration,
    Files,
    Migration,
    Order,
    Repository,
    by_number,
    by_text,
    number,
    ordered,
    plain,
    version,
)

Parser = Callable[[Files], Repository]
_CLASS = re.compile(r"\bclass\s+(\w*\d{13})\b")
_NAME = re.compile(r"""\bname\s*(?::\s*string\s*)?=\s*["'](\w+)["']""")
_FORMATTED = re.compile(r"^\s*--\s*changeset\s+([^:\s]+):(\S+)", re.MULTILINE | re.IGNORECASE)
_YAML = re.compile(r"^(\s*)-\s*changeSet:\s*$", re.MULTILINE)


def numbered(
    pattern: re.Pattern[str], normal: Callable[[str], str] = plain, order: Order = by_text, sum_of: str = ""
) -> Parser:
    """The parser of a tool whose file or folder name holds the id (`id`) and what people call it (`name`)."""

    def parse(files: Files) -> Repository:
        return ordered(_numbered(files, pattern, normal, getattr(checksums, sum_of) if sum_of else None), order)

    return parse


def _numbered(
    files: Files,
    pattern: re.Pattern[str],
    normal: Callable[[str], str],
    checksum: Callable[[bytes], str] | None,
) -> Iterator[Migration]:
    for path, content in sorted(files.items()):
        found = pattern.search(path)
        if found:
            yield Migration(normal(found["id"]), found["name"], checksum(content) if checksum else "")


def flyway(files: Files) -> Repository:
    """`V1.2__what.sql`, `R__again.sql`; `U…` undo scripts are none (Flyway, "Migrations")."""
    found = []
    for path, content in sorted(files.items()):
        name = PurePosixPath(path).name
        kind, _, rest = name.partition("__")
        checksum = checksums.crc32(content) if name.endswith(".sql") else ""
        if kind == "R":
            identifier = f"R:{rest.rpartition('.')[0].replace('_', ' ')}"
            found.append(Migration(identifier, name, checksum, again=True))
        elif kind[:1] == "V":
            found.append(Migration(version(kind[1:]), name, checksum))
    return ordered(found, by_number)


def hasura(files: Files) -> Repository:
    """`migrations/DATABASE/VERSION_NAME/up.sql`; without a database's folder it is `default` (config v2)."""
    found = []
    for path in sorted(files):
        *above, folder, _ = PurePosixPath(path).parts
        identifier, _, name = folder.partition("_")
        database = above[-1] if above else "default"
        found.append(Migration(f"{database}/{number(identifier)}", f"{identifier}_{name}"))
    return ordered(found, by_text)


def typeorm(files: Files) -> Repository:
    """The class's name, or the `name` it declares: what TypeORM writes into its table."""
    found = []
    for path, content in sorted(files.items()):
        text = content.decode("utf-8", "replace")
        named = _NAME.search(text) or _CLASS.search(text)
        if named is None:
            raise BadMigration(path, "no class whose name ends in its timestamp, and no `name`")
        found.append(Migration(named[1], PurePosixPath(path).name))
    return ordered(found, lambda name: by_text(re.sub(r"^\D*|\D", "", name)[-13:]))


def drizzle(files: Files) -> Repository:
    """The entries of `meta/_journal.json`: `when` is what the table calls `created_at`."""
    journals = [path for path in files if path.endswith("meta/_journal.json")]
    if not journals:
        raise BadMigration("meta/_journal.json", "is missing: drizzle-kit writes it beside the migrations")
    path = journals[0]
    folder = path.removesuffix("meta/_journal.json")
    try:
        entries = json.loads(files[path])["entries"]
        listed = [(str(entry["when"]), str(entry["tag"])) for entry in entries]
    except (ValueError, KeyError, TypeError):
        raise BadMigration(path, "is no journal of drizzle-kit") from None
    for _, tag in listed:
        if f"{folder}{tag}.sql" not in files:
            raise BadMigration(path, f"names {tag}, and {tag}.sql is missing")
    found = [Migration(when, tag, checksums.sha256(files[f"{folder}{tag}.sql"])) for when, tag in listed]
    return ordered(found, by_number)


def atlas(files: Files) -> Repository:
    """`VERSION_name.sql`; the checksum covers all files up to it."""
    names = sorted(path for path in files if path.endswith(".sql"))
    sums = checksums.atlas((name, files[name]) for name in names)
    found = [
        Migration(name.removesuffix(".sql").partition("_")[0], name.removesuffix(".sql"), sums[name]) for name in names
    ]
    return ordered(found, by_text)


def liquibase(files: Files) -> Repository:
    """Change sets of XML, YAML, JSON and formatted SQL, as `id::author::file`, in the order of the files' names.

    The file counts by its name alone: the path in the table depends on how Liquibase was called.
    """
    found = []
    for path, content in sorted(files.items()):
        text = content.decode("utf-8", "replace")
        for identifier, author in _change_sets(path, text):
            name = f"{identifier}::{author}::{PurePosixPath(path).name}"
            found.append(Migration(name, name))
    return ordered(found, lambda _: by_text(""))


def change_set(text: str) -> str:
    """The normal form of a change set of the table: the file's name without its folder."""
    head, _, file = text.rpartition("::")
    return f"{head}::{PurePosixPath(file).name}"


def _change_sets(path: str, text: str) -> Iterator[tuple[str, str]]:
    if path.endswith(".sql"):
        yield from ((identifier, author) for author, identifier in _FORMATTED.findall(text))
    elif path.endswith(".xml"):
        yield from _of_xml(path, text)
    elif path.endswith(".json"):
        yield from _of_json(path, text)
    else:
        yield from _of_yaml(text)


def _of_xml(path: str, text: str) -> Iterator[tuple[str, str]]:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadMigration(path, "declares a DOCTYPE: entities are not expanded here")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise BadMigration(f"{path}:{error.position[0]}", "not XML") from None
    for element in root.iter():
        if element.tag.rpartition("}")[2] == "changeSet":
            yield element.get("id", ""), element.get("author", "")


def _of_json(path: str, text: str) -> Iterator[tuple[str, str]]:
    try:
        document = json.loads(text)
        entries = document.get("databaseChangeLog", []) if isinstance(document, dict) else []
        sets = [entry["changeSet"] for entry in entries if "changeSet" in entry]
        yield from ((str(one["id"]), str(one["author"])) for one in sets)
    except (ValueError, KeyError, TypeError):
        raise BadMigration(path, "is no JSON change log") from None


def _of_yaml(text: str) -> Iterator[tuple[str, str]]:
    """`id` and `author` at the head of each change set; YAML's other ways to write a mapping are not Liquibase's."""
    starts = [found.end() for found in _YAML.finditer(text)] + [len(text)]
    for start, end in pairwise(starts):
        part = text[start:end]
        keys = {}
        for key in ("id", "author"):
            value = re.search(rf"^\s+{key}:\s*(.+?)\s*$", part, re.MULTILINE)
            keys[key] = value[1].strip("'\"") if value else ""
        yield keys["id"], keys["author"]
