"""`migrations`: what the repository holds is applied, whole and unchanged, and nothing else is (E14, C12, C13, B32).

Migrations rank above data as a cause (T19): a table or a column that the code misses is most often one that was never
migrated (R12).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_prodcheck.config.migrations.repository import Migration, Repository
from pytest_prodcheck.config.migrations.tools import TOOLS
from pytest_prodcheck.criteria import contents, privileges, row_security
from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.finding import Finding, Severity
from pytest_prodcheck.observe.migrations import Entry, Ledger

CRITERION = "migrations"
_CODE = "database.migration."
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Case:
    """One judgement: the tool's words, what it wrote, and how its ids are compared."""

    tool: str
    target: str
    ledger: Ledger
    severity: Severity

    @property
    def normal(self) -> Callable[[str], str]:
        return TOOLS[self.tool].normal

    def found(self, kind: str, message: str, subject: str = "", remedy: str = "", **data: object) -> Finding:
        facts = {"tool": self.tool, "migration": subject, "record": self.ledger.table, **data}
        return Finding(
            CRITERION, self.target, message, _CODE + kind, self.severity, seen=str(data.get("seen", "")),
            promised=str(data.get("head", "")), subject=subject, remedy=remedy, data=facts,
        )  # fmt: skip


def migrations(
    ledger: Ledger, tool: str, promised: Repository | Sequence[str], target: str, severity: Severity = "error"
) -> list[Finding]:
    """Findings where the tool's table does not say that `promised` is applied: the repository's migrations, or the
    heads that are pinned in their place. The migrations at fault are named."""
    case = _Case(tool, target, ledger, severity)
    if ledger.problem:
        return [
            Finding(
                CRITERION, target, f"the migrations cannot be judged: {ledger.problem}", _CODE + "unreadable",
                "insufficient", remedy=ledger.remedy,
                data={"tool": tool, "record": ledger.table, "lacks": ledger.lacks, "role": ledger.reader},
            )
        ]  # fmt: skip
    heads = promised.heads if isinstance(promised, Repository) else tuple(promised)
    if not ledger.entries:
        return [*_branched(case, promised), *_never_run(case, promised, heads), *_locked(case)]
    broken = [*_unfinished(case, promised), *_locked(case), *_branched(case, promised)]
    if isinstance(promised, Repository):
        return [*broken, *_edited(case, promised), *_against_files(case, promised, bool(broken))]
    return [*broken, *([] if broken else _against_heads(case, heads))]


def seen_whole(ledger: Ledger, catalog: Catalog) -> Ledger:
    """The ledger; where policies hide rows of the table from our reader, with that as its problem: what is hidden is
    neither applied nor missing. Where our reader may not read it, with what it lacks."""
    relation = catalog.relations.get(ledger.table)
    ledger = replace(ledger, reader=catalog.user)
    if ledger.problem and relation is not None and not relation.readable:
        return replace(ledger, lacks=privileges.lacking(catalog, catalog.user, relation))
    if ledger.lacks == row_security.SETTING:
        why, remedy = row_security.means(catalog.user), row_security.remedy(catalog.user, catalog.database)
        return replace(ledger, problem=f"{ledger.table} cannot be read: {why}", remedy=remedy)
    if ledger.problem or relation is None or contents.sees_all(catalog, relation):
        return ledger
    problem = f"policies of {relation.qualified} hide rows from {catalog.user}"
    remedy = f"a policy on {relation.typed} FOR SELECT TO {catalog.user} USING (true) is yours to create"
    return replace(ledger, problem=problem, remedy=remedy)


def asked(finding: Finding) -> Finding:
    """What a query in the tool's place gave instead of its answer: pending; a query that failed keeps its own cause."""
    if finding.code != "unknown":
        return replace(finding, criterion=CRITERION)
    message = f"the migrations are not where they are promised: expected {finding.promised}, found {finding.seen}"
    data = {name: value for name, value in finding.data.items() if name != "sql"}
    return replace(finding, criterion=CRITERION, message=message, code=_CODE + "pending", data=data)


def _never_run(case: _Case, promised: Repository | Sequence[str], heads: tuple[str, ...]) -> list[Finding]:
    number = len(promised.migrations) if isinstance(promised, Repository) else 0
    where = f"{case.ledger.table} is empty" if case.ledger.table else f"there is no table of {case.tool}"
    if case.ledger.empty:
        where = "the database is empty: it holds no table at all"
    waiting = f"; {number} are waiting, head {', '.join(heads)}" if number else f"; promised head {', '.join(heads)}"
    message = f"no migration was ever run: {where}{waiting}"
    return [case.found("never_run", message, head=", ".join(heads), remedy=_run(case, "check the database name first"))]


