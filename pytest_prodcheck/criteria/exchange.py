"""What one exchange came to, in the words of the design: an error, a slow-down of our own making, or an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pytest_prodcheck.observe.observation import ERROR_CLASSES, Observation

RATE_LIMITED = "http.rate_limited.by_us"

_STATUS_CODES: Mapping[int, str] = {
    502: "http.upstream.crashed",
    503: "http.upstream.none",
    504: "http.upstream.timeout",
}
_ERROR_CODES: Mapping[str, str] = {
    "timeout": "http.application.hangs",
    "protocol": "http.protocol.garbage",
    "proxy": "http.proxy.failed",
    "refused": "http.request.refused",
    "internal": "unknown",
    "stopped": "unknown",
}
_REQUEST_IDS = (
    "x-request-id",
    "x-correlation-id",
    "request-id",
    "x-amzn-requestid",
    "x-amzn-trace-id",
    "cf-ray",
    "traceparent",
)


def rate_limited(observation: Observation) -> bool:
    """Whether the server asked us to slow down (429) where nothing declares that answer: neither success nor error."""
    return observation.status == 429 and not observation.error and not observation.expected


def is_error(observation: Observation) -> bool:
    """Whether no expected answer came: 5xx, undeclared status, timeout, transport failure; a 429 is none."""
    return not rate_limited(observation) and (bool(observation.error) or not observation.expected)


def code(observation: Observation) -> str:
    """The cause code that the exchange by itself speaks for; `unknown` for an answer without a known cause, and for a
    failed exchange with anything but an `http` target: its layer is diagnosis' to name, from `data["error"]`."""
    if observation.error and observation.target.split(".")[0] != "http":
        return "unknown"
    if observation.error:
        return _ERROR_CODES.get(observation.error, f"http.{observation.error}")
    if rate_limited(observation):
        return RATE_LIMITED
    if not observation.server_error:
        return "unknown"
    if observation.status == 503 and b"maintenance" in observation.body[:10_000].lower():
        return "http.application.in_maintenance"
    return _STATUS_CODES.get(observation.status or 0, "http.application.unhandled_exception")


def path(observation: Observation) -> str:
    """What was asked, without the method: `/api/tasks` of `GET /api/tasks`."""
    return observation.operation.partition(" ")[2] or observation.operation


def failure(observation: Observation) -> str:
    """The failed exchange as a sentence: `no answer in 10 s from /x`, `GET /x: nothing listens there (tcp.refused)`."""
    if observation.error == "timeout":
        return f"no answer in {observation.wall:.3g} s from {path(observation)}"
    if observation.error in ("refused", "redirect.refused") and observation.message:
        return observation.message  # our own words: which rule, and what to do
    words = ERROR_CLASSES.get(observation.error, observation.message or "failed")
    return f"{observation.operation}: {words} ({observation.error})"


def answered(observation: Observation) -> str:
    """The answer as a clause, with the server's own id of the request where it gives one (to find the log line)."""
    named = request_id(observation)
    return f"{observation.operation} answered {observation.status}" + (f" ({named})" if named else "")


def request_id(observation: Observation) -> str:
    """The server's own id of the request, with its header's name: `x-request-id 5f1c`; empty where it gives none."""
    name = next((name for name in _REQUEST_IDS if observation.headers.get(name)), "")
    return f"{name} {observation.headers[name][:100]}" if name else ""


def kind(observation: Observation) -> str:
    """The class of an error in a plural that can stand in a sentence: `timeouts`, `server errors`, `answers 404`."""
    if observation.error:
        return "timeouts" if observation.error.endswith("timeout") else f"failures {observation.error}"
    return "server errors" if observation.server_error else f"answers {observation.status}"


def kinds(errors: Sequence[Observation]) -> str:
    """The kinds of some errors, the most frequent first: `timeouts and server errors`."""
    return " and ".join(name for name, _ in Counter(kind(error) for error in errors).most_common(3))


def commonest_code(errors: Sequence[Observation]) -> str:
    """The cause code that most of some errors speak for; `unknown` for none."""
    return Counter(code(error) for error in errors).most_common(1)[0][0] if errors else "unknown"


def facts(observation: Observation) -> dict[str, str | int | None]:
    """What diagnosis wants to know about an exchange, JSON-safe."""
    return {
        "operation": observation.operation,
        "kind": observation.kind,
        "status": observation.status,
        "error": observation.error,
        "user": observation.user,
        "attempt": observation.attempt,
    }
