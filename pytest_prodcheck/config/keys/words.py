"""Words that keys of several tables share: each key with its meaning and an example line."""

from __future__ import annotations

Words = dict[str, tuple[str, str]]
"""Key → its meaning and an example line."""

OWNED: Words = {
    "owner": ("Whom to ask; shown with every cause.", 'owner = "@web"'),
    "runbook": ("A URL that is shown with every cause.", 'runbook = "https://wiki.example/http"'),
    "severity": ("`error` (the default), or `warning`, which makes the run degraded.", 'severity = "warning"'),
}
TARGET: Words = OWNED | {
    "required": ("`false`: may be absent without blocking the run.", "required = false"),
    "timeout": ("Deadline of one exchange, connection set-up included.", 'timeout = "10s"'),
    "latency": ("Limits over all requests of this target.", 'latency = ["< 2s", "p95 < 500ms"]'),
}
HEADERS: tuple[str, str] = (
    "Headers sent with every request; credentials only as references.",
    'headers = { X-Key = "env:API_KEY" }',
)
WEB: Words = TARGET | {
    "tls": ("How far the server's certificate is trusted.", 'tls = { valid_for = "14d" }'),
    "proxy": ("HTTP proxy, `http://`, with user and password where it wants them.", 'proxy = "env:HTTPS_PROXY"'),
    "headers": HEADERS,
}
JSON: tuple[str, str] = ("JSON body that is sent.", 'json = { name = "prodcheck {run}" }')
FORM: tuple[str, str] = ("Form body that is sent.", 'form = { q = "x" }')
RATE: tuple[str, str] = ("Limit of the share of errors.", 'error_rate = "< 1%"')
