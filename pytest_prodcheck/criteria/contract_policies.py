"""What a policy or the switch of row-level security that differs does to who sees which rows (A24; facts.md §7)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.criteria.contract_change import (
    POLICY_CHANGED,
    POLICY_MISSING,
    POLICY_TOO_WIDE,
    RLS_DISABLED,
    RLS_NOT_FORCED,
    Difference,
    apart,
    cut,
    place,
    shown,
)
from pytest_prodcheck.criteria.tautology import always_true
from pytest_prodcheck.observe.contract import PolicyFacts, TableFacts

_WORDS = {"off": "row-level security off", "on": "row-level security on", "forced": "row-level security forced"}


def switched(name: str, promised: TableFacts, found: TableFacts) -> Iterator[Difference]:
    """Row-level security off, on or forced for the owner, too."""
    if promised.rls == found.rls or "view" in found.kind or "view" in promised.kind:
        return
    before, now = _WORDS[promised.rls], _WORDS[found.rls]
    if found.rls == "off":
        idle = f", its policies ({', '.join(sorted(found.policies))}) do nothing" if found.policies else ""
        why = f"every role with a grant sees every row{idle}"
        yield Difference("breaking", shown(name), before, now, why, RLS_DISABLED, place(name))
    elif promised.rls == "forced":
        why = f"its owner {found.owner}, and who inherits from it, sees every row"
        yield Difference("breaking", shown(name), before, now, why, RLS_NOT_FORCED, place(name))
    elif promised.rls == "on":
        why = "its policies bind its owner, too: a job that runs as the owner sees fewer rows"
        yield Difference("risky", shown(name), before, now, why, POLICY_CHANGED, place(name))
    elif not found.policies:
        yield Difference("breaking", shown(name), before, now, "nobody sees a row", POLICY_MISSING, place(name))
    else:
        why = "only rows that a policy lets through are seen"
        yield Difference("risky", shown(name), before, now, why, POLICY_CHANGED, place(name))


def differences(name: str, promised: TableFacts, found: TableFacts) -> Iterator[Difference]:
    """Each policy that is gone, differs or is new."""
    for policy, facts in promised.policies.items():
        now = found.policies.get(policy)
        if now is None:
            yield _missing(name, policy, facts, found)
        elif now != facts:
            yield from _changed(name, policy, facts, now)
    for policy, facts in found.policies.items():
        if policy not in promised.policies:
            yield _new(name, policy, facts)


def _thing(name: str, policy: str) -> str:
    return f"policy {policy} of {shown(name)}"


def text(facts: PolicyFacts) -> str:
    """A policy in one line."""
    kind = "" if facts.permissive else "restrictive "
    using = f" using {facts.using}" if facts.using else ""
    check = f" check {facts.check}" if facts.check and facts.check != facts.using else ""
    return f"{kind}{facts.command} for {', '.join(facts.roles)}{using}{check}"


def _missing(name: str, policy: str, facts: PolicyFacts, found: TableFacts) -> Difference:
    if not facts.permissive:
        code, why = POLICY_CHANGED, "rows that it kept from being seen are seen"
    elif found.rls != "off" and not found.policies:
        code, why = POLICY_MISSING, "no policy is left: nobody sees a row"
    else:
        code, why = POLICY_CHANGED, f"{', '.join(facts.roles)} no longer {_may(facts)} the rows that it let through"
    return Difference("breaking", _thing(name, policy), cut(text(facts)), "no such policy", why, code, place(name))


def _may(facts: PolicyFacts) -> str:
    return {"SELECT": "see", "INSERT": "add", "UPDATE": "change", "DELETE": "delete", "ALL": "see or change"}[
        facts.command
    ]


def _changed(name: str, policy: str, promised: PolicyFacts, found: PolicyFacts) -> Iterator[Difference]:
    thing, where = _thing(name, policy), place(name)
    if promised.permissive != found.permissive:
        kinds = ("restrictive", "permissive")
        why = "policies are OR-ed where they were AND-ed" if found.permissive else "it lets nothing through by itself"
        yield Difference(
            "breaking", thing, kinds[promised.permissive], kinds[found.permissive], why, POLICY_CHANGED, where
        )
    if promised.command != found.command:
        why = "other statements are bound by it"
        yield Difference("breaking", thing, promised.command, found.command, why, POLICY_CHANGED, where)
    if promised.roles != found.roles:
        before, now = ", ".join(promised.roles), ", ".join(found.roles)
        lost = sorted({*promised.roles} - {*found.roles})
        gained = sorted({*found.roles} - {*promised.roles})
        whys = [f"it no longer holds for {', '.join(lost)}"] * bool(lost)
        whys += [f"it holds for {', '.join(gained)}, too"] * bool(gained)
        yield Difference("breaking", thing, f"for {before}", f"for {now}", "; ".join(whys), POLICY_CHANGED, where)
    for word, before, now in (("using", promised.using, found.using), ("check", promised.check, found.check)):
        if before != now:
            yield _condition(thing, where, word, before, now, found.permissive)


def _condition(
    thing: str, where: dict[str, object], word: str, promised: str, found: str, permissive: bool
) -> Difference:
    open_now = permissive and bool(found) and always_true(found)
    before, now = apart(promised or "no condition", found or "no condition")
    if open_now:
        why = "it is always true: every row " + ("is visible to its roles" if word == "using" else "may be written")
    else:
        why = "other rows are visible" if word == "using" else "other rows may be written"
    code = POLICY_TOO_WIDE if open_now else POLICY_CHANGED
    return Difference("breaking", thing, f"{word} {before}", f"{word} {now}", why, code, where)


def _new(name: str, policy: str, facts: PolicyFacts) -> Difference:
    thing, now = _thing(name, policy), cut(text(facts))
    if not facts.permissive:
        why = "it hides rows from whom others let through"
        return Difference("risky", thing, "no such policy", now, why, POLICY_CHANGED, place(name))
    wide = any(always_true(one) for one in (facts.using, facts.check) if one)
    why = "policies are OR-ed: " + ("it is always true, every row passes" if wide else "more rows pass than promised")
    code = POLICY_TOO_WIDE if wide else POLICY_CHANGED
    return Difference("breaking", thing, "no such policy", now, why, code, place(name))