def _unfinished(case: _Case, promised: Repository | Sequence[str]) -> Iterator[Finding]:
    """What began and did not finish: nothing after it is applied until a person resolves it."""
    names = _names(promised)
    began = {case.normal(one.id) for one in _latest(case) if one.state in ("failed", "dirty")}
    missing = _missing(case, promised) if isinstance(promised, Repository) else []
    waiting = [one for one in missing if one.id not in began]
    blocks = f"; it blocks {_listed(waiting)}" if waiting else ""
    for entry in _latest(case):
        name = names.get(case.normal(entry.id), entry.id)
        how = f" ({entry.detail})" if entry.detail else ""
        if entry.state == "failed" and not case.ledger.locks:
            message = f"migration {name} began and did not finish{how}{blocks}"
            remedy = f"resolve {name} with {case.tool}, then run the rest; nothing after it is applied"
            yield case.found("failed", message, name, remedy)
        elif entry.state == "dirty":
            message = f"{case.ledger.table} is marked dirty at {name}: it did not finish{blocks}"
            remedy = f"find out what of {name} was done, then release the mark with {case.tool}"
            yield case.found("dirty", message, name, remedy)


def _locked(case: _Case) -> list[Finding]:
    if not case.ledger.locks:
        return []
    running = [entry.id for entry in _latest(case) if entry.state == "failed"]
    what = f"; {', '.join(running)} is under way or stuck" if running else ""
    message = f"the lock of {case.tool} is held: {case.ledger.locks[0]}{what}"
    remedy = "if no migration runs now, release the lock with the tool; until then none can run"
    return [case.found("locked", message, ", ".join(running), remedy, holder=case.ledger.locks[0])]


def _branched(case: _Case, promised: Repository | Sequence[str]) -> list[Finding]:
    branches = promised.branches if isinstance(promised, Repository) else ()
    remedy = "merge them in the repository (`alembic merge`, `makemigrations --merge`, another version number)"
    return [case.found("branched", f"the migrations are branched: {what}", remedy=remedy) for what in branches]


def _edited(case: _Case, repository: Repository) -> list[Finding]:
    """Applied with one text, in the repository with another; the first only, where a checksum covers those before."""
    sums = {case.normal(one.id): one.checksum for one in _latest(case) if one.state in ("applied", "baseline")}
    branched = Counter(one.id for one in repository.migrations)
    changed = [
        one.name
        for one in repository.migrations
        if one.checksum and not one.again and branched[one.id] == 1 and sums.get(one.id, "") not in ("", one.checksum)
    ]
    changed = changed[:1] if case.tool == "atlas" else changed
    if not changed:
        return []
    message = f"{_listed(changed)} {_was(changed)} edited after it was applied: the checksum differs from the file"
    remedy = f"restore {changed[0]} as it was applied, and write a new migration"
    return [case.found("edited", message, changed[0], remedy, edited=changed)]


def _against_files(case: _Case, repository: Repository, broken: bool) -> Iterator[Finding]:
    missing = _missing(case, repository)
    ahead = _unknown(case, repository)
    names = _names(repository)
    newest = _newest(case, names)
    head = ", ".join(repository.heads)
    if missing and not broken and not (ahead and case.tool == "alembic" and not _known(case, repository)):
        late = _late(case, missing)
        order = f"; {late} is older than what is applied: it was merged late" if late else ""
        count = "1 migration is" if len(missing) == 1 else f"{len(missing)} migrations are"
        message = f"{count} not applied: {_listed(missing)}; the database is at {newest}, the code at {head}{order}"
        yield case.found(
            "pending", message, missing[0].name, _run(case), seen=newest, head=head, pending=_named(missing)
        )
    if ahead:
        message = f"the database is ahead of the code: {_listed(ahead)} {_was(ahead)} applied and not in the repository"
        message += f" (head {head})"
        yield case.found("ahead", message, ahead[0], seen=newest, head=head)


def _against_heads(case: _Case, heads: tuple[str, ...]) -> Iterator[Finding]:
    """Without a folder only the newest is known: it must be the pinned one."""
    applied = [case.normal(one.id) for one in _latest(case) if one.state in ("applied", "baseline")]
    wanted = [case.normal(head) for head in heads]
    newest = _newest(case, {})
    missing = [head for head, identifier in zip(heads, wanted, strict=True) if not _holds(case, identifier, applied)]
    if missing:
        message = f"head {_listed(missing)} is not applied: the database is at {newest}"
        yield case.found(
            "pending", message, missing[0], _run(case), seen=newest, head=", ".join(heads), pending=missing
        )
    elif ends := [one for one in _ends(case, applied) if one not in wanted]:
        message = (
            f"the database is ahead of the code: it is at {', '.join(ends)}, the promised head is {', '.join(heads)}"
        )
        yield case.found("ahead", message, ends[0], seen=newest, head=", ".join(heads))


def _holds(case: _Case, identifier: str, applied: Sequence[str]) -> bool:
    """Whether the pinned id is among the applied, or before the newest where only that is kept."""
    if TOOLS[case.tool].newest_only:
        order = TOOLS[case.tool].order
        return any(order(one) >= order(identifier) for one in applied)
    return identifier in applied


