"""B7: 5,000 healthy pods on a real API server: reading and judging them, beyond a run with one.

    python benchmarks/b7_cluster.py [pods]

Starts the lab of `tests/cluster/lab` (Go builds it once), fills one namespace with pods and one with a single pod, and
gates both in turn; the difference is what the pods cost. Beside it, in one run: the full list by lightkube, and popeye
on the same namespace, where Go can build it. Then 1 % of the pods are broken. Requests are counted in the server's
audit log. Exit status 1 where a bound is missed.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import measure

LAB = Path(__file__).resolve().parent.parent / "tests" / "cluster" / "lab"
ROUNDS = 5
MOST_SECONDS, MOST_MEMORY = 0.15, 60.0
PAGE = 2500
"""Rows of a page of ours."""
POPEYE = ("github.com/derailed/popeye", "v0.22.1")
LIGHTKUBE = """
import sys, time
from lightkube import Client, KubeConfig
from lightkube.resources.core_v1 import Pod
client = Client(KubeConfig.from_file(sys.argv[1]).get(), namespace="scale")
started = time.perf_counter()
count = sum(1 for _ in client.list(Pod, chunk_size=None))
print(count, time.perf_counter() - started)
"""


def project(folder: Path, facts: Mapping[str, Any], namespace: str) -> Path:
    """A gate on all pods of a namespace."""
    folder.mkdir()
    (folder / "prodcheck.toml").write_text(
        f'[env.bench]\nkind = "staging"\n[env.bench.cluster]\nkubeconfig = "{facts["kubeconfig_reader"]}"\n'
        f'namespace = "{namespace}"\nwiring = false\n'
    )
    return folder


def scale(facts: Mapping[str, Any], count: int, namespace: str) -> None:
    """Running pods, as the lab makes them."""
    command = [sys.executable, str(LAB / "scale"), str(count), "--namespace", namespace]
    subprocess.run(command, env={**os.environ, "KUBECONFIG": facts["kubeconfig_admin"]}, check=True)


def gates(folder: Path, wanted: int) -> tuple[float, float]:
    """Seconds and MiB that the many pods cost beyond the one: of the quickest runs, for noise only adds."""
    command = measure.pytest_command("--prodcheck=bench")
    costs = measure.side_by_side(ROUNDS, many=(command, folder / "many"), one=(command, folder / "one"))
    wrong = [cost for cost in costs["many"] if cost.status != wanted] + [cost for cost in costs["one"] if cost.status]
    if wrong:
        raise RuntimeError(f"a gate ended otherwise:\n{wrong[0].output}")
    seconds = min(cost.wall for cost in costs["many"]) - min(cost.wall for cost in costs["one"])
    return seconds, measure.median(costs["many"], "memory") - measure.median(costs["one"], "memory")


def lightkube(facts: Mapping[str, Any], count: int) -> float:
    """Seconds of a full list by lightkube's models, without its imports."""
    times = []
    for _ in range(3):
        command = [sys.executable, "-c", LIGHTKUBE, facts["kubeconfig_reader"]]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        if int(said[0]) != count:
            raise RuntimeError(f"lightkube listed {said[0]} pods")
        times.append(float(said[1]))
    return statistics.median(times)


def popeye(facts: Mapping[str, Any], folder: Path) -> float | None:
    """Seconds of popeye on the pods alone; None where it cannot be built."""
    go = shutil.which("go")
    if go is None:
        return None
    module, version = POPEYE
    source = folder / "popeye-build"
    source.mkdir()
    (source / "go.mod").write_text(f"module build\n\ngo 1.24\n\nrequire {module} {version}\n")
    command = [go, "build", "-mod=mod", "-o", str(folder / "popeye"), module]
    if subprocess.run(command, cwd=source, capture_output=True).returncode:
        return None
    times = []
    for _ in range(3):
        command = [str(folder / "popeye"), "--kubeconfig", facts["kubeconfig_reader"], "-n", "scale", "-s", "po"]
        started = time.perf_counter()
        subprocess.run(command, capture_output=True, env={**os.environ, "HOME": str(folder)}, check=False)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def requests(facts: Mapping[str, Any], folder: Path, part: str) -> int:
    """How many requests of ours the server wrote down for one gate."""
    log = Path(facts["audit_log"])
    before = log.stat().st_size
    measure.run(measure.pytest_command("--prodcheck=bench"), folder / part)
    time.sleep(1)  # the log is written behind the answers
    with log.open() as lines:
        lines.seek(before)
        return sum('"userAgent":"prodcheck/' in line for line in lines)


def broken(facts: Mapping[str, Any], count: int) -> None:
    """One pod in a hundred waits for an image that is not there."""
    kubectl = [facts["kubectl"], "--kubeconfig", facts["kubeconfig_admin"], "--namespace", "scale"]
    names = subprocess.run([*kubectl, "get", "pods", "-o", "name"], capture_output=True, text=True, check=True)
    chosen = names.stdout.split()[::100][: count // 100]
    orders = ["prodcheck-lab/waiting=ImagePullBackOff", "prodcheck-lab/message=not found"]
    subprocess.run([*kubectl, "annotate", *chosen, *orders], capture_output=True, check=True)
    for _ in range(120):
        shown = subprocess.run([*kubectl, "get", "pods"], capture_output=True, text=True, check=True).stdout
        if shown.count("ImagePullBackOff") == len(chosen):
            return
        time.sleep(0.5)
    raise RuntimeError("the pods did not break")


def main() -> int:
    """Prints the figures; 1 where a bound is missed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    started = subprocess.run([str(LAB / "start"), "--detach"], stdout=subprocess.PIPE, text=True, check=True)
    facts = json.loads(started.stdout)
    try:
        with tempfile.TemporaryDirectory() as name:
            return measured(facts, Path(name), count)
    finally:
        subprocess.run([str(LAB / "stop"), facts["dir"]], check=True)


def measured(facts: Mapping[str, Any], folder: Path, count: int) -> int:
    """All figures, side by side on one lab."""
    scale(facts, count, "scale")
    scale(facts, 1, "single")
    project(folder / "many", facts, "scale")
    project(folder / "one", facts, "single")
    ours, memory = gates(folder, wanted=0)
    listed, rival = lightkube(facts, count), popeye(facts, folder)
    asked = requests(facts, folder, "many") - requests(facts, folder, "one")
    broken(facts, count)
    bad, _ = gates(folder, wanted=1)
    kept = measure.say("B7 seconds for the pods", ours, MOST_SECONDS, f"{count} pods")
    kept &= measure.say("B7 MiB for the pods", memory, MOST_MEMORY, "peak, beyond the run with one")
    kept &= measure.say(
        "B7 ours / full list by lightkube", ours / listed, 1 / 10, f"{listed / ours:.0f} x ahead, {listed:.2f} s"
    )
    if rival is None:
        print("B7 popeye: Go could not build it here; not compared")
    else:
        kept &= measure.say("B7 ours / popeye", ours / rival, 1 / 20, f"{rival / ours:.0f} x ahead, {rival:.2f} s")
    kept &= measure.say("B7 seconds, 1 % broken", bad, 2 * MOST_SECONDS, f"{bad / ours:.1f} x the healthy ones")
    kept &= measure.say("B7 requests more than for one pod", asked, (count - 1) // PAGE, "one a page")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
