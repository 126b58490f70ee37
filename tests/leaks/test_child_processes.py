"""What the gate starts and writes beside its reports gives no secret away: processes, sockets, temporary files."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from leak_secrets import SECRETS

from pytest_prodcheck.demo.stack import Stack
from pytest_prodcheck.observe.broker import BrokerServer

_PROC = Path("/proc")


@pytest.mark.skipif(not (_PROC / "self" / "environ").exists(), reason="needs /proc")
def test_the_demo_knows_no_secret_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither environment nor arguments of any process of the demo hold a variable that is not its own."""
    for secret in SECRETS:
        monkeypatch.setenv(secret.name, secret.value)
    with Stack.start("") as stack:
        children = list(_descendants(stack.pid))
        told = [(_PROC / str(pid) / name).read_bytes() for pid in children for name in ("environ", "cmdline")]
        own = [stack.addresses[name].encode() for name in ("client_secret", "user_password", "static_token")]
    assert len(children) > 1
    assert not [secret.name for secret in SECRETS for data in told if secret.value.encode() in data]
    assert not [data for data in told for secret in own if secret in data]


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    for child in (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split():
        yield from _descendants(int(child))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_the_owner_listens_where_only_its_user_can_ask() -> None:
    """The socket of the broker lies in a directory of mode 0700, which is gone afterwards."""
    broker = BrokerServer(_Nothing())
    directory = Path(broker.address["address"]).parent
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    broker.close()
    assert not directory.exists()


class _Nothing:
    def call(self, method: str, arguments: tuple[object, ...]) -> None:
        """Answers nothing."""

    def secrets_since(self, known: int) -> tuple[()]:
        """Knows none."""
        return ()
