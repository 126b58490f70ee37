"""What the keys of an accepted finding mean."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.keys.words import Words

KEYS: Mapping[str, Words] = {
    "Accepted": {
        "code": ("Code of one cause; not `unknown`, not `gate.…`.", 'code = "http.headers.csp_missing"'),
        "on": ("Target.", 'on = "http.hasura"'),
        "reason": ("Why; a ticket.", 'reason = "PLAN-214"'),
        "owner": ("Who ends it.", 'owner = "@web"'),
        "until": ("Last day, at most 90 days ahead.", "until = 2026-12-31"),
    },
}
