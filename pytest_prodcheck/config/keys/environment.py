"""What the keys of an environment mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import Words

KEYS: Mapping[str, Words] = {
    "Environment": {
        "kind": ("What it is. Permits nothing by itself.", 'kind = "staging"'),
        "insufficient": ("What an unproven promise is: `fail` (exit 6), or `warn`.", 'insufficient = "warn"'),
        "degraded": ("What a warning is: `warn`, or `fail` (exit 1).", 'degraded = "fail"'),
        "confidence": ("How sure a statistical verdict must be, 50% to 99.99%.", 'confidence = "95%"'),
        "deadline": ("Deadline of the whole gate.", 'deadline = "120s"'),
        "requests": ("Caps per host; never exceeded.", "requests = { per_second = 100, in_flight = 20 }"),
        "revision": ("Where the system says its revision.", 'revision = { path = "/api/version", at = "commit" }'),
        "settle": ("How long a rollout may take before only one revision serves.", 'settle = "3m"'),
        "writes": ("Declared writes that may be done here, by name. Never inherited.", 'writes = ["login"]'),
        "users": ("Synthetic users by name.", 'users.member = { grant = "static", token = "env:API_TOKEN" }'),
        "containers": (
            "Throwaway containers by name, started for the run; and `setup`, run once with their addresses.",
            'containers = { database = { image = "postgres:17", port = 5432 }, setup = "alembic upgrade head" }',
        ),
        "accepted": (
            "Known findings with an end. Never inherited.",
            '[[env.staging.accepted]] code = "…", reason = "PLAN-1", until = 2026-12-31',
        ),
    },
    "Requests": {
        "per_second": ("Requests per second and host.", "per_second = 100"),
        "in_flight": ("Requests at the same time, per host.", "in_flight = 20"),
        "at_most": ("Requests to one host in a whole run, samples included.", "at_most = 1000"),
    },
    "Revision": {
        "source": (
            'Who says it: `http`, or of a cluster `image` or `argocd`; `revision = "image"` is the short form.',
            'source = "image"',
        ),
        "path": ("Path that is asked.", 'path = "/api/version"'),
        "at": ("Key of the JSON answer, nested by dots; empty: the whole text.", 'at = "commit"'),
        "header": ("Answer header that says it instead.", 'header = "X-Revision"'),
        "expected": ("The revision that must serve.", 'expected = "env:GIT_SHA"'),
        "target": ("The target that is asked, where there are several.", 'target = "http.app"'),
    },
}
