"""What differs beside the tables, and what it breaks: schemas, extensions, types, sequences, functions, roles.

(A24, A33, C14, C15, E15)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_prodcheck.criteria import contract_functions
from pytest_prodcheck.criteria.contract_change import (
    OBJECT_CHANGED,
    RLS_BYPASSED,
    SCHEMA_MISSING,
    Difference,
    Facts,
    Impact,
    absent,
    apart,
    changed,
    cut,
    owner_changed,
    pairs,
    placed,
    shown,
)
from pytest_prodcheck.criteria.contract_grants import differences as grants
from pytest_prodcheck.observe.contract import (
    Contract,
    ExtensionFacts,
    RoleFacts,
    SchemaFacts,
    SequenceFacts,
    TypeFacts,
)

_ROLE_MISSING, _NO_LOGIN = "database.auth.role_missing", "database.auth.role_nologin"


def differences(promised: Contract, found: Contract) -> Iterator[Difference]:
    """All that differs beside the tables."""
    yield from _roles(promised, found)
    yield from _schemas(promised, found)
    yield from _extensions(promised.extensions, found.extensions)
    yield from _types(promised, found)
    yield from _sequences(promised, found)
    yield from contract_functions.differences(promised, found)


def _added(kind: str, promised: Facts, found: Facts, schemas: Facts) -> Iterator[Difference]:
    for name in found.keys() - promised.keys():
        if name.partition(".")[0] in schemas:
            why = "nothing relies on its absence"
            data = placed(kind, name)
            yield Difference(
                "harmless", f"{kind} {shown(name)}", f"no such {kind}", f"a {kind}", why, OBJECT_CHANGED, data
            )


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
    yield from absent("schema", promised.schemas, found.schemas, "every name in it fails (3F000)", SCHEMA_MISSING)
    for name in found.schemas.keys() - promised.schemas.keys():
        why = "nothing relies on its absence; what is in it is not judged"
        yield changed("harmless", f"schema {name}", "no such schema", "a schema", why, name)
    facts: SchemaFacts
    for name, facts, now in pairs(promised.schemas, found.schemas):
        yield from owner_changed("schema", name, facts, now)
        yield from grants(f"schema {name}", facts, now, exposed=False, where=placed("schema", name))


def _extensions(promised: Mapping[str, ExtensionFacts], found: Mapping[str, ExtensionFacts]) -> Iterator[Difference]:
    yield from absent("extension", promised, found, "its functions, types and operators are gone")
    for name in found.keys() - promised.keys():
        why = "nothing relies on its absence"
        yield changed("harmless", f"extension {name}", "not installed", found[name].version, why, name)
    for name, facts, now in pairs(promised, found):
        thing = f"extension {name}"
        if facts.version != now.version:
            yield changed("risky", thing, facts.version, now.version, "it may behave otherwise", name)
        if facts.schema != now.schema:
            why = "names that are qualified, or not, lead elsewhere"
            yield changed("risky", thing, f"in schema {facts.schema}", f"in schema {now.schema}", why, name)


def _types(promised: Contract, found: Contract) -> Iterator[Difference]:
    yield from absent("type", promised.types, found.types, "casts to it fail (42704)")
    yield from _added("type", promised.types, found.types, promised.schemas)
    facts: TypeFacts
    for name, facts, now in pairs(promised.types, found.types):
        yield from owner_changed("type", name, facts, now)
        yield from _labels(name, facts, now)
        thing = f"domain {shown(name)}"
        if facts.base != now.base:
            why = "values of the promised type are refused or mean something else"
            yield changed("breaking", thing, facts.base, now.base, why, name)
        if facts.default != now.default:
            why = "rows that give none get another value"
            yield changed(
                "risky", thing, f"default {facts.default or 'none'}", f"default {now.default or 'none'}", why, name
            )
        yield from _attributes(name, facts, now)
        if facts.checks != now.checks:
            before, after = (cut("; ".join(one.checks.values()) or "no check") for one in (facts, now))
            yield changed("risky", thing, before, after, "other values are refused, or let through", name)


def _attributes(name: str, promised: TypeFacts, found: TypeFacts) -> Iterator[Difference]:
    if promised.attributes == found.attributes:
        return
    before, now = apart(*(", ".join(one.attributes) for one in (promised, found)))
    thing, lost = f"composite type {shown(name)}", {*promised.attributes} - {*found.attributes}
    if lost:
        why = f"what reads {', '.join(sorted(lost))} fails, or gets values of another type"
        yield changed("breaking", thing, before, now, why, name)
    elif {*found.attributes} == {*promised.attributes}:
        yield changed("risky", thing, before, now, "a ROW() puts its values elsewhere", name)
    else:
        why = "a ROW() of the promised values, and what returns one, fails (42846, 42804)"
        yield changed("risky", thing, before, now, why, name)


def _labels(name: str, promised: TypeFacts, found: TypeFacts) -> Iterator[Difference]:
    thing = f"enum {shown(name)}"
    lost = [label for label in promised.labels if label not in found.labels]
    new = [label for label in found.labels if label not in promised.labels]
    before, now = cut(", ".join(promised.labels)), cut(", ".join(found.labels))
    if lost:
        yield changed("breaking", thing, before, now, f"{', '.join(lost)} is refused (22P02)", name)
    if new:
        why = f"code that knows all labels meets {', '.join(new)}"
        yield changed("risky", thing, before, now, why, name)
    if not lost and not new and promised.labels != found.labels:
        yield changed("risky", thing, before, now, "values sort and compare otherwise", name)


def _sequences(promised: Contract, found: Contract) -> Iterator[Difference]:
    yield from absent(
        "sequence", promised.sequences, found.sequences, "rows that take their number from it fail (42P01)"
    )
    yield from _added("sequence", promised.sequences, found.sequences, promised.schemas)
    facts: SequenceFacts
    for name, facts, now in pairs(promised.sequences, found.sequences):
        thing = f"sequence {shown(name)}"
        yield from owner_changed("sequence", name, facts, now)
        yield from grants(thing, facts, now, exposed=False, where=placed("sequence", name))
        if now.maximum < facts.maximum:
            why = "it ends earlier (2200H)"
            yield changed("breaking", thing, f"up to {facts.maximum}", f"up to {now.maximum}", why, name)
        if facts.increment != now.increment:
            why = "numbers that others reserve may be given twice"
            yield changed("risky", thing, f"steps of {facts.increment}", f"steps of {now.increment}", why, name)
        if facts.cycle != now.cycle:
            words = {True: "cycles", False: "ends"}
            why = "numbers are given twice" if now.cycle else "it ends instead of beginning anew"
            yield changed("risky", thing, words[facts.cycle], words[now.cycle], why, name)
        if (facts.start, facts.minimum) != (now.start, now.minimum) or (
            facts.type != now.type and now.maximum >= facts.maximum
        ):
            before, after = (f"{one.type} from {one.start}, at least {one.minimum}" for one in (facts, now))
            yield changed("harmless", thing, before, after, "numbers that were given stay", name)
