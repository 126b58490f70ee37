"""`kubectl port-forward` for the length of a run: it stands in time, says why not, and ends with us, however we end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from standin import ended, kubectl

from pytest_prodcheck.config.models import DatabaseTarget, Environment, HttpTarget
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.gate import forwarding
from pytest_prodcheck.targets.forward import Forwards

HOLDS = """
import sys, time
from pytest_prodcheck.targets.forward import Forwards
with Forwards.start({"database": "svc/postgres:5432"}, [sys.argv[1]], "prodcheck.toml:7") as forwards:
    print(forwards.addresses["database"][1], flush=True)
    time.sleep(60)
"""


def test_a_forward_gives_an_address_and_ends(tmp_path: Path) -> None:
    """On this machine alone, by a port that kubectl chooses."""
    command = [str(kubectl(tmp_path, 41233)), "--context=staging", "--namespace=plan-prod"]
    with Forwards.start({"database": "svc/postgres:5432"}, command, "prodcheck.toml:7") as forwards:
        assert forwards.addresses == {"database": ("127.0.0.1", 41233)}
        assert forwards.ended == []
    arguments = "--context=staging --namespace=plan-prod port-forward --address=127.0.0.1 svc/postgres :5432"
    assert (tmp_path / "arguments").read_text() == arguments
    assert ended(tmp_path)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_forward_ends_with_the_run_however_that_ends(tmp_path: Path, how: signal.Signals) -> None:
    """Ctrl-C, a polite end, and a crash that runs no code of ours."""
    run = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(kubectl(tmp_path, 41233))], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert run.stdout is not None
    with run.stdout:
        assert run.stdout.readline() == b"41233\n"
        run.send_signal(how)
        run.wait(10)
    assert ended(tmp_path)


def test_all_that_do_not_stand_are_said_at_once(tmp_path: Path) -> None:
    """In kubectl's words, without its control characters; none is left running."""
    words = 'error: services "postgres" not found\x1b[31m'
    failing = str(kubectl(tmp_path, fails=words))
    with pytest.raises(ConfigError) as problem:
        Forwards.start({"database": "svc/postgres:5432", "http.app": "svc/app:80"}, [failing], "prodcheck.toml:7")
    said = 'error: services "postgres" not found [31m'
    assert problem.value.problems == (
        f"prodcheck.toml:7: forward.database: kubectl cannot forward svc/postgres:5432: {said}",
        f"prodcheck.toml:7: forward.http.app: kubectl cannot forward svc/app:80: {said}",
    )
    assert ended(tmp_path)


def test_a_kubectl_that_hangs_is_ended(tmp_path: Path) -> None:
    """A start has its deadline."""
    with pytest.raises(ConfigError, match=r"kubectl does not forward svc/postgres:5432 within 1 s"):
        Forwards.start({"database": "svc/postgres:5432"}, [str(kubectl(tmp_path, hangs=True))], "x", 1.0)
    assert ended(tmp_path)


def test_without_kubectl_there_is_no_forward(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(ConfigError, match=r"forward needs kubectl-none, which is not in PATH: install it, or leave"):
        Forwards.start({"database": "svc/postgres:5432"}, ["kubectl-none"], "x")


def test_a_forward_that_ends_by_itself_is_said(tmp_path: Path) -> None:
    """What then fails at the target has its reason there."""
    with Forwards.start({"database": "svc/postgres:5432"}, [str(kubectl(tmp_path, 41233))], "x") as forwards:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        end = time.monotonic() + 8
        while not forwards.ended and time.monotonic() < end:
            time.sleep(0.05)
        assert forwards.ended == ["forward.database: kubectl ended during the run"]


def test_a_target_keeps_the_name_that_its_certificate_is_for() -> None:
    """libpq connects to `hostaddr` and verifies `host`; a URL only changes its address."""
    targets = {
        "database": DatabaseTarget(dsn="env:A"), "database.b": DatabaseTarget(dsn="env:B"),
        "http": HttpTarget(url="http://app.plan-prod:80/base"),
    }  # fmt: skip
    targets["database"] = targets["database"].model_copy(
        update={"dsn": "postgresql://r:s@postgres/plan?sslmode=require"}
    )
    targets["database.b"] = targets["database.b"].model_copy(update={"dsn": "host=postgres dbname=plan"})
    moved = forwarding.through(
        Environment(name="s", kind="staging", targets=targets), dict.fromkeys(targets, ("127.0.0.1", 41233))
    ).targets
    assert moved["http"].url == "http://127.0.0.1:41233/base"  # type: ignore[union-attr]
    assert moved["database"].dsn.endswith("?sslmode=require&hostaddr=127.0.0.1&port=41233")  # type: ignore[union-attr]
    assert moved["database.b"].dsn == "host=postgres dbname=plan hostaddr=127.0.0.1 port=41233"  # type: ignore[union-attr]
