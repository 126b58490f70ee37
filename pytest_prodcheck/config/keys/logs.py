"""What the keys of logs mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import WEB, Words

KEYS: Mapping[str, Words] = {
    "Loki": {
        "url": ("Where Loki is.", 'url = "https://loki.example"'),
        "query": ("LogQL that gives streams.", "query = '{namespace=\"plan-prod\"}'"),
    },
    "Google": {
        "project": ("The project's id.", 'project = "plan-prod"'),
        "filter": ("Which entries.", "filter = 'resource.type=\"cloud_run_revision\"'"),
        "token": ("An OAuth access token that may read logs.", 'token = "env:GOOGLE_TOKEN"'),
        "url": ("The API, if not Google's own.", 'url = "https://logging.googleapis.com"'),
    },
    "Ready": {
        "line": ("The line that says so: text, or `re:` and a regular expression.", 'line = "Server listening"'),
        "within": ("How long after the start it may come.", 'within = "30s"'),
    },
    "LogsTarget": WEB
    | {
        "latency": ("Refused: what keeps logs is not the system.", 'latency = "< 2s"'),
        "file": ("Files, with `*` for any name; rotated ones are read, too.", 'file = "backend/server.log"'),
        "loki": ("Lines from Grafana Loki.", 'loki = { url = "https://loki.example", query = \'{app="plan"}\' }'),
        "google": ("Entries from Google Cloud Logging.", 'google = { project = "plan", token = "env:GOOGLE_TOKEN" }'),
        "containers": ("Of the cluster's pods, only these containers.", 'containers = ["app"]'),
        "since": (
            "What is judged: `rollout` (pods, by default), `run`, or a duration (`10m`, by default elsewhere).",
            'since = "rollout"',
        ),
        "before": ("How much of the time before is compared; as long as the window, at most 1 h.", 'before = "30m"'),
        "level": ("`error` (the default), `warning` or `fatal`: this level and above is a finding.", 'level = "error"'),
        "format": ("The format, where it is not told rightly from the lines.", 'format = "json"'),
        "forbid": ("Text, or `re:` and a regular expression, that no line may have.", 'forbid = ["re:P10\\\\d\\\\d"]'),
        "known": ("How grave it is what was there before the rollout, too.", 'known = "warning"'),
        "traffic": ("Answered requests that the window must show; `false`: none are logged.", 'traffic = "> 100"'),
        "structured": ("Share of lines that are JSON with time, level and message.", 'structured = "> 95%"'),
        "ready": (
            "The line by which a program says that it is ready.",
            'ready = { line = "listening", within = "30s" }',
        ),
        "slow": ("Statements that take longer are a finding.", 'slow = "500ms"'),
        "retries": ("`false`: retries without pauses are no finding.", "retries = false"),
        "traces": ("`false`: a 500 that we got need not have lines here.", "traces = false"),
        "auth_failures": ("Limit of refused log-ins and tokens, as a number or a share.", 'auth_failures = "< 5%"'),
        "personal_data": ("How grave personal data in a line is; `false`: not judged.", 'personal_data = "error"'),
        "at_most": ("Bytes that are read of all streams.", 'at_most = "<= 256MB"'),
        "lines": ("Lines that are read of all streams.", "lines = 2000000"),
        "reading": ("Time for reading all of it.", 'reading = "60s"'),
    },
}
