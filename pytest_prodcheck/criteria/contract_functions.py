"""What a function that differs breaks: who calls it, as whom it runs, what policies rely on (A24, A33, C14, E15)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_prodcheck.criteria.contract_change import (
    Difference,
    Impact,
    absent,
    changed,
    owner_changed,
    pairs,
    placed,
    shown,
)
from pytest_prodcheck.criteria.contract_grants import differences as grants
from pytest_prodcheck.observe.contract import Contract, FunctionFacts

_PARALLEL = ("unsafe", "restricted", "safe")
_IDENTITIES = ("role", "session_authorization")


def differences(promised: Contract, found: Contract) -> Iterator[Difference]:
    """Functions that are gone, new, or do something else."""
    yield from absent("function", promised.functions, found.functions, "calls to it fail (42883)")
    yield from _new_functions(promised, found)
    facts: FunctionFacts
    for name, facts, now in pairs(promised.functions, found.functions):
        yield from owner_changed("function", name, facts, now)
        yield from _function(f"function {shown(name)}", name, facts, now)
        yield from _behaviour(f"function {shown(name)}", name, facts, now)
        yield from _settings(f"function {shown(name)}", name, facts, now, found)
        yield from grants(f"function {shown(name)}", facts, now, exposed=now.definer, where=placed("function", name))


def _new_functions(promised: Contract, found: Contract) -> Iterator[Difference]:
    for name in found.functions.keys() - promised.functions.keys():
        facts = found.functions[name]
        if name.partition(".")[0] not in promised.schemas:
            continue
        thing, before = f"function {shown(name)}", "no such function"
        if facts.definer and facts.grants:
            why = f"{', '.join(facts.grants)} may call it, and it runs with the privileges of {facts.owner}"
            yield changed("risky", thing, before, "a SECURITY DEFINER function", why, name)
        else:
            yield changed("harmless", thing, before, "a function", "nothing relies on its absence", name)


def _function(thing: str, name: str, promised: FunctionFacts, found: FunctionFacts) -> Iterator[Difference]:
    if promised.returns != found.returns:
        why = "what reads its answer fails"
        yield changed("breaking", thing, f"returns {promised.returns}", f"returns {found.returns}", why, name)
    if promised.arguments != found.arguments:
        why = "calls by name, or without an argument that had a default, fail (42883)"
        yield changed("breaking", thing, f"({promised.arguments})", f"({found.arguments})", why, name)
    if promised.definer != found.definer:
        words = {True: "SECURITY DEFINER", False: "SECURITY INVOKER"}
        why = f"it runs with the privileges of {found.owner}, whoever calls it" if found.definer else (
            "it runs with its caller's privileges, which may not do (42501)"
        )  # fmt: skip
        yield changed("breaking", thing, words[promised.definer], words[found.definer], why, name)
    if promised.search_path != found.search_path:
        before, after = (
            f"search_path {one.search_path}" if one.search_path else "no search_path" for one in (promised, found)
        )
        lost = found.definer and not found.search_path
        why = f"whoever calls it says which objects it finds, with the privileges of {found.owner}" if lost else (
            "names in it lead elsewhere"
        )  # fmt: skip
        yield changed("breaking" if lost else "risky", thing, before, after, why, name)
    if promised.volatility != found.volatility:
        why = "plans, indexes and policies that rely on it are others"
        yield changed("risky", thing, promised.volatility, found.volatility, why, name)
    if (promised.body, promised.language) != (found.body, found.language):
        before, after = (f"{one.language} {one.body}" for one in (promised, found))
        yield changed("risky", thing, before, after, "it does something else than was pinned", name)


def _behaviour(thing: str, name: str, promised: FunctionFacts, found: FunctionFacts) -> Iterator[Difference]:
    """STRICT, LEAKPROOF and PARALLEL: what PostgreSQL may do with a call without, before or beside others."""
    if promised.strict != found.strict:
        words = {True: "STRICT", False: "CALLED ON NULL INPUT"}
        why = "a null argument gives null, and it is not run" if found.strict else (
            "it is run for null arguments, too, which it never met"
        )  # fmt: skip
        yield changed("risky", thing, words[promised.strict], words[found.strict], why, name)
    if promised.leakproof != found.leakproof:
        words = {True: "LEAKPROOF", False: "NOT LEAKPROOF"}
        why = "it is called on rows that policies and security_barrier views hide" if found.leakproof else (
            "conditions that call it come after the policies: under row-level security no index serves them"
        )  # fmt: skip
        impact: Impact = "breaking" if found.leakproof else "risky"
        yield changed(impact, thing, words[promised.leakproof], words[found.leakproof], why, name)
    if promised.parallel != found.parallel:
        freer = _PARALLEL.index(found.parallel) > _PARALLEL.index(promised.parallel)
        why = "parallel workers may call it, and fail where it writes or needs what its session holds (25000)" if (
            freer
        ) else "queries that call it are no longer run in parallel"  # fmt: skip
        before, now = (f"PARALLEL {one.parallel.upper()}" for one in (promised, found))
        yield changed("risky", thing, before, now, why, name)


def _settings(
    thing: str, name: str, promised: FunctionFacts, found: FunctionFacts, contract: Contract
) -> Iterator[Difference]:
    """What else a function sets for itself; breaking where that says as whom it acts, or what policies read."""
    before, now = (dict(one.partition("=")[::2] for one in facts.settings) for facts in (promised, found))
    for setting in sorted(before.keys() | now.keys()):
        if before.get(setting) == now.get(setting):
            continue
        said, found_text = (f"{setting} {one[setting]}" if setting in one else f"no {setting}" for one in (before, now))
        impact: Impact = "breaking"
        if setting in _IDENTITIES:
            why = "it acts as another role"
        elif setting == "row_security":
            why = "what policies would hide fails (42501)" if now.get(setting) == "off" else "policies filter its rows"
        elif any(f"'{setting}'" in text for text in _conditions(contract)):
            why = "policies that read it let other rows through"
        else:
            impact, why = "risky", "it runs by another setting"
        yield changed(impact, thing, said, found_text, why, name)


def _conditions(contract: Contract) -> Iterator[str]:
    for table in contract.tables.values():
        for policy in (*table.policies.values(), *table.partition_policies.values()):
            yield policy.using + policy.check
