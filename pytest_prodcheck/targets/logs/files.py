"""Lines of files, their rotated predecessors first, each file followed through a rotation that happens meanwhile."""

from __future__ import annotations

import bz2
import glob
import gzip
import lzma
import os
import re
import shlex
import stat
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.observe.log import Origin
from pytest_prodcheck.targets.logs.reading import Reading, SourceProblem, stamp

_BLOCK = 1 << 18
_ROTATED = re.compile(r"(?:[.-]\d[\d._T-]{0,20}(?:\.log)?|\.old)(?:\.gz|\.bz2|\.xz|\.zst)?")
"""What logrotate puts behind a name: `.1`, `.2.gz`, `-20261129`, `-20261129.xz`."""
_PACKED = {".gz": gzip.GzipFile, ".bz2": bz2.BZ2File, ".xz": lzma.LZMAFile, ".zst": None}
_MOST = 200
"""Files of one target at most."""


class Files:
    """The files that the target names."""

    def __init__(self, target: str, table: LogsTarget, base: Path) -> None:
        self._target, self._names, self._base, self._found = target, table.file, base, 0

    def look(self) -> None:
        """Every name is a readable file, or a pattern that finds some."""
        for path in self._paths():
            self._opened(path).close()

    def rollout(self) -> float | None:
        """A file does not know."""
        return None

    def read(self, reading: Reading) -> None:
        """All files, one after the other."""
        paths = self._paths()
        names = [path.name for path in paths]
        for path in paths:
            self._read(path, path.name if names.count(path.name) == 1 else str(path), reading)
        if (more := self._found - len(paths)) > 0:
            reading.lose(self._target, "unreadable", f"{more} further files match: no more than {_MOST} are read")

    def _paths(self) -> list[Path]:
        found: list[Path] = []
        for name in self._names:
            path, many = self._base / name, glob.has_magic(name)
            root = Path(path.anchor or ".")
            matching = sorted(root.glob(str(path.relative_to(root)))) if many else [path]
            found += [one for one in matching if not many or not _is_rotated(one)]
            if not matching:
                text = f"no file matches {name} below {self._base}"
                raise SourceProblem(self._target, text, "logs.source.missing")
        self._found = len(set(found))
        return list(dict.fromkeys(found))[:_MOST]

    def _opened(self, path: Path) -> BinaryIO:
        """The file. Raises SourceProblem for one that is not there, may not be read, or is none (a pipe would hang)."""
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                raise SourceProblem(self._target, f"{path} is no regular file", "logs.source.missing")
            return path.open("rb")
        except PermissionError:
            text = f"cannot read logs: permission denied ({path})"
            raise SourceProblem(self._target, text, "logs.source.forbidden", refused=True) from None
        except OSError as problem:
            text = f"cannot read logs: {path}: {problem.strerror}"
            raise SourceProblem(self._target, text, "logs.source.missing") from None

    def _read(self, path: Path, name: str, reading: Reading) -> None:
        facts = {"file": str(path), "look": f"tail -n 200 {shlex.quote(str(path))}"}
        with suppress(OSError):
            facts["written_at"] = stamp(path.stat().st_mtime)
        origin = Origin(name, facts=facts)
        if path.suffix in _PACKED:
            self._unpack(path, origin, reading)
            reading.fold.ends(origin)
            return
        with self._opened(path) as file:  # held, so that a rotation from now on loses nothing
            self._begin(path, file, origin, reading)
            if _hand_on(file, origin, reading) and (newer := self._after_rotation(path, file)):
                with newer:
                    _hand_on(file, origin, reading)  # what was written before the rotation
                    _hand_on(newer, origin, reading)
        reading.fold.ends(origin)

    def _begin(self, path: Path, file: BinaryIO, origin: Origin, reading: Reading) -> None:
        """The rotated files of the window, oldest first; of files larger than may be read, the end."""
        size, rotated = file.seek(0, os.SEEK_END), _rotated(path, reading.window.before)
        if size > reading.left:
            file.seek(int(size - reading.left))
            file.readline(_BLOCK)
            reading.late.add(origin.name)
            return
        file.seek(0)
        if rotated or _has_rotated(path):
            reading.late.add(origin.name)
        for older in rotated:
            self._unpack(older, origin, reading)

    def _unpack(self, path: Path, origin: Origin, reading: Reading) -> None:
        """A file that nobody writes to any more, packed or not."""
        try:
            with _plain(path) as part:
                _hand_on(part, origin, reading)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as problem:
            reading.lose(origin.name, "unreadable", f"{path.name} cannot be read: {problem}")

    def _after_rotation(self, path: Path, file: BinaryIO) -> BinaryIO | None:
        """The new file where the name stands for another one now; None where it does not."""
        held = os.fstat(file.fileno())
        with suppress(OSError, SourceProblem):
            if (path.stat().st_dev, path.stat().st_ino) != (held.st_dev, held.st_ino):
                return self._opened(path)
        return None


def _hand_on(file: BinaryIO, origin: Origin, reading: Reading) -> bool:
    """Hands the rest of an open file on; False where the reading is over, or the file was cut off under us."""
    while reading.open(origin.name):
        block = file.read(int(min(_BLOCK, max(1, reading.left))))
        if not block:
            return _is_whole(file, origin, reading)
        if not reading.take(origin, block):
            return False
    return False


def _is_whole(file: BinaryIO, origin: Origin, reading: Reading) -> bool:
    """Whether the file is still as long as what was read of it: `copytruncate` cuts it off under the reader."""
    with suppress(OSError, AttributeError):
        if isinstance(file, gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile):
            return True
        if os.fstat(file.fileno()).st_size < file.tell():
            reading.lose(origin.name, "rotated", "the file was truncated while it was read")
            return False
    return True


def _plain(path: Path) -> BinaryIO:
    if path.suffix == ".zst":
        raise ValueError("zstd is not read")
    unpack = _PACKED.get(path.suffix)
    return cast("BinaryIO", unpack(path, "rb")) if unpack else path.open("rb")


def _rotated(path: Path, since: float) -> list[Path]:
    """The rotated files that were still written to since then, oldest first."""
    found = []
    for one in _siblings(path):
        with suppress(OSError):
            changed = one.stat()
            if changed.st_mtime >= since and stat.S_ISREG(changed.st_mode):
                found.append((changed.st_mtime, one))
    return [one for _, one in sorted(found)][-_MOST:]


def _has_rotated(path: Path) -> bool:
    return next(_siblings(path), None) is not None


def _siblings(path: Path) -> Iterator[Path]:
    stems = (path.name, path.stem) if path.suffix == ".log" else (path.name,)
    for one in path.parent.glob(f"{glob.escape(path.stem)}*"):
        if any(one.name.startswith(stem) and _ROTATED.fullmatch(one.name[len(stem) :]) for stem in stems):
            yield one


def _is_rotated(path: Path) -> bool:
    """Whether the name is that of a rotated file of another one beside it, which reads it."""
    stems = {path.name[: found.start()] for found in re.finditer(r"[.-](?=\d|old)", path.name)}
    return any(_ROTATED.fullmatch(path.name[len(stem) :]) and (path.parent / stem).exists() for stem in stems)
