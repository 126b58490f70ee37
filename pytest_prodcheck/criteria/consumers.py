"""A service checks the tokens that it is given: one with a broken signature must not be accepted (A20)."""

from __future__ import annotations

from typing import Final

from pytest_prodcheck.observe import graphql_answer, strict_json
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import Observation

_ERRORS: Final = ("error", "errors")
_SUCCESS: Final = ("success", "ok")


def checks_signature(good: Observation, broken: Observation) -> list[Finding]:
    """Compares the answers to the same read with a good token and with one whose signature was changed.

    Both accepted: the service does not verify. Says nothing where the good token was not accepted, or where the
    broken one got no answer; nor may it be asked of what anonymous callers may read, which needs no token at all.
    """
    if not accepted(good) or not accepted(broken, good):
        return []
    what = f"{broken.operation}: a token with a broken signature is accepted like a good one: it is not verified"
    data = {"operation": broken.operation, "status": broken.status, "user": good.user}
    code = "auth.signature.not_checked"
    return [Finding("signature", broken.target, what, code, seen=str(broken.status), promised="401 or 403", data=data)]


def accepted(seen: Observation, good: Observation | None = None) -> bool:
    """Whether the service took the request: 2xx, no GraphQL errors in it, and no page where `good` got data."""
    if seen.error or seen.status is None or not 200 <= seen.status < 300 or refusal_in_place_of_data(seen, good):
        return False
    answer = graphql_answer.read(seen.body, seen.headers.get("content-type", ""))
    return answer.given or not (answer.shape == "graphql" and answer.errors)


def refusal_in_place_of_data(seen: Observation, good: Observation | None) -> bool:
    """Whether the answer is a page (a form to log in), or a document that only tells an error, where the good token
    got something else: that is a refusal, whatever its status. Without a `good` answer a page may be what is served."""
    if good is None:
        return _tells_an_error(seen)
    return any(refuses(seen) and not refuses(good) for refuses in (_is_page, _tells_an_error))


def _is_page(seen: Observation) -> bool:
    return strict_json.looks_like_html(seen.body, seen.headers.get("content-type", ""))


def _tells_an_error(seen: Observation) -> bool:
    """`{"error": "unauthorized"}`, `{"success": false, "message": …}`: no GraphQL result, and nothing beside it."""
    document = strict_json.table(seen.body) or {}
    told = any(document.get(name) for name in _ERRORS) or any(document.get(name) is False for name in _SUCCESS)
    beside = [value for name, value in document.items() if name not in _ERRORS]
    return told and not any(isinstance(value, list | dict) and value for value in beside)
