"""Which part of a run this process is: alone, xdist's controller, or one of its workers."""

from __future__ import annotations

from typing import Literal

import pytest

Role = Literal["alone", "controller", "worker"]
PARTS = (
    "prodcheck-gate",
    "prodcheck-run",
    "prodcheck-judging",
    "prodcheck-threads",
    "prodcheck-scrubbing",
    "prodcheck-controller",
)
"""Names under which the parts of an active session are registered with pytest."""


def of(config: pytest.Config) -> Role:
    """The role of this process."""
    if hasattr(config, "workerinput"):
        return "worker"
    if config.pluginmanager.hasplugin("xdist") and (
        config.getoption("tx", None) or config.getoption("numprocesses", None)
    ):
        return "controller"
    return "alone"


_IDLE = (
    "collectonly",
    "prodcheck_plan",
    "help",
    "version",
    "markers",
    "showfixtures",
    "show_fixtures_per_test",
    "cacheshow",
)


def idle(config: pytest.Config) -> bool:
    """Whether pytest only lists or explains: nothing is sent then, no reference resolved, no verdict reached."""
    return any(getattr(config.option, name, None) for name in _IDLE)


def worker_name(config: pytest.Config) -> str:
    """`gw0` in a worker, empty elsewhere."""
    return str(getattr(config, "workerinput", {}).get("workerid", ""))


def refuse_unsafe(config: pytest.Config, kind: str) -> None:
    """Refuses what would make a green lie, or show a secret. Raises pytest.UsageError before anything is sent."""
    import os
    import sys

    problems = []
    if sys.flags.optimize and config.getoption("assertmode") == "plain":
        problems.append("assertions are disabled (PYTHONOPTIMIZE with --assert=plain): no test could fail")
    if config.getoption("debug", None):
        problems.append(
            "--debug writes the arguments of every hook to a file, secrets included: run the gate without it"
        )
    if os.environ.get("PYTEST_DEBUG"):
        problems.append("PYTEST_DEBUG prints the arguments of every hook, secrets included: run the gate without it")
    if config.getoption("pastebin", None):
        problems.append("--pastebin sends the report to a public host: the gate contacts configured hosts only")
    debuggers = {"--pdb": config.getoption("usepdb", False), "--trace": config.getoption("trace", False)}
    problems += [
        f"{option} shows every local variable: refused for an environment of kind production"
        for option, given in debuggers.items()
        if given and kind == "production"
    ]
    if config.getoption("dist", "no") == "each":
        problems.append("--dist each runs every check in every worker: use -n with another --dist")
    problems += [
        f"-p no:{name} switches a part of the gate off: without it nothing is proven"
        for name in PARTS
        if config.pluginmanager.is_blocked(name)
    ]
    remote = [spec for spec in config.getoption("tx", None) or [] if not str(spec).split("*")[-1].startswith("popen")]
    if remote:
        problems.append(f"--tx {remote[0]}: the gate's workers run on this machine only")
    if problems:
        raise pytest.UsageError("\n".join(problems))
