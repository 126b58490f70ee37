"""What the keys of a throwaway container mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import Words

KEYS: Mapping[str, Words] = {
    "Throwaway": {
        "image": ("Image that is started, pulled where the daemon has it not.", 'image = "postgres:17"'),
        "port": ("Port that it listens on.", "port = 5432"),
        "env": ("Its environment; `container:NAME` is another's address inside.", 'env = { POSTGRES_DB = "plan" }'),
        "command": ("Its command, word by word.", 'command = ["postgres", "-c", "fsync=off"]'),
        "url": (
            "Its address; by default of PostgreSQL, Redis or HTTP, by the port.",
            'url = "postgresql://plan:{password}@{host}:{port}/plan"',
        ),
        "ready": ("Path that answers 2xx when it is ready.", 'ready = "/healthz"'),
        "timeout": ("How long it may take until it is ready. Default `60s`.", 'timeout = "2m"'),
    },
}
