"""B3: installed but unused. What the plugin adds to `pytest --collect-only` on an empty directory.

python benchmarks/b3_unused.py        instructions need valgrind; without it only the time is measured
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import measure

ROUNDS = 15
WITH, WITHOUT = (["--collect-only"], ["--collect-only", "-p", "no:prodcheck"])
_IMPORTS = """
import sys, pytest
status = pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider"])
print(sorted({name.partition(".")[0] for name in sys.modules} & set(sys.argv[1:])))
"""
THIRD_PARTY = [
    "pydantic",
    "httpx2",
    "httpx",
    "psycopg",
    "gql",
    "graphql",
    "jwt",
    "postgast",
    "jsonschema",
    "cryptography",
]


def instructions(arguments: list[str], folder: Path) -> float:
    """Instructions of one run under callgrind, in millions."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *measure.pytest_command(*arguments)]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    named = ["-p", "pytest_prodcheck.plugin"] if arguments is WITH else []
    done = subprocess.run([*command, *named], cwd=folder, capture_output=True, text=True, check=False, env=environment)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if not found:
        raise SystemExit(done.stderr[-500:])
    return int(found[1]) / 1e6


def main() -> int:
    """Prints the figures; 1 where a bound is missed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        costs = measure.side_by_side(
            ROUNDS, ours=(measure.pytest_command(*WITH), folder), bare=(measure.pytest_command(*WITHOUT), folder)
        )
        pairs = zip(costs["ours"], costs["bare"], strict=True)
        added = sorted((ours.cpu - bare.cpu) * 1000 for ours, bare in pairs)[ROUNDS // 2]
        kept = measure.say("B3 CPU added, ms (median of pairs)", added, 5.0, f"{ROUNDS} pairs")
        if shutil.which("valgrind"):
            more = instructions(WITH, folder) - instructions(WITHOUT, folder)
            kept &= measure.say("B3 instructions added, millions", more, 40.0, "callgrind")
        imported = subprocess.run(
            [sys.executable, "-c", _IMPORTS, *THIRD_PARTY], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.splitlines()[-1]
        print(f"B3 third-party modules imported: {imported}")
        return 0 if kept and imported == "[]" else 1


if __name__ == "__main__":
    sys.exit(main())
