"""What differs beside the tables, and what it breaks: schemas, extensions, types, sequences, functions, roles.

(A24, A33, C14, C15, E15)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_prodcheck.criteria.contract_change import (
    OBJECT_CHANGED,
    OBJECT_MISSING,
    RLS_BYPASSED,
    SCHEMA_MISSING,
    Difference,
    Impact,
    apart,
    cut,
    shown,
)
from pytest_prodcheck.criteria.contract_grants import differences as grants
from pytest_prodcheck.observe.contract import (
    Contract,
    ExtensionFacts,
    FunctionFacts,
    RoleFacts,
    SchemaFacts,
    SequenceFacts,
    TypeFacts,
)

Facts = Mapping[str, Any]
_PARALLEL = ("unsafe", "restricted", "safe")
_IDENTITIES = ("role", "session_authorization")
_ROLE_MISSING, _NO_LOGIN = "database.auth.role_missing", "database.auth.role_nologin"


def differences(promised: Contract, found: Contract) -> Iterator[Difference]:
    """All that differs beside the tables."""
    yield from _roles(promised, found)
    yield from _schemas(promised, found)
    yield from _extensions(promised.extensions, found.extensions)
    yield from _types(promised, found)
    yield from _sequences(promised, found)
    yield from _functions(promised, found)


def _pairs(promised: Facts, found: Facts) -> Iterator[tuple[str, Any, Any]]:
    """The things that are on both sides and differ."""
    for name, facts in promised.items():
        if name in found and found[name] != facts:
            yield name, facts, found[name]


def _absent(kind: str, promised: Facts, found: Facts, why: str, code: str = OBJECT_MISSING) -> Iterator[Difference]:
    for name in promised.keys() - found.keys():
        yield Difference("breaking", f"{kind} {shown(name)}", f"a {kind}", "none", why, code, _data(kind, name))


def _added(kind: str, promised: Facts, found: Facts, schemas: Facts) -> Iterator[Difference]:
    for name in found.keys() - promised.keys():
        if name.partition(".")[0] in schemas:
            why = "nothing relies on its absence"
            data = _data(kind, name)
            yield Difference(
                "harmless", f"{kind} {shown(name)}", f"no such {kind}", f"a {kind}", why, OBJECT_CHANGED, data
            )


def _data(kind: str, name: str) -> dict[str, object]:
    return {"kind": kind, "object": name, "schema": name.partition(".")[0], "table": name}


def _changed(
    impact: Impact, thing: str, promised: str, found: str, why: str, name: str, code: str = OBJECT_CHANGED
) -> Difference:
    return Difference(impact, thing, promised, found, why, code, _data(thing.partition(" ")[0], name))


def _owner(kind: str, name: str, promised: Any, found: Any) -> Iterator[Difference]:
    if promised.owner != found.owner:
        why = f"{found.owner} may change and drop it"
        yield _changed("risky", f"{kind} {shown(name)}", f"owner {promised.owner}", f"owner {found.owner}", why, name)


def _roles(promised: Contract, found: Contract) -> Iterator[Difference]:
    now: Mapping[str, RoleFacts] = found.roles
    for name, facts in promised.roles.items():
        thing = f"role {name}"
        data: dict[str, object] = {"role": name}
        if name not in now:
            why = "whoever logs in or acts as it is refused"
            impact: Impact = "breaking" if name in promised.named else "risky"
            yield Difference(impact, thing, "a role", "none", why, _ROLE_MISSING, data)
            continue
        role = now[name]
        for word, had, has in (
            ("superuser", facts.superuser, role.superuser),
            ("BYPASSRLS", facts.bypasses_rls, role.bypasses_rls),
        ):
            if has and not had:
                why = "no policy binds it: it sees the rows of all users"
                yield Difference("breaking", thing, f"no {word}", word, why, RLS_BYPASSED, data)
            elif had and not has:
                why = "it sees only the rows that a policy lets through"
                yield Difference("risky", thing, word, f"no {word}", why, OBJECT_CHANGED, data)
        if facts.login and not role.login:
            yield Difference("breaking", thing, "login", "no login", "it is refused (28000)", _NO_LOGIN, data)
        elif role.login and not facts.login:
            yield Difference("risky", thing, "no login", "login", "somebody may come as it", OBJECT_CHANGED, data)
        yield from _memberships(thing, facts, role, now, data)


def _memberships(
    thing: str, promised: RoleFacts, found: RoleFacts, roles: Mapping[str, RoleFacts], data: dict[str, object]
) -> Iterator[Difference]:
    lost = sorted({*promised.member_of} - {*found.member_of})
    gained = sorted({*found.member_of} - {*promised.member_of})
    before, now = (f"member of {', '.join(one.member_of) or 'no role'}" for one in (promised, found))
    if lost:
        why = f"it cannot act as {', '.join(lost)} (42501)"
        yield Difference("breaking", thing, before, now, why, "database.privilege.missing", data)
    if gained:
        why = f"it can act as {', '.join(gained)}"
        unbound = [name for name in gained if name in roles and (roles[name].superuser or roles[name].bypasses_rls)]
        if unbound:
            why += f", and no policy binds {', '.join(unbound)}"
        impact: Impact = "breaking" if unbound else "risky"
        yield Difference(impact, thing, before, now, why, "database.privilege.excess", data)


def _schemas(promised: Contract, found: Contract) -> Iterator[Difference]:
    yield from _absent("schema", promised.schemas, found.schemas, "every name in it fails (3F000)", SCHEMA_MISSING)
    for name in found.schemas.keys() - promised.schemas.keys():
        why = "nothing relies on its absence; what is in it is not judged"
        yield _changed("harmless", f"schema {name}", "no such schema", "a schema", why, name)
    facts: SchemaFacts
    for name, facts, now in _pairs(promised.schemas, found.schemas):
        yield from _owner("schema", name, facts, now)
        yield from grants(f"schema {name}", facts, now, exposed=False, where=_data("schema", name))


def _extensions(promised: Mapping[str, ExtensionFacts], found: Mapping[str, ExtensionFacts]) -> Iterator[Difference]:
    yield from _absent("extension", promised, found, "its functions, types and operators are gone")
    for name in found.keys() - promised.keys():
        why = "nothing relies on its absence"
        yield _changed("harmless", f"extension {name}", "not installed", found[name].version, why, name)
    for name, facts, now in _pairs(promised, found):
        thing = f"extension {name}"
        if facts.version != now.version:
            yield _changed("risky", thing, facts.version, now.version, "it may behave otherwise", name)
        if facts.schema != now.schema:
            why = "names that are qualified, or not, lead elsewhere"
            yield _changed("risky", thing, f"in schema {facts.schema}", f"in schema {now.schema}", why, name)


def _types(promised: Contract, found: Contract) -> Iterator[Difference]:
    yield from _absent("type", promised.types, found.types, "casts to it fail (42704)")
    yield from _added("type", promised.types, found.types, promised.schemas)
    facts: TypeFacts
    for name, facts, now in _pairs(promised.types, found.types):
        yield from _owner("type", name, facts, now)
        yield from _labels(name, facts, now)
        thing = f"domain {shown(name)}"
        if facts.base != now.base:
            why = "values of the promised type are refused or mean something else"
            yield _changed("breaking", thing, facts.base, now.base, why, name)
        if facts.default != now.default:
            why = "rows that give none get another value"
            yield _changed(
                "risky", thing, f"default {facts.default or 'none'}", f"default {now.default or 'none'}", why, name
            )
        yield from _attributes(name, facts, now)
        if facts.checks != now.checks:
            before, after = (cut("; ".join(one.checks.values()) or "no check") for one in (facts, now))
            yield _changed("risky", thing, before, after, "other values are refused, or let through", name)


def _attributes(name: str, promised: TypeFacts, found: TypeFacts) -> Iterator[Difference]:
    if promised.attributes == found.attributes:
        return
    before, now = apart(*(", ".join(one.attributes) for one in (promised, found)))
    thing, lost = f"composite type {shown(name)}", {*promised.attributes} - {*found.attributes}
    if lost:
        why = f"what reads {', '.join(sorted(lost))} fails, or gets values of another type"
        yield _changed("breaking", thing, before, now, why, name)
    elif {*found.attributes} == {*promised.attributes}:
        yield _changed("risky", thing, before, now, "a ROW() puts its values elsewhere", name)
    else:
        why = "a ROW() of the promised values, and what returns one, fails (42846, 42804)"
        yield _changed("risky", thing, before, now, why, name)


def _labels(name: str, promised: TypeFacts, found: TypeFacts) -> Iterator[Difference]:
    thing = f"enum {shown(name)}"
    lost = [label for label in promised.labels if label not in found.labels]
    new = [label for label in found.labels if label not in promised.labels]
    before, now = cut(", ".join(promised.labels)), cut(", ".join(found.labels))
    if lost:
        yield _changed("breaking", thing, before, now, f"{', '.join(lost)} is refused (22P02)", name)
    if new:
        why = f"code that knows all labels meets {', '.join(new)}"
        yield _changed("risky", thing, before, now, why, name)
    if not lost and not new and promised.labels != found.labels:
        yield _changed("risky", thing, before, now, "values sort and compare otherwise", name)


def _sequences(promised: Contract, found: Contract) -> Iterator[Difference]:
    yield from _absent(
        "sequence", promised.sequences, found.sequences, "rows that take their number from it fail (42P01)"
    )
    yield from _added("sequence", promised.sequences, found.sequences, promised.schemas)
    facts: SequenceFacts
    for name, facts, now in _pairs(promised.sequences, found.sequences):
        thing = f"sequence {shown(name)}"
        yield from _owner("sequence", name, facts, now)
        yield from grants(thing, facts, now, exposed=False, where=_data("sequence", name))
        if now.maximum < facts.maximum:
            why = "it ends earlier (2200H)"
            yield _changed("breaking", thing, f"up to {facts.maximum}", f"up to {now.maximum}", why, name)
        if facts.increment != now.increment:
            why = "numbers that others reserve may be given twice"
            yield _changed("risky", thing, f"steps of {facts.increment}", f"steps of {now.increment}", why, name)
        if facts.cycle != now.cycle:
            words = {True: "cycles", False: "ends"}
            why = "numbers are given twice" if now.cycle else "it ends instead of beginning anew"
            yield _changed("risky", thing, words[facts.cycle], words[now.cycle], why, name)
        if (facts.start, facts.minimum) != (now.start, now.minimum) or (
            facts.type != now.type and now.maximum >= facts.maximum
        ):
            before, after = (f"{one.type} from {one.start}, at least {one.minimum}" for one in (facts, now))
            yield _changed("harmless", thing, before, after, "numbers that were given stay", name)


def _functions(promised: Contract, found: Contract) -> Iterator[Difference]:
    yield from _absent("function", promised.functions, found.functions, "calls to it fail (42883)")
    yield from _new_functions(promised, found)
    facts: FunctionFacts
    for name, facts, now in _pairs(promised.functions, found.functions):
        yield from _owner("function", name, facts, now)
        yield from _function(f"function {shown(name)}", name, facts, now)
        yield from _behaviour(f"function {shown(name)}", name, facts, now)
        yield from _settings(f"function {shown(name)}", name, facts, now, found)
        yield from grants(f"function {shown(name)}", facts, now, exposed=now.definer, where=_data("function", name))


def _new_functions(promised: Contract, found: Contract) -> Iterator[Difference]:
    for name in found.functions.keys() - promised.functions.keys():
        facts = found.functions[name]
        if name.partition(".")[0] not in promised.schemas:
            continue
        thing, before = f"function {shown(name)}", "no such function"
        if facts.definer and facts.grants:
            why = f"{', '.join(facts.grants)} may call it, and it runs with the privileges of {facts.owner}"
            yield _changed("risky", thing, before, "a SECURITY DEFINER function", why, name)
        else:
            yield _changed("harmless", thing, before, "a function", "nothing relies on its absence", name)


def _function(thing: str, name: str, promised: FunctionFacts, found: FunctionFacts) -> Iterator[Difference]:
    if promised.returns != found.returns:
        why = "what reads its answer fails"
        yield _changed("breaking", thing, f"returns {promised.returns}", f"returns {found.returns}", why, name)
    if promised.arguments != found.arguments:
        why = "calls by name, or without an argument that had a default, fail (42883)"
        yield _changed("breaking", thing, f"({promised.arguments})", f"({found.arguments})", why, name)
    if promised.definer != found.definer:
        words = {True: "SECURITY DEFINER", False: "SECURITY INVOKER"}
        why = f"it runs with the privileges of {found.owner}, whoever calls it" if found.definer else (
            "it runs with its caller's privileges, which may not do (42501)"
        )  # fmt: skip
        yield _changed("breaking", thing, words[promised.definer], words[found.definer], why, name)
    if promised.search_path != found.search_path:
        before, after = (
            f"search_path {one.search_path}" if one.search_path else "no search_path" for one in (promised, found)
        )
        lost = found.definer and not found.search_path
        why = f"whoever calls it says which objects it finds, with the privileges of {found.owner}" if lost else (
            "names in it lead elsewhere"
        )  # fmt: skip
        yield _changed("breaking" if lost else "risky", thing, before, after, why, name)
    if promised.volatility != found.volatility:
        why = "plans, indexes and policies that rely on it are others"
        yield _changed("risky", thing, promised.volatility, found.volatility, why, name)
    if (promised.body, promised.language) != (found.body, found.language):
        before, after = (f"{one.language} {one.body}" for one in (promised, found))
        yield _changed("risky", thing, before, after, "it does something else than was pinned", name)


def _behaviour(thing: str, name: str, promised: FunctionFacts, found: FunctionFacts) -> Iterator[Difference]:
    """STRICT, LEAKPROOF and PARALLEL: what PostgreSQL may do with a call without, before or beside others."""
    if promised.strict != found.strict:
        words = {True: "STRICT", False: "CALLED ON NULL INPUT"}
        why = "a null argument gives null, and it is not run" if found.strict else (
            "it is run for null arguments, too, which it never met"
        )  # fmt: skip
        yield _changed("risky", thing, words[promised.strict], words[found.strict], why, name)
    if promised.leakproof != found.leakproof:
        words = {True: "LEAKPROOF", False: "NOT LEAKPROOF"}
        why = "it is called on rows that policies and security_barrier views hide" if found.leakproof else (
            "conditions that call it come after the policies: under row-level security no index serves them"
        )  # fmt: skip
        impact: Impact = "breaking" if found.leakproof else "risky"
        yield _changed(impact, thing, words[promised.leakproof], words[found.leakproof], why, name)
    if promised.parallel != found.parallel:
        freer = _PARALLEL.index(found.parallel) > _PARALLEL.index(promised.parallel)
        why = "parallel workers may call it, and fail where it writes or needs what its session holds (25000)" if (
            freer
        ) else "queries that call it are no longer run in parallel"  # fmt: skip
        before, now = (f"PARALLEL {one.parallel.upper()}" for one in (promised, found))
        yield _changed("risky", thing, before, now, why, name)


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
        yield _changed(impact, thing, said, found_text, why, name)


def _conditions(contract: Contract) -> Iterator[str]:
    for table in contract.tables.values():
        for policy in (*table.policies.values(), *table.partition_policies.values()):
            yield policy.using + policy.check
