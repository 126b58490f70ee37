"""`ready` of declared logins: each connects and gets an answer to `select 1`."""

from __future__ import annotations

from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import ERROR_CLASSES, Observation


def logins(observation: Observation) -> list[Finding]:
    """A finding where a login failed. Its cause code is `unknown`: the texts of libpq are the diagnosis's to read; the
    data has `sqlstate`, `error`, `text` and what the connection was for."""
    if observation.expected and not (observation.code or observation.error):
        return []
    why = observation.code or ERROR_CLASSES.get(observation.error, observation.error)
    message = f"login {observation.subject} fails: {why}: {observation.message}".replace(": : ", ": ")
    seen = observation.code or observation.error or observation.message
    data = {**observation.data, "sqlstate": observation.code, "error": observation.error, "text": observation.message}
    return [
        Finding(
            "ready",
            observation.target,
            message,
            seen=seen,
            promised="a session, and an answer to select 1",
            subject=observation.subject,
            data=data,
        )
    ]
