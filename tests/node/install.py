"""Installs the servers of package.json beside it, as its lock says; without npm it says so and installs nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
POSTGRES_13 = HERE / "node_modules" / "postgres-13"


def main() -> int:
    """The exit status of `npm ci`, and of what the binaries of PostgreSQL need beside it; 0 where there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not here: tests/node will be skipped")
        return 0
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    status = subprocess.run(command, cwd=HERE, check=False).returncode
    if status or not POSTGRES_13.is_dir():  # it is made for one platform
        return status
    command = ["node", "scripts/hydrate-symlinks.js"]  # a package of npm holds no links: its own script makes them
    return subprocess.run(command, cwd=POSTGRES_13, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
