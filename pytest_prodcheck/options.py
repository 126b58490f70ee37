"""Every command-line option, one table. Standard library and pytest only: this is imported by every pytest run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "--prodcheck": {
        "metavar": "ENV",
        "help": "run the gate on environment ENV of prodcheck.toml, or on demo, or demo:FAULT",
    },
    "--prodcheck-config": {
        "metavar": "PATH",
        "help": "another configuration file (default: prodcheck.toml at the rootdir, then upward)",
    },
    "--prodcheck-plan": {
        "action": "store_true",
        "default": False,
        "help": "print what would be sent, and the sample sizes; send nothing, resolve no secret",
    },
    "--prodcheck-only": {
        "metavar": "TARGETS",
        "help": "narrow to these targets on purpose, comma-separated (http,database); the verdict names the rest",
    },
    "--prodcheck-revision": {
        "metavar": "REV",
        "help": "wait up to `settle` until only REV serves, then judge",
    },
    "--prodcheck-report": {
        "metavar": "DIR",
        "help": "write verdict.json, summary.md and report.html to DIR (default: .prodcheck/ENV under the rootdir)",
    },
    "--prodcheck-baseline": {
        "metavar": "FILE",
        "help": "an earlier verdict.json: marks findings new or known, compares latency with a noise band",
    },
    "--prodcheck-writes": {
        "metavar": "none|NAMES",
        "help": "narrow the writes that the environment permits",
    },
    "--prodcheck-vantage": {
        "metavar": "FILE",
        "help": "the verdict.json of a run inside the cluster: names what is reached from here and not from there",
    },
    "--prodcheck-deadline": {
        "metavar": "DURATION",
        "help": "deadline of the gate, such as 120s (default: the environment's, 300 s)",
    },
}


def add(parser: pytest.Parser) -> None:
    """Registers all options in one group."""
    group = parser.getgroup("prodcheck", "post-deploy gate (pytest-prodcheck)")
    for name, settings in OPTIONS.items():
        group.addoption(name, dest=name.removeprefix("--").replace("-", "_"), **settings)


def value(config: pytest.Config, name: str) -> Any:
    """What the option was given; None or False where it was not."""
    return config.getoption(name.removeprefix("--").replace("-", "_"))


def empty(config: pytest.Config) -> list[str]:
    """Options that were given nothing, as by an unset variable; taken as absent they would widen the run."""
    given = {name: value(config, name) for name in OPTIONS}
    return [name for name, text in given.items() if isinstance(text, str) and not text.strip()]
