"""B10: ten million recorded samples of load judged in 5 seconds and less than 200 MB, exactly.

    python benchmarks/b10_samples.py [ROWS]

Columns are written to a temporary folder as the engine writes them: 20 names, lognormal latencies over three hours,
0.4 % errors. Then, in a process of its own, `criteria.load.judge` judges limits over all requests and over single
names. Memory is the peak of the process (`VmHWM`) with the pages of the columns that it mapped; its own is said beside.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path

from pytest_prodcheck.observe.load import COLUMNS

SECONDS, MEGABYTES = 5.0, 200
CHUNK = 1_000_000
LIMITS = ("p50 < 200ms", "p95 < 500ms", "p99 < 1s", "mean < 200ms", "max < 60s", "errors < 1%", "throughput > 1/s")
NAMED = {f"GET /{number}": ("p95 < 500ms", "errors < 1%") for number in range(5)}


def written(folder: Path, rows: int) -> None:
    """The columns of one process."""
    chance = random.Random(1)
    response = array("I", (int(1000 * chance.lognormvariate(4, 0.6)) for _ in range(CHUNK)))
    values = {
        "late": array("I", [0]) * CHUNK,
        "status": array("h", [200]) * CHUNK,
        "name": array("H", (chance.randrange(20) for _ in range(CHUNK))),
        "error": array("H", (int(chance.random() < 0.004) for _ in range(CHUNK))),
        "size": array("I", [512]) * CHUNK,
    }
    (folder / "local").mkdir()
    files = {column["name"]: folder / "local" / f"{column['name']}.{column['code']}" for column in COLUMNS}
    for begin in range(0, rows, CHUNK):
        length = min(CHUNK, rows - begin)
        step = max(1, 10_800_000_000 // rows)
        columns = {**values, "response": array("I", (took + begin // 100_000 for took in response))}
        columns["start"] = array("q", range(begin * step, (begin + length) * step, step))
        for name, file in files.items():
            with file.open("ab") as open_file:
                columns[name][:length].tofile(open_file)
    names = [f"GET /{number}" for number in range(20)]
    table = {"names": names, "errors": [["", ""], ["status", "500"]]}
    (folder / "names.json").write_text(json.dumps(table))


def judged(folder: str) -> None:
    """Judges, and prints its seconds, peak and findings."""
    from pytest_prodcheck.criteria import load
    from pytest_prodcheck.load import samples
    from pytest_prodcheck.observe.load import LoadRun, Second

    began, used = time.perf_counter(), time.process_time()
    read = samples.read(folder)
    run = LoadRun("b10", began_at=0.0, ended_at=10_800.0, duration=10_800.0, warm_up=60.0, users=100, folder=folder,
                  samples=len(read), sent=len(read), seconds=(Second(5000.0, cpu=0.1),))  # fmt: skip
    found = load.judge(run, read, LIMITS, NAMED, "load")
    took = (time.perf_counter() - began, time.process_time() - used)
    status = Path("/proc/self/status").read_text().splitlines()
    own = next((int(line.split()[1]) / 1024 for line in status if line.startswith("RssAnon")), 0.0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([*took, peak, own, [f"{one.severity} {one.code}" for one in found]]))


def main() -> int:
    """Writes, judges in a fresh process, prints; exit status 1 where a promise is broken."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory() as name:
        written(Path(name), rows)
        command = [sys.executable, __file__, "--judge", name]
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout
    wall, cpu, peak, own, found = json.loads(answer)
    print(f"{rows:,} samples judged by {len(LIMITS) + 2 * len(NAMED)} limits: {wall:.2f} s (CPU {cpu:.2f} s), "
          f"peak {peak:.0f} MB, of its own {own:.0f} MB; findings: {found}")  # fmt: skip
    return 0 if wall <= SECONDS and peak < MEGABYTES else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--judge"]:
        judged(sys.argv[2])
    else:
        sys.exit(main())
