"""`setup` of throwaway environments: what a command may do wrong (exit 4, its last lines quoted)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pytest_prodcheck.errors import UsageProblem
from pytest_prodcheck.targets.throwaway import setup


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("sh -c 'sleep 60 & echo up'", "ended, but what it started in the background did not within 1 s"),
        ("sleep 60", "'sleep 60' did not end within 1 s"),
        ("sh -c 'echo no such table; exit 3'", "ended with exit status 3: nothing was checked"),
        ("no-such-program", "cannot be run: No such file or directory"),
        ("sh -c 'open", "cannot be run: No closing quotation"),
    ],
)
def test_a_setup_that_goes_wrong_says_how(tmp_path: Path, command: str, says: str) -> None:
    """And nothing that it started goes on holding up the run."""
    begun = time.monotonic()
    with pytest.raises(UsageProblem) as raised:
        setup.run(command, tmp_path, {}, 1)
    assert says in str(raised.value)
    assert time.monotonic() - begun < 20
