"""Durations, as people write and read them."""

from __future__ import annotations

import pytest

from pytest_prodcheck.config.grammar import duration, show_duration


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.48, "480ms"),
        (2.5, "2.5s"),
        (999.0, "999s"),
        (999.9, "16.7m"),
        (1740.0, "29m"),
        (3604.6, "1h"),
        (5400.0, "1.5h"),
        (100_000.0, "27.8h"),
        (14 * 86_400.0, "14d"),
    ],
)
def test_a_duration_is_shown_as_people_write_it(seconds: float, shown: str) -> None:
    """Never as a power of ten; and what is shown can be written in a configuration."""
    assert show_duration(seconds) == shown
    assert duration(shown) == pytest.approx(seconds, rel=0.01)
