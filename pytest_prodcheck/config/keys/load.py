"""What the keys of load mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import TARGET, Words

_LIMITS = "Limits over its requests: quantiles, `mean`, `max`, `errors`, `throughput`, `bytes`."
_NAMES = ("Limits of single names, as Locust shows them.", 'names = { "GET /api/tasks" = ["p95 < 300ms"] }')
_SHAPE: Words = {
    "users": ("Users at once (closed model); 10 where nothing is said.", "users = 50"),
    "spawn_rate": ("Users that start a second; all within a tenth of the duration by default.", "spawn_rate = 5"),
    "rate": ("Arrivals a second (open model), whatever the system does.", "rate = 100"),
    "stages": (
        "A shape: ramps, steps, a spike, a soak. Each stage says `users`, or `rate`, at its end.",
        'stages = [{ rate = 50, duration = "30s" }, { rate = 500, duration = "10s", step = true }]',
    ),
    "duration": ("How long it runs; 60 s by default. The gate's deadline does not count it.", 'duration = "60s"'),
    "warm_up": ("How much of the beginning is not judged.", 'warm_up = "10s"'),
    "pacing": ("Time between the beginnings of a user's iterations; latency counts from them.", 'pacing = "1s"'),
}

KEYS: Mapping[str, Words] = {
    "LoadTarget": TARGET
    | {
        "latency": ("Refused: limits of load stand in `limits`.", 'limits = ["p95 < 500ms"]'),
        "timeout": (
            "How long the shipped users wait for an answer, and how long the last ones are waited for.",
            'timeout = "10s"',
        ),
        "consent": ("`true`: load may be sent here. Never inherited.", "consent = true"),
        "scenarios": (
            "Locust files, or the shipped `browse`, `graphql`, `websocket`; a table gives one its own keys.",
            'scenarios = ["load/browse.py"]',
        ),
    }
    | _SHAPE
    | {
        "limits": ("Limits over the requests of all scenarios.", 'limits = ["p95 < 500ms", "errors < 1%"]'),
        "names": _NAMES,
        "memory": (
            "By which share of its beginning the memory of a container may rise while load runs (a leak).",
            'memory = "< 10%"',
        ),
        "abort": ("What stops the load when the last second passes it.", 'abort = ["errors < 50%", "p95 < 10s"]'),
        "target": ("The http target that scenarios ask which name no host.", 'target = "http.app"'),
        "hosts": ("Further origins that scenarios may ask.", 'hosts = ["https://cdn.example"]'),
        "workers": ("Locust worker processes on this machine.", "workers = 4"),
        "port": ("Port of 127.0.0.1 where workers find Locust's master; a free one by default.", "port = 5557"),
        "master": (
            "Web address of a Locust master elsewhere (`deploy/locust/`): it generates, the gate judges.",
            'master = "locust-master:8089"',
        ),
        "caps": ("What no scenario may exceed.", 'caps = { per_second = 1000, users = 1000, duration = "30m" }'),
    },
    "LoadScenario": {
        "file": ("The Locust file, or the name of a shipped scenario.", 'file = "load/browse.py"'),
        "effect": ('`"write"`: it changes something, and stands in `writes`.', 'effect = "write"'),
        "soak": ("`true`: a long observation; `-m soak` runs it, `-m load` does not.", "soak = true"),
        "as": ("The declared user as whom shipped users act.", 'as = "member"'),
        "limits": (_LIMITS, 'limits = ["p99 < 2s"]'),
        "names": _NAMES,
        "weights": ("Of a shipped scenario: how often each name is drawn.", "weights = { tasks = 5 }"),
    }
    | _SHAPE,
    "LoadStage": {
        "duration": ("How long the stage lasts.", 'duration = "30s"'),
        "users": ("Users at its end.", "users = 100"),
        "rate": ("Arrivals a second at its end.", "rate = 50"),
        "step": ("`true`: at once, instead of in a straight line.", "step = true"),
    },
    "LoadCaps": {
        "per_second": ("Requests a second, of all processes.", "per_second = 1000"),
        "users": ("Users, or arrivals under way.", "users = 1000"),
        "duration": ("Of one scenario.", 'duration = "30m"'),
    },
}
