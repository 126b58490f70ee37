"""B2: 1,000 endpoints at 100 ms, at most 50 in flight: time, fidelity, CPU and memory.

python benchmarks/b2_thousand.py
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import measure
from b1_endpoints import empty, gate

COUNT, DELAY_MS, PHYSICAL = 1000, 100, 2.0
ROUNDS = 3


def main() -> int:
    """Prints the figures; 1 where a bound is missed."""
    with measure.server(DELAY_MS) as url, tempfile.TemporaryDirectory() as name:
        ours, bare = Path(name) / "gate", Path(name) / "empty"
        ours.mkdir()
        bare.mkdir()
        command = measure.pytest_command("--prodcheck=bench"), gate(ours, url, COUNT)
        nothing = measure.pytest_command("-p", "no:prodcheck"), empty(bare, COUNT)
        measure.run(*command)
        measure.true_times(url)
        rows = []
        for _ in range(ROUNDS):
            cost = measure.run(*command)
            if cost.status:
                print(cost.output)
                return 1
            verdict = json.loads((ours / ".prodcheck/bench/verdict.json").read_text())
            rows.append((cost, verdict, measure.true_times(url)))
        empties = measure.side_by_side(ROUNDS, empty=nothing)["empty"]
    rows.sort(key=lambda row: row[0].wall)
    cost, verdict, truth = rows[len(rows) // 2]
    figures = verdict["targets"][0]
    probing = verdict["probing_s"]
    kept = measure.say("B2 first probe to verdict / 2 s", probing / PHYSICAL, 1.15, f"{probing:.2f} s")
    kept &= measure.say("B2 whole process / 2 s", cost.wall / PHYSICAL, 1.4, f"{cost.wall:.2f} s")
    for quantile in ("p50", "p95"):
        error = abs(figures[quantile] - truth[quantile]) / truth[quantile]
        text = f"{figures[quantile] * 1000:.1f} ms, true {truth[quantile] * 1000:.1f} ms"
        kept &= measure.say(f"B2 reported {quantile}, relative error", error, 0.02, text)
    kept &= measure.say("B2 CPU a check, ms", cost.cpu / COUNT * 1000, 2.0, f"{cost.cpu:.2f} s in all")
    memory = cost.memory / measure.median(empties, "memory")
    kept &= measure.say("B2 peak memory / 1,000 empty tests", memory, 1.5, f"{cost.memory:.0f} MiB")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
