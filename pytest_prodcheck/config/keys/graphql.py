"""What the keys of a graphql target mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import OWNED, RATE, WEB, Words

KEYS: Mapping[str, Words] = {
    "GraphqlExpectation": {
        "as": ("The user.", 'as = "member"'),
        "data": ("Expectation of `data`.", 'data = { tasks = "size > 0" }'),
        "errors": ("Expectation of `errors`.", 'errors = "absent"'),
        "latency": ("Limits of this operation.", 'latency = "< 300ms"'),
    },
    "GraphqlSubscription": OWNED
    | {
        "as": ("The user; its token goes into connection_init.", 'as = "member"'),
        "within": ("Deadline of the first event or the completion.", 'within = "5s"'),
        "expect": ("`event` (or completion; the default), or `open`: acknowledged and no error.", 'expect = "event"'),
        "data": ("Expectation of the first event's `data`.", 'data = { tasks = "size > 0" }'),
    },
    "GraphqlTarget": WEB
    | {
        "url": ("The endpoint.", 'url = "https://hasura.example/v1/graphql"'),
        "engine": ("`hasura` or `generic`.", 'engine = "hasura"'),
        "operations": ("Glob of the documents that the application sends.", 'operations = "graphql/*.graphql"'),
        "variables": ("JSON file, values by operation.", 'variables = "graphql/variables.json"'),
        "as": ("Users as whom the operations are executed.", 'as = ["member"]'),
        "schema": ("Pinned SDL.", 'schema = "contracts/schema.graphql"'),
        "admin_secret": ("Hasura's admin secret; a reference.", 'admin_secret = "env:HASURA_ADMIN_SECRET"'),
        "introspection": ("`open` or `refused`.", 'introspection = "refused"'),
        "suggestions": ('Whether errors may propose names (`"Did you mean …"`).', 'suggestions = "refused"'),
        "batching": ("Whether several operations may come in one request.", 'batching = "refused"'),
        "ide": ("Whether an IDE may be served.", "ide = false"),
        "max_depth": ("Deeper documents must be refused.", "max_depth = 8"),
        "refuses": (
            "Tokens that must be refused: see [identity](identity.md).",
            'refuses = ["none", "alg_none", "role"]',
        ),
        "refused": (
            "Statuses of such a refusal; without it 400, 401, 403, or errors without data.",
            "refused = 401",
        ),
        "allowed": (
            "Operation → users who may execute it; all others of `as`, and nobody's token, are refused.",
            'allowed.Tasks = ["member"]',
        ),
        "subscriptions": (
            "Subscriptions that are opened, by operation.",
            'subscriptions.TaskChanges = { as = "member", within = "3s" }',
        ),
        "subscriptions_url": (
            "Where subscriptions are served.",
            'subscriptions_url = "wss://api.example/subscriptions"',
        ),
        "metadata": ("The repository's Hasura metadata: folder, or exported JSON.", 'metadata = "hasura/metadata"'),
        "row_filters": ("Tables whose permissions filter by a session variable.", 'row_filters = ["tasks"]'),
        "trusted_roles": ("Hasura roles that may see all rows of them.", 'trusted_roles = ["service"]'),
        "error_rate": RATE,
        "expect": (
            "Expectations by operation; of queries that are sent.",
            'expect.Tasks = { data = { tasks = "size > 0" } }',
        ),
    },
}
