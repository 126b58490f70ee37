"""A service refuses the tokens that it must refuse, with the promised status (A20, A22, B71, B72, E7; RFC 8725 §2, §3).

A refusal proves something only beside a good token that is accepted by the same read. What is accepted and must not be
is critical: anybody who knows an address can act as anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pytest_prodcheck.config.models import AuthTarget
from pytest_prodcheck.criteria import exchange, graphql_refusal, tokens
from pytest_prodcheck.criteria.claims import span
from pytest_prodcheck.criteria.consumers import refusal_in_place_of_data
from pytest_prodcheck.observe import jose
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.identity import Jwks
from pytest_prodcheck.observe.observation import Observation

REFUSED: Final = (400, 401, 403)
"""RFC 6750 §3.1: what a resource server answers to a token that it does not take."""

ACCEPTED: Final[Mapping[str, tuple[str, str]]] = {
    "none": ("auth.anonymous.accepted", "a request without any token is answered like one with a good token"),
    "signature": ("auth.signature.not_checked", "a token with a broken signature is accepted"),
    "tampered": ("auth.signature.not_checked", "a token with changed claims is accepted under the old signature"),
    "unknown_kid": ("auth.key.unknown_accepted", "a token is accepted that is signed with a key that nobody published"),
    "embedded_key": ("auth.key.embedded_accepted", "a token is accepted that is signed with the key in its own header"),
    "alg_none": ("auth.algorithm.none_accepted", "a token that is not signed (alg none) is accepted"),
    "hs256_public_key": (
        "auth.algorithm.confused",
        "a token is accepted that is signed by HS256 with the public key as its secret",
    ),
    "expired": ("auth.expiry.not_checked", "a genuine token that is over is accepted"),
    "audience": ("auth.audience.not_checked", "a genuine token for another audience is accepted"),
    "role": ("auth.role.not_checked", "a role beyond the token's allowed roles is granted"),
}
"""Name of `refuses` → cause and words of its acceptance, the one that explains the others first."""
_EXPLAINS_ALL: Final = "none"
_NO_VERIFICATION: Final = ("signature", "tampered")
_NEED_A_SIGNATURE: Final = ("unknown_kid", "embedded_key", "alg_none", "hs256_public_key", "expired", "audience")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a service was shown, and what it answered."""

    good: Observation | None
    """The answer to the good token; None where `none` alone is promised."""
    answers: Sequence[tuple[str, Observation]] = ()
    unmade: Mapping[str, str] = field(default_factory=dict)
    specimens: Mapping[str, str] = field(default_factory=dict, repr=False)
    jwks: Jwks | None = None
    public: bool = False
    """Whether what was asked is answered to anybody by most services, and shows nothing: `{__typename}`."""


def refusals(asked: Asked, promised: Sequence[int], auth: AuthTarget, now: float, target: str) -> list[Finding]:
    """Findings about what was accepted, what broke the service, what was refused by another status than `promised`
    (empty: `REFUSED`), and what proves nothing."""
    if asked.good is not None and not asked.good.expected:
        seen = asked.good
        what = f"{seen.operation}: the good token is not accepted, so that refusing another proves nothing"
        return [_finding(seen, "", what, "auth.signature.not_judged", "insufficient", target)]
    unfit = {
        name: why for name, token in asked.specimens.items() if (why := _unfit(name, token, asked.jwks, auth, now))
    }
    owed = {name: why for name, token in asked.specimens.items() if (why := _owed(name, jose.read(token), auth, now))}
    taken = {
        name: seen
        for name, seen in asked.answers
        if seen.data.get("accepted") and not refusal_in_place_of_data(seen, asked.good)
    }
    if asked.public and _EXPLAINS_ALL in taken:
        seen = taken[_EXPLAINS_ALL]
        what = f"{seen.operation}: {{__typename}} is answered to anybody, and shows nothing: declare `operations`"
        return [_finding(seen, "", what, "auth.signature.not_judged", "insufficient", target)]
    found = _accepted({name: seen for name, seen in taken.items() if name not in owed}, target)
    for name, seen in asked.answers:
        if name not in taken:
            found += _refused(name, seen, promised, unfit.get(name, ""), target)
        elif name in owed:
            what = f"{seen.operation} with {_LABELS[name]}: accepted, and that proves nothing: {owed[name]}"
            found.append(_finding(seen, name, what, "auth.specimen.unfit", "insufficient", target))
    found += [_unproven(name, why, target) for name, why in asked.unmade.items()]
    return found


def _accepted(taken: Mapping[str, Observation], target: str) -> list[Finding]:
    """One finding a cause: a service that needs no token, or verifies no signature, accepts the others for that."""
    roots = [_EXPLAINS_ALL] if _EXPLAINS_ALL in taken else [name for name in _NO_VERIFICATION if name in taken][:1]
    covered = set(taken) if _EXPLAINS_ALL in roots else {*_NO_VERIFICATION, *_NEED_A_SIGNATURE} if roots else set()
    shown = roots + [name for name in ACCEPTED if name in taken and name not in covered and name not in roots]
    return [
        _taken(name, taken, [other for other in taken if other in covered and other != name], target) for name in shown
    ]


