"""The faults that only the logs tell."""

from __future__ import annotations

from pytest_prodcheck.demo.fault import LOGS, Fault

_ERRORS, _REQUESTS = ("logs::test_errors",), ("logs::test_server_errors",)


def _told(name: str, summary: str, cause: str, *explains: str) -> Fault:
    return Fault(name, "logs", summary, (cause,), explains, (), LOGS)


FAULTS = (
    _told(
        "log-server-errors",
        "plan-app answers real users 500 on one route, which no check asks",
        "logs.requests.server_errors",
        *_REQUESTS,
    ),
    _told(
        "log-unhandled-rejection",
        "plan-app rejects a promise that nobody handles",
        "logs.rejection.unhandled",
        *_ERRORS,
    ),
    _told(
        "log-never-awaited",
        "plan-app makes a coroutine and does not await it",
        "logs.coroutine.never_awaited",
        *_ERRORS,
    ),
    _told(
        "log-local-validation",
        "plan-app checks tokens by itself, without the provider",
        "logs.validation.local",
        *_ERRORS,
    ),
    _told("log-disk-full", "plan-app finds no space on its disk", "logs.disk.full", *_ERRORS),
    _told("log-deadlock", "postgres ends a deadlock", "database.lock.deadlock", *_ERRORS),
    _told(
        "log-credential",
        "plan-app prints the URL of its database, password included",
        "logs.secret.printed",
        "logs::test_private",
    ),
    Fault(
        "logs-forbidden",
        "logs",
        "the account of the gate may not read pod logs",
        ("logs.source.forbidden",),
        (),
        ("logs::test_ready", *LOGS),
        LOGS,
    ),
)
