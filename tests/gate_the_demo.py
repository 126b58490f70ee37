"""Gates the healthy demo from an empty directory, again and again; every red run is a false alarm.

    python tests/gate_the_demo.py               once, and once more under -n 4 where xdist is installed
    python tests/gate_the_demo.py --runs 50     fifty times, every second one under -n 4
    python tests/gate_the_demo.py --only http   these targets alone

Prints its figure; exit status 1 where a run was not green. Used by tox, with the pytest of its own interpreter.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LONGEST_SECONDS = 120


def gate(*arguments: str) -> tuple[float, str]:
    """Seconds of one run, and what is wrong with it: its output, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "--prodcheck=demo", "-p", "no:cacheprovider", *arguments]
        started = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
        took = time.perf_counter() - started
        file = Path(folder) / ".prodcheck/demo/verdict.json"
        verdict = json.loads(file.read_text()) if file.exists() else {}
    whole = not any(each.startswith("--prodcheck-only=") for each in arguments)
    green = not done.returncode and verdict.get("verdict") == "pass" and verdict.get("complete") is whole
    return took, "" if green else f"exit status {done.returncode}\n{done.stdout}{done.stderr}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--only", help="targets, as --prodcheck-only takes them")
    options = parser.parse_args(arguments)
    runs: int = options.runs
    chosen = [f"--prodcheck-only={options.only}"] if options.only else []
    spread = importlib.util.find_spec("xdist") is not None
    times, alarms, spread_runs = [], 0, 0
    for number in range(1, runs + 1):
        workers = ["-n", "4"] if spread and number % 2 == 0 else []
        took, wrong = gate(*chosen, *workers)
        times.append(took)
        spread_runs += bool(workers)
        if wrong:
            alarms += 1
            print(f"run {number} {' '.join(workers)}: a false alarm after {took:.1f} s\n{wrong}", flush=True)
        elif number % 10 == 0:
            print(f"run {number} of {runs}: {alarms} false alarms so far", flush=True)
    passed = f"{runs - alarms} of {runs} healthy demo runs passed ({spread_runs} under -n 4)"
    print(f"stability: {passed}, {alarms} false alarms")
    print(f"stability: median {statistics.median(times):.1f} s, longest {max(times):.1f} s")
    return 1 if alarms else 0


if __name__ == "__main__":
    sys.exit(main())
