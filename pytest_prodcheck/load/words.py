"""Locust's command lines, and what its last words mean. No secret is in a command line."""

from __future__ import annotations

from pathlib import Path

from pytest_prodcheck.load.order import Order

_SHIPPED = Path(__file__).parent / "child" / "shipped_file.py"


def local(order: Order) -> list[str]:
    """One process that generates all load."""
    return [*_common(order), *_hard(order)]


def master(order: Order, workers: int) -> list[str]:
    """The process that steers workers of this machine."""
    waits = ["--expect-workers", str(workers), "--expect-workers-max-wait", "20"]
    return [*_common(order), *_hard(order), "--master", *_bound(order, "bind-"), *waits]


def worker(order: Order) -> list[str]:
    """One process that generates a part of the load."""
    return [*_common(order), "--worker", *_bound(order, "")]


def _common(order: Order) -> list[str]:
    file = order.file or str(_SHIPPED)
    return ["-f", file, "-H", order.host, "--headless", "--only-summary", "--exit-code-on-error", "0",
            "-L", "WARNING"]  # fmt: skip


def _hard(order: Order) -> list[str]:
    users = order.workers if order.model == "open" else order.users
    return ["-u", str(users), "-r", f"{max(order.spawn_rate, users if order.model == 'open' else 0):g}",
            "-s", f"{order.grace:.0f}"]  # fmt: skip


def _bound(order: Order, kind: str) -> list[str]:
    return [f"--master-{kind}host", "127.0.0.1", f"--master-{kind}port", str(order.port)]


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def why(tail: str, order: Order, status: str) -> tuple[str, str]:
    """Cause code and words for Locust's end, from the last that it printed."""
    if _taken(tail):
        return broken(tail, order)
    if "Gave up waiting for workers" in tail:
        return "load.worker.lost", "not all workers connected to Locust's master within 20 s"
    if "No module named" in tail and "locust" in tail:
        return "load.generator.not_installed", "locust is not installed: pip install 'pytest-prodcheck[load]'"
    last = next((line.strip() for line in reversed(tail.splitlines()) if line.strip()), "it said nothing")
    return "load.generator.failed", f"Locust ended with {status}: {last[:300]}"


def broken(text: str, order: Order) -> tuple[str, str]:
    """Cause code and words for an exception that ended Locust itself."""
    if _taken(text):
        return "load.port.taken", f"port {order.port} of 127.0.0.1 is taken: Locust's master cannot listen there"
    return "load.generator.failed", text


def _taken(text: str) -> bool:
    return "in use" in text.lower() or "bind failure" in text.lower()
