"""Installs the servers of package.json beside it, as its lock says; without npm it says so and installs nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """The exit status of `npm ci`; 0 where there is no npm."""
    npm = shutil.which("npm")
    if npm is None:
        print("npm is not here: tests/node will be skipped")
        return 0
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    return subprocess.run(command, cwd=Path(__file__).parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
