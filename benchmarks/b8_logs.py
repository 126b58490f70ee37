"""B8: a million mixed log lines, parsed, grouped and judged; and a quarter of them, to see that memory does not grow.

    python benchmarks/b8_logs.py [lines]

The lines are those of eight programs side by side: JSON with an id of its own in each line, ingress' access lines,
Python's logging, PostgreSQL's stderr, logfmt, klog; one in fifty is an error, one in five hundred a trace of several
lines. Each size is read from a file by a process of its own, through the target and the judges, as the gate does it;
beside it a process that reads the file and splits it into lines, and no more. CPU time, so that other work on the
machine does not count. Exit status 1 where a bound is missed.
"""

from __future__ import annotations

import random
import sys
import tempfile
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import measure

ROUNDS = 3
MOST_SECONDS, MOST_MIB, MOST_GROWTH = 10.0, 150.0, 1.1
ROUTES = ("/api/tasks", "/api/projects", "/api/tasks/{}/comments", "/health", "/v1/graphql", "/_nuxt/entry.{:08x}.js")

OURS = """
import sys
from pathlib import Path
from pytest_prodcheck.config.models import LogsTarget
from pytest_prodcheck.criteria.logs import judging
from pytest_prodcheck.criteria.logs.fold import Folder
from pytest_prodcheck.targets.logs.files import Files
from pytest_prodcheck.targets.logs.prober import LogsProber
table = LogsTarget(file=(sys.argv[1],), since="7d", before=0.0, at_most="<= 2GB", lines=10_000_000, slow=1.0,
                   structured="> 10%", reading=600.0)
prober = LogsProber("logs", table, Folder, Files("logs", table, Path("/")))
digest = prober.probe("test_errors", "", "", 1).facts["digest"]
findings = [found for judge in judging.ALL for found in judge(digest, table, "logs")]
print(digest.streams[0].read, len(digest.groups), len(findings), sum(group.count for group in digest.groups))
"""
BASELINE = """
import sys
count = 0
with open(sys.argv[1], "rb") as file:
    while block := file.read(1 << 18):
        count += len(block.split(b"\\n")) - 1
print(count)
"""


def main() -> int:
    """Prints the figures; 1 where a promise does not hold."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {size: written(folder / f"{size}.log", size) for size in (count // 4, count)}
        commands = {
            "quarter": ([sys.executable, "-c", OURS, str(files[count // 4])], folder),
            "ours": ([sys.executable, "-c", OURS, str(files[count])], folder),
            "bare": ([sys.executable, "-c", BASELINE, str(files[count])], folder),
        }
        costs = measure.side_by_side(ROUNDS, **commands)
        size = files[count].stat().st_size / 2**20
    for cost in [one for rows in costs.values() for one in rows]:
        if cost.status:
            raise RuntimeError(cost.output)
    for name in ("quarter", "ours"):
        print(f"{name:<8} lines, groups, findings, records: {costs[name][0].output.strip()}")
    seconds, memory = measure.median(costs["ours"], "cpu"), measure.median(costs["ours"], "memory")
    smaller, bare = measure.median(costs["quarter"], "memory"), measure.median(costs["bare"], "cpu")
    print(f"{count} lines, {size:.0f} MiB; reading and splitting them alone {bare:.2f} s")
    kept = [
        measure.say("CPU seconds, read, parsed, grouped, judged", seconds, MOST_SECONDS * count / 1e6, "s"),
        measure.say("peak memory of the process", memory, MOST_MIB, "MiB"),
        measure.say("peak memory beside that of a quarter", memory / smaller, MOST_GROWTH, f"of {smaller:.0f} MiB"),
    ]
    return 0 if all(kept) else 1


def written(path: Path, count: int) -> Path:
    """A file of at least `count` lines, the same in every run but for its times."""
    chance = random.Random(8)
    begin = datetime.now(UTC) - timedelta(hours=1)
    lines = 0
    with path.open("w", encoding="utf-8") as file:
        while lines < count:
            text = line(chance, begin + timedelta(seconds=3500 * lines / count))
            lines += text.count("\n")
            file.write(text)
    return path


def line(chance: random.Random, at: datetime) -> str:
    """One record of one of the programs."""
    kind, iso = chance.random(), at.strftime("%Y-%m-%dT%H:%M:%S.%f")
    route = chance.choice(ROUTES).format(chance.randrange(10**6))
    ident = uuid.UUID(int=chance.getrandbits(128))
    took = chance.expovariate(1 / 20)
    python = iso[:23].replace("T", " ").replace(".", ",")
    if kind < 0.35:
        return (f'{{"level":"info","ts":"{iso}Z","logger":"app.tasks","msg":"request completed","method":"GET",'
                f'"path":"{route}","status":200,"duration_ms":{took:.2f},"request_id":"{ident}"}}\n')  # fmt: skip
    if kind < 0.60:
        status = 502 if chance.random() < 0.002 else chance.choice((200, 200, 200, 204, 301, 404))
        clf = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
        return (f'10.1.{chance.randrange(255)}.{chance.randrange(255)} - - [{clf}] "GET {route} HTTP/1.1" {status} '
                f'{chance.randrange(9000)} "-" "Mozilla/5.0 (X11; Linux x86_64)" 512 {took / 1000:.3f} '
                f'[plan-app-3000] [] 10.2.0.7:3000 812 {took / 1000:.3f} {status} {ident.hex}\n')  # fmt: skip
    if kind < 0.75:
        return f"{python} INFO app.worker: job {ident} finished in {took:.1f} ms\n"
    if kind < 0.83:
        stamp = iso[:23].replace("T", " ")
        return f"{stamp} UTC [{chance.randrange(9000)}] LOG:  duration: {took:.3f} ms  statement: select 1 from tasks\n"
    if kind < 0.90:
        return f'time="{iso}Z" level=info msg="cache hit" key=tasks:{chance.randrange(10**6)} took={took:.2f}ms\n'
    if kind < 0.978:
        place = f"controller.go:{chance.randrange(900)}"
        return f"I{at:%m%d %H:%M:%S.%f}       1 {place}] Synced default/plan-{ident.hex[:8]}\n"
    if kind < 0.990:
        return (f'{{"level":"error","ts":"{iso}Z","logger":"app.db","msg":"query failed","error":"connection to server '
                f'at \\"10.0.0.5\\", port 5432 failed: timeout expired","request_id":"{ident}"}}\n')  # fmt: skip
    if kind < 0.998:
        return f"{python} ERROR app.worker: job {ident} failed: {chance.choice(WORDS)}\n"
    return (f"{python} ERROR app.api: unhandled\nTraceback (most recent call last):\n"
            f'  File "/usr/lib/python3.12/asyncio/runners.py", line 118, in run\n    return self._loop.run(task)\n'
            f'  File "/app/tasks.py", line {chance.randrange(400)}, in load\n    return rows[{chance.randrange(99)}]\n'
            f"KeyError: '{chance.choice(WORDS)}'\n")  # fmt: skip


WORDS = ("tasks", "owner", "no such queue", "invalid state", "quota exceeded", "not a list")

if __name__ == "__main__":
    sys.exit(main())
