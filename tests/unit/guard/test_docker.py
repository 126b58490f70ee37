"""Nothing but listed reads reaches a Docker daemon: who may write there is root on its machine."""

from __future__ import annotations

import pytest
from corpus import gist, of

from pytest_prodcheck.errors import Refused
from pytest_prodcheck.targets.guard.docker import check

REFUSED = of("docker", "refused_before_send")
ALLOWED = of("docker", "allowed")


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["id"])
def test_an_attack_is_refused(case: dict[str, object]) -> None:
    """Before anything is sent, with its reason."""
    payload = case["payload"]
    assert isinstance(payload, dict)
    with pytest.raises(Refused) as raised:
        check(payload["method"], f"http+docker://localhost{payload['path']}")
    assert all(part in str(raised.value) for part in gist(str(case["message"])))


@pytest.mark.parametrize("case", ALLOWED, ids=lambda case: case["id"])
def test_a_read_passes(case: dict[str, object]) -> None:
    """What a snapshot asks."""
    payload = case["payload"]
    assert isinstance(payload, dict)
    check(payload["method"], f"http+docker://localhost{payload['path']}")


def test_there_are_attacks() -> None:
    """The corpus has both sides."""
    assert len(REFUSED) > 15
    assert len(ALLOWED) > 5
