"""What the keys of an http target mean, and those of `tls`."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import FORM, HEADERS, JSON, OWNED, RATE, WEB, Words

KEYS: Mapping[str, Words] = {
    "ClientCertificate": {
        "certificate": ("PEM file of the certificate.", 'certificate = "tls/client.pem"'),
        "key": ("PEM file of its key.", 'key = "tls/client.key"'),
    },
    "Tls": {
        "ca": ("PEM file of the CA, or `system`.", 'ca = "tls/ca.pem"'),
        "valid_for": ("How long the certificate must still hold.", 'valid_for = "14d"'),
        "client_certificate": ("Our certificate.", 'client_certificate = { certificate = "c.pem", key = "c.key" }'),
    },
    "Cleanup": {
        "path": (
            "Path; `{id}` comes from the write's JSON answer, or ends its `Location`.",
            'path = "/api/orders/{id}"',
        ),
        "method": ("`DELETE` (the default), `POST`, `PUT` or `PATCH`.", 'method = "DELETE"'),
        "headers": HEADERS,
        "json": JSON,
        "form": FORM,
        "status": ("Expected statuses; empty: any 2xx.", "status = 204"),
    },
    "Endpoint": OWNED
    | {
        "path": ('Path below the target\'s `url`. `home = "/"` is the short form.', 'path = "/api/tasks"'),
        "method": ("HTTP method.", 'method = "POST"'),
        "effect": ("`read` or `write`; mandatory beyond GET, HEAD, OPTIONS.", 'effect = "read"'),
        "cleanup": ("How a write is undone.", 'cleanup = { path = "/api/orders/{id}" }'),
        "as": ("The user as whom it is sent.", 'as = "member"'),
        "headers": HEADERS,
        "query": ("Query parameters.", "query = { limit = 10 }"),
        "json": JSON,
        "form": FORM,
        "text": ("Text body that is sent.", 'text = "ping"'),
        "status": ("Expected statuses; without it any 2xx.", "status = [401, 403]"),
        "refuses": (
            "Tokens that must be refused here: see [identity](identity.md).",
            'refuses = ["none", "alg_none", "tampered"]',
        ),
        "refused": ("Statuses of such a refusal; without it 400, 401 or 403.", "refused = 401"),
        "follow": ("Follow redirects, to configured hosts only.", "follow = true"),
        "expect": (
            "Expectation of the answer's document; not for HEAD, whose answer has none.",
            'expect = { status = "healthy" }',
        ),
        "expect_headers": ("Expectations of headers.", 'expect_headers = { Location = "has https://" }'),
        "content_type": ("Expected media type.", 'content_type = "application/json"'),
        "schema": ("JSON Schema that the answer keeps; it asserts something.", 'schema = "contracts/tasks.json"'),
        "latency": ("Limits over this endpoint's requests.", 'latency = "< 300ms"'),
        "error_rate": RATE,
        "timeout": ("Deadline of one exchange.", 'timeout = "10s"'),
        "retries": ("Further attempts of a read; every one counts.", "retries = 1"),
        "marks": ("Selection marks.", 'marks = ["smoke"]'),
    },
    "HttpTarget": WEB
    | {
        "url": ("Base URL. Its presence makes the table a target.", 'url = "https://app.example"'),
        "endpoints": ("Declared requests by name.", 'endpoints.health = { path = "/health" }'),
        "error_rate": RATE,
        "security_headers": ("A named rule set (`owasp`), or a table.", 'security_headers = "owasp"'),
    },
}
