"""What a folder of migrations says, as plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pytest_prodcheck.config.lazily import compiled

Files = Mapping[str, bytes]
"""Path below the folder, with slashes → content."""
Place = tuple[int, tuple[int, ...], str]
"""Where an id stands among others."""
Order = Callable[[str], Place]


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration of the repository."""

    id: str
    """As the tool writes it into its table, in its normal form."""
    name: str
    """As people know it: the name of its file or folder."""
    checksum: str = ""
    """As the tool writes it; empty where it writes none, or none that can be computed."""
    parents: tuple[str, ...] = ()
    """Ids that it follows; only of tools whose files say so (Alembic, Django)."""
    replaces: tuple[str, ...] = ()
    """Ids that it stands for (Django's squashed migrations)."""
    again: bool = False
    """Whether it is run again when its text changes (Flyway's R__)."""


@dataclass(frozen=True, slots=True)
class Repository:
    """The migrations of one folder, in the order in which the tool runs them."""

    migrations: tuple[Migration, ...]
    branches: tuple[str, ...] = ()
    """What keeps the tool from having one order, in words: two heads, two files of one version."""

    @property
    def heads(self) -> tuple[str, ...]:
        """Names of the migrations that nothing follows: the last one, or the ends of all chains."""
        if any(one.parents for one in self.migrations):
            followed = {parent for one in self.migrations for parent in one.parents}
            return tuple(one.name for one in self.migrations if one.id not in followed)
        return tuple(one.name for one in self.migrations[-1:])


class BadMigration(ValueError):
    """A file that is no migration of its tool; `place` is `file` or `file:line`."""

    def __init__(self, place: str, problem: str) -> None:
        self.place = place
        super().__init__(f"{place}: {problem}")


def plain(text: str) -> str:
    """An id as it is."""
    return text


def number(text: str) -> str:
    """An id that is a number: `0001` is `1`."""
    return str(int(text)) if text.isdecimal() else text


def stem(text: str) -> str:
    """A file's name without what a compiler changes: `1_init.ts` is run as `1_init.js`."""
    return _COMPILED.sub("", text)


def version(text: str) -> str:
    """A Flyway version: `1_1` is `1.1`, `01` is `1`, `1.0` is `1`."""
    parts = [str(int(part)) if part.isdecimal() else part for part in text.replace("_", ".").split(".")]
    while len(parts) > 1 and parts[-1] == "0":
        parts.pop()
    return ".".join(parts)


def by_number(identifier: str) -> Place:
    """The order of numbers and dotted versions; what is neither comes last, by its text."""
    parts = identifier.split(".")
    if all(part.isdecimal() for part in parts):
        return (0, tuple(int(part) for part in parts), "")
    return (1, (), identifier)


def by_text(identifier: str) -> Place:
    """The order of names."""
    return (0, (), identifier)


def ordered(migrations: Iterable[Migration], order: Order) -> Repository:
    """A repository whose tool runs one after the other; two of one id are a branch."""
    listed = sorted(migrations, key=lambda one: (one.again, order(one.id)))
    names: dict[str, list[str]] = {}
    for one in listed:
        names.setdefault(one.id, []).append(one.name)
    twice = tuple(
        f"{' and '.join(same)} have one version, {identifier}" for identifier, same in names.items() if same[1:]
    )
    return Repository(tuple(listed), twice)


_COMPILED = compiled(r"(?:\.d)?\.(?:[cm]?[jt]s|sql|coffee)$")