def _ends(case: _Case, applied: Sequence[str]) -> list[str]:
    """What is newest: every row of Alembic, else the last one; Django has a chain for each app, and no newest."""
    if case.tool == "alembic":
        return list(applied)
    if case.tool == "django":
        return []
    return sorted(applied, key=TOOLS[case.tool].order)[-1:]


def _latest(case: _Case) -> Iterator[Entry]:
    """The last word of each id, in their order: what failed, was taken back and applied again is applied."""
    last: dict[str, Entry] = {}
    for entry in case.ledger.entries:
        key = case.normal(entry.id)
        before = last.get(key)
        if before is None or not (case.tool == "prisma" and before.state == "applied"):
            last.pop(key, None)
            last[key] = entry
    return iter(last.values())


def missing(ledger: Ledger, tool: str, repository: Repository) -> list[str]:
    """Names of the repository's migrations that are not applied, in their order; none where that cannot be told."""
    return [] if ledger.problem else [one.name for one in _missing(_Case(tool, "", ledger, "error"), repository)]


def _missing(case: _Case, repository: Repository) -> list[Migration]:
    """What is in the repository and does not count as applied."""
    rows = {case.normal(one.id): one for one in _latest(case) if one.state not in ("reverted",)}
    applied = _with_ancestors(rows, repository) if case.tool == "alembic" else set(rows)
    applied -= {identifier for identifier, entry in rows.items() if entry.state in ("failed", "dirty")}
    order = TOOLS[case.tool].order
    base = max((order(one) for one, entry in rows.items() if entry.state == "baseline"), default=None)
    if TOOLS[case.tool].newest_only:
        base = max((order(one) for one in rows), default=base)
    squashed = {name for one in repository.migrations if one.id in applied for name in one.replaces}
    return [
        one
        for one in repository.migrations
        if (one.again and _changed(one, rows.get(one.id)))
        or not (
            one.id in applied
            or one.id in squashed
            or (base is not None and not one.again and one.id not in rows and order(one.id) <= base)
            or (one.replaces and applied.issuperset(one.replaces))
        )
    ]


def _changed(one: Migration, entry: Entry | None) -> bool:
    return entry is not None and entry.checksum not in ("", one.checksum)


def _with_ancestors(rows: Iterable[str], repository: Repository) -> set[str]:
    parents = {one.id: one.parents for one in repository.migrations}
    reached: set[str] = set()
    waiting = list(rows)
    while waiting:
        identifier = waiting.pop()
        if identifier not in reached:
            reached.add(identifier)
            waiting += parents.get(identifier, ())
    return reached


def _unknown(case: _Case, repository: Repository) -> list[str]:
    """What is applied and in no file; of Django only of the repository's own apps, of Flyway not what is repeated."""
    known = {one.id for one in repository.migrations} | {name for one in repository.migrations for name in one.replaces}
    apps = {one.id.partition(".")[0] for one in repository.migrations} if case.tool == "django" else set()
    databases = {one.id.partition("/")[0] for one in repository.migrations} if case.tool == "hasura" else set()
    return [
        entry.id
        for entry in _latest(case)
        if entry.state == "applied"
        and case.normal(entry.id) not in known
        and (not apps or entry.id.partition(".")[0] in apps)
        and (not databases or entry.id.partition("/")[0] in databases)
    ]


def _known(case: _Case, repository: Repository) -> bool:
    known = {one.id for one in repository.migrations}
    return any(case.normal(entry.id) in known for entry in case.ledger.entries)


def _late(case: _Case, missing: Sequence[Migration]) -> str:
    """The first missing one that is older than an applied one; Alembic and Django order by their files' own words."""
    if case.tool in ("alembic", "django", "liquibase") or TOOLS[case.tool].newest_only:
        return ""
    order = TOOLS[case.tool].order
    newest = max((order(case.normal(one.id)) for one in _latest(case) if one.state == "applied"), default=None)
    return next((one.name for one in missing if newest is not None and not one.again and order(one.id) < newest), "")


def _newest(case: _Case, names: dict[str, str]) -> str:
    applied = [case.normal(one.id) for one in _latest(case) if one.state in ("applied", "baseline")]
    if case.tool not in ("alembic", "django", "liquibase"):
        applied = sorted(applied, key=TOOLS[case.tool].order)
    shown = applied if case.tool == "alembic" else applied[-1:]
    return ", ".join(names.get(one, one) for one in shown) or "nothing"


def _names(promised: Repository | Sequence[str]) -> dict[str, str]:
    return {one.id: one.name for one in promised.migrations} if isinstance(promised, Repository) else {}


def _named(migrations: Sequence[Migration]) -> list[str]:
    return [one.name for one in migrations]


def _listed(things: Sequence[Migration] | Sequence[str]) -> str:
    names = [one if isinstance(one, str) else one.name for one in things]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _was(things: Sequence[object]) -> str:
    return "was" if len(things) == 1 else "were"


def _run(case: _Case, also: str = "") -> str:
    return f"run the migration job ({TOOLS[case.tool].run})" + (f"; {also}" if also else "")
