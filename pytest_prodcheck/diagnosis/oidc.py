"""OAuth and OIDC `error` values → cause code. Sources: RFC 6749 §5.2, §4.1.2.1; RFC 6750 §3.1; OIDC Core §3.1.2.6."""

from __future__ import annotations

import re
from collections.abc import Mapping

ERRORS: Mapping[str, str] = {
    "invalid_client": "auth.client.rejected",
    "unauthorized_client": "auth.grant.not_allowed",
    "unsupported_grant_type": "auth.grant.not_allowed",
    "invalid_grant": "auth.user.locked",
    "access_denied": "auth.user.locked",
    "invalid_scope": "auth.scope.not_allowed",
    "invalid_token": "runner.token.expired",
    "insufficient_scope": "auth.claims.missing",
    "invalid_request": "auth.token.request_failed",
    "server_error": "auth.idp.failing",
    "temporarily_unavailable": "auth.idp.failing",
    "interaction_required": "auth.user.locked",
    "login_required": "auth.user.locked",
    "account_selection_required": "auth.user.locked",
    "consent_required": "auth.user.locked",
}


def classify(error: str, description: str = "") -> str:
    """The cause code of an OAuth error; `unknown` for a value that no RFC has.

    Some providers answer `invalid_grant` for a wrong client (RFC 6749 leaves it open), so the description counts.
    """
    if error == "invalid_grant" and re.search(
        r"client (secret|id|authentication)|grant.?type", description, re.IGNORECASE
    ):
        return "auth.client.rejected" if "grant" not in description.lower() else "auth.grant.not_allowed"
    return ERRORS.get(error, "unknown")
