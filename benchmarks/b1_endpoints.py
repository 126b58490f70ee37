"""B1: 200 endpoints at 50 ms, at most 50 in flight, each judged on status, a JSON value and latency.

    python benchmarks/b1_endpoints.py

Side by side in one run: the gate; pytest with 200 empty tests; hand-written pytest + httpx2 under xdist -n 4.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import measure

COUNT, DELAY_MS, IN_FLIGHT = 200, 50, 50
ROUNDS = 5


def gate(folder: Path, url: str, count: int = COUNT) -> Path:
    """A project whose gate asks `count` endpoints."""
    endpoints = "\n".join(
        f'e{number} = {{ path = "/e/{number}", expect = {{ status = "ok" }}, latency = "< 2s" }}'
        for number in range(count)
    )
    limits = f"requests = {{ per_second = 10000, in_flight = {IN_FLIGHT}, at_most = 5000 }}"
    (folder / "prodcheck.toml").write_text(
        f'[env.bench]\nkind = "local"\n{limits}\n'
        f'[env.bench.http]\nurl = "{url}"\n[env.bench.http.endpoints]\n{endpoints}\n'
    )
    return folder


def empty(folder: Path, count: int) -> Path:
    """A project of `count` tests that do nothing."""
    (folder / "test_empty.py").write_text("".join(f"def test_{number}():\n    pass\n\n" for number in range(count)))
    return folder


def by_hand(folder: Path, url: str, count: int) -> Path:
    """A project that asks the same endpoints with httpx2, as people write it."""
    (folder / "test_by_hand.py").write_text(
        f"""
import httpx2, pytest

@pytest.fixture(scope="session")
def client():
    with httpx2.Client(base_url={url!r}) as client:
        yield client

@pytest.mark.parametrize("number", range({count}))
def test_endpoint(client, number):
    answer = client.get(f"/e/{{number}}")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.elapsed.total_seconds() < 2
"""
    )
    return folder


def main() -> int:
    """Prints the ratios; 1 where a bound is missed."""
    with measure.server(DELAY_MS) as url, tempfile.TemporaryDirectory() as name:
        folders = {part: Path(name) / part for part in ("gate", "empty", "hand")}
        for folder in folders.values():
            folder.mkdir()
        costs = measure.side_by_side(
            ROUNDS,
            gate=(measure.pytest_command("--prodcheck=bench"), gate(folders["gate"], url)),
            empty=(measure.pytest_command("-p", "no:prodcheck"), empty(folders["empty"], COUNT)),
            hand=(measure.pytest_command("-p", "no:prodcheck", "-n", "4"), by_hand(folders["hand"], url, COUNT)),
        )
        wrong = [cost for runs in costs.values() for cost in runs if cost.status]
        if wrong:
            print(wrong[0].output)
            return 1
        ours, bare, hand = (measure.median(costs[part], "wall") for part in ("gate", "empty", "hand"))
        text = f"{ours:.3f} s, empty {bare:.3f} s"
        kept = measure.say("B1 wall / (200 empty tests + 0.2 s)", ours / (bare + 0.2), 1.2, text)
        text = f"{hand / ours:.1f} x ahead, {hand:.2f} s"
        kept &= measure.say("B1 wall / (pytest + httpx2, -n 4)", ours / hand, 1 / 6, text)
        return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
