"""The criterion `cleanup`: what a declared write created is gone again (design.md §6)."""

from __future__ import annotations

from pytest_prodcheck.config.models import Cleanup, Endpoint
from pytest_prodcheck.criteria import exchange
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

CODE = "http.cleanup.failed"


def cleaned_up(endpoint: Endpoint, written: Observation, undone: Observation | str | None) -> list[Finding]:
    """What speaks against it. `undone` is the clean-up's exchange, or the name that the write's answer did not give;
    None where nothing had to be undone."""
    if undone is None or not isinstance(endpoint.cleanup, Cleanup):
        return []
    request = f"{endpoint.cleanup.method} {endpoint.cleanup.path}"
    if isinstance(undone, str):
        text = f"what {written.operation} created stays: its answer gives no usable {undone} for {request}"
        return [Finding("cleanup", written.target, text, CODE, seen=f"no {undone}", subject=written.subject)]
    if undone.expected:
        return []
    seen = str(undone.status) if undone.status and not undone.error else undone.error
    promised = " or ".join(map(str, endpoint.cleanup.status)) or "2xx"
    text = f"what {written.operation} created may stay: {undone.operation} answers {seen}, expected {promised}"
    return [
        Finding(
            "cleanup", written.target, text, CODE, "error", seen, promised, written.subject,
            data=exchange.facts(undone),
        )
    ]  # fmt: skip
