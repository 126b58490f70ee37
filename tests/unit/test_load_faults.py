"""Errors of load in classes: a closed list, whatever a body says."""

from __future__ import annotations

import pytest

from pytest_prodcheck.load.child.faults import classified


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, b'{"error": "couldn\'t get a connection after 0.2 s"}', "500 couldn't get a connection after"),
        (500, b"Error P2024 at request 17", "500 P2024"),
        (500, b"request 17 failed", "500"),
        (503, None, "503"),
        (500, b"x" * 4000 + b"P2024", "500"),
        (404, b"P2024", "404"),
    ],
)  # fmt: skip
def test_a_status_has_the_reason_that_it_names(status: int, body: bytes | None, message: str) -> None:
    """Of a 5xx, at its beginning; ids and times in a body make no new class."""
    assert classified(ValueError("no"), status, body) == ("status", message)