def _taken(name: str, taken: Mapping[str, Observation], others: Sequence[str], target: str) -> Finding:
    code, words = ACCEPTED[name]
    seen = taken[name]
    also = f" (and so is {', '.join(others)})" if others else ""
    what = f"critical: {seen.operation}: {words}{also}"
    return _finding(seen, name, what, code, "error", target, promised="a refusal")


def _refused(name: str, seen: Observation, promised: Sequence[int], unfit: str, target: str) -> list[Finding]:
    """Of a refusal: whether it is one, by the promised status, and whether it proves what it should."""
    label = f"{seen.operation} with {_LABELS[name]}"
    if seen.server_error:
        what = f"{label}: answers {seen.status}: the refusal breaks in the service"
        return [_finding(seen, name, what, "auth.refusal.crashes", "error", target, promised="a refusal")]
    if seen.error:
        what = f"{label}: no answer ({seen.error}), so that nothing is proven"
        return [_finding(seen, name, what, "auth.signature.not_judged", "insufficient", target)]
    if seen.status == 429 and 429 not in promised:
        what = f"{label}: answers 429, so that nothing is proven: lower `requests`, or exempt the gate"
        return [_finding(seen, name, what, exchange.RATE_LIMITED, "insufficient", target)]
    if _broke(seen):
        what = f"{label}: answers {seen.code}: {seen.message}: the refusal breaks in the service"
        return [_finding(seen, name, what, "auth.refusal.crashes", "error", target, promised="a refusal")]
    by_errors = seen.status == 200 and seen.data.get("shape") == "graphql" and bool(seen.data.get("errors"))
    if seen.status not in (promised or REFUSED) and not (by_errors and not promised):
        wanted = " or ".join(str(status) for status in promised or REFUSED)
        what = f"{label}: answers {seen.status}, promised {wanted}"
        return [_finding(seen, name, what, "auth.refusal.wrong_status", "error", target, promised=wanted)]
    if unfit:
        what = f"{label}: refused, and that proves nothing: {unfit}"
        return [_finding(seen, name, what, "auth.specimen.unfit", "insufficient", target)]
    return []


def _broke(seen: Observation) -> bool:
    """Whether all that a GraphQL answer says is that the service broke."""
    errors = seen.data.get("errors") or [] if seen.data.get("shape") == "graphql" else []
    told = [(str(error.get("code", "")), str(error.get("message", ""))) for error in errors]
    return bool(told) and all(graphql_refusal.internal(code, message) for code, message in told)


def _unproven(name: str, why: str, target: str) -> Finding:
    what = f"{_LABELS[name]} could not be shown: {why}"
    data = {"refusal": name}
    return Finding("refuses", target, what, "auth.specimen.unfit", "insufficient", subject=name, data=data)


def _unfit(name: str, token: str, jwks: Jwks | None, auth: AuthTarget, now: float) -> str:
    """Why a refusal of this genuine token says nothing about what it is shown for; empty where it does."""
    read = jose.read(token)
    if read.problem:
        return f"it is no JWT: {read.problem}"
    if broken := tokens.signature(token, jwks, auth, user=name):
        return f"its signature is not the issuer's any more ({broken[0].code})"
    ends = jose.numeric_date(read.payload.get("exp"))
    if name == "audience" and ends is not None and ends < now:
        return f"it is over for {span(now - ends)}"
    return _owed(name, read, auth, now)


def _owed(name: str, read: jose.CompactToken, auth: AuthTarget, now: float) -> str:
    """Why a service may take this genuine token, whatever it is shown for; empty where it must refuse it."""
    ends = jose.numeric_date(read.payload.get("exp"))
    if name == "expired":
        return "" if ends is not None and ends < now else "it is not over yet"
    meant = set(jose.names(read.payload.get("aud"))) & set(auth.audience)
    return f"it is for {', '.join(sorted(meant))} as well" if meant else ""


_LABELS: Final[Mapping[str, str]] = {
    "none": "no token",
    "signature": "a broken signature",
    "tampered": "changed claims",
    "unknown_kid": "an unknown key",
    "embedded_key": "a key of its own",
    "alg_none": "an unsigned token (alg none)",
    "hs256_public_key": "HS256 by the public key",
    "expired": "an expired token",
    "audience": "a token for another audience",
    "role": "a role that is not allowed",
}


def _finding(
    seen: Observation, name: str, what: str, code: str, severity: Severity, target: str, promised: str = ""
) -> Finding:
    data = {"operation": seen.operation, "status": seen.status, "refusal": name}
    shown = str(seen.status or seen.error)
    return Finding("refuses", target, what, code, severity, shown, promised, subject=seen.subject, data=data)
