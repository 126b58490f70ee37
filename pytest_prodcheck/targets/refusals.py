"""Shows a service the tokens that it must refuse, each by the same read as the good one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from pytest_prodcheck.observe import graphql_answer, jose
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.identity import Jwks
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.forgery import Forger, Unmade

ROLE = "admin"
OTHER_ROLE = "prodcheck-no-such-role"
Send = Callable[[str, str], Observation]
"""Sends the read with a bearer token (empty: without any) and asks for a role (empty: for none)."""
_GENUINE = ("expired", "audience")


def ask(names: Sequence[str], token: str, forger: Forger, send: Send, good: Observation | None) -> Evidence:
    """The good token's answer (None where `none` alone is asked), then each refusal's.

    Facts: `good`; `refusals`, pairs of a name and the answer to the first of its tokens that was accepted, else to the
    last (`data.accepted`; `expected` says that it was refused); `unmade`, name → why it could not be shown;
    `specimens`, the genuine tokens, and `jwks`, to judge their fitness.
    """
    if good is not None and not good.expected:
        return Evidence((good,), {"good": good})
    asked: list[tuple[str, Observation]] = []
    unmade: dict[str, str] = {}
    sent = [good] if good is not None else []
    specimens: dict[str, str] = {}
    for name in names:
        try:
            shown = [""] if name == "none" else forger.tokens(name, token)
        except Unmade as reason:
            unmade[name] = str(reason)
            continue
        if name in _GENUINE:
            specimens[name] = shown[0]
        answers = _shown(name, shown, role_beyond(token) if name == "role" else "", send)
        sent += answers
        asked.append((name, answers[-1]))
    if "none" not in names and any(seen.data["accepted"] for _, seen in asked):
        anonymous = _shown("none", [""], "", send)
        sent += anonymous
        asked.append(("none", anonymous[0]))
    keys: Jwks | None = forger.keys() if specimens else None
    facts = {"good": good, "refusals": asked, "unmade": unmade, "specimens": specimens, "jwks": keys}
    return Evidence(tuple(sent), facts)


def role_beyond(token: str) -> str:
    """A role that the token's user may not take: the administrator's, or one that nobody has where it may take that."""
    text = str(jose.read(token).payload)
    return OTHER_ROLE if f"'{ROLE}'" in text else ROLE


def _shown(name: str, tokens: Sequence[str], role: str, send: Send) -> list[Observation]:
    """Answers to the tokens in turn, until one is accepted. What was refused is what was expected."""
    answers: list[Observation] = []
    for token in tokens:
        seen = send(token, role)
        refused = not seen.expected and not _gave_data(seen) and not seen.error and not seen.server_error
        facts = {**seen.data, "refusal": name, "accepted": seen.expected or _gave_data(seen)}
        answers.append(replace(seen, expected=refused, data=facts))
        if facts["accepted"]:
            break
    return answers


def _gave_data(seen: Observation) -> bool:
    """Whether GraphQL data came, be it beside errors: what a caller reads is not refused."""
    return seen.data.get("shape") == "graphql" and graphql_answer.read(seen.body).given
