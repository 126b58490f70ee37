"""The further statements of the snapshot where `database.lint` is declared; sent with the others, in one message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_prodcheck.observe.lint_facts import Extension, ForeignKey, Index, LintFacts, Routine, Rows
from pytest_prodcheck.targets.database import catalog_sql

Row = tuple[Any, ...]
_USERS = "n.nspname <> 'information_schema' and n.nspname !~ '^pg_'"

INDEXES = f"""select i.indrelid::int8, c.relname::text,
 array(select coalesce(a.attname::text, '') from unnest(i.indkey::int2[]) with ordinality k(number, place)
  left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number and k.number > 0
  where place <= i.indnkeyatts order by place),
 i.indisunique or i.indisexclusion, i.indpred is not null, i.indisvalid,
 regexp_replace(pg_get_indexdef(i.indexrelid), ' INDEX .* ON ', ' INDEX ON '),
 coalesce(pg_stat_get_numscans(i.indexrelid), 0)::int8
 from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
 where {_USERS} order by 1, 2"""

FOREIGN_KEYS = f"""select k.conrelid::int8, k.conname::text,
 array(select a.attname::text from unnest(k.conkey) with ordinality c(number, place)
  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = c.number order by place), k.confrelid::int8
 from pg_constraint k join pg_namespace n on n.oid = k.connamespace
 where {_USERS} and k.contype = 'f' and k.conparentid = 0 order by 1, 2"""

ROUTINES = f"""select n.nspname::text, p.proname::text, pg_get_function_identity_arguments(p.oid), p.prosecdef,
 exists (select from unnest(p.proconfig) s where s like 'search_path=%'),
 p.prorettype in ('trigger'::regtype, 'event_trigger'::regtype), pg_get_userbyid(p.proowner)::text, p.proacl::text[]
 from pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where {_USERS} and p.prokind in ('f', 'p') and not exists (
  select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
 order by 1, 2, 3"""

EXTENSIONS = """select e.extname::text, n.nspname::text, e.extversion, coalesce(a.default_version, '')
 from pg_extension e join pg_namespace n on n.oid = e.extnamespace
 left join pg_available_extensions() a on a.name = e.extname order by 1"""

ROWS = "select s.relid::int8, s.n_live_tup::int8, s.n_dead_tup::int8 from pg_stat_user_tables s order by 1"

SINCE = """select extract(epoch from now() - greatest(pg_postmaster_start_time(),
 (select stats_reset from pg_stat_database where datname = current_database())))::float8"""

COLUMN_GRANTS = """select a.attrelid::int8, a.attname::text, a.attacl::text[] from pg_attribute a
 where a.attacl is not null and a.attrelid >= 16384 and not a.attisdropped"""

ALL = (INDEXES, FOREIGN_KEYS, ROUTINES, EXTENSIONS, ROWS, COLUMN_GRANTS, SINCE)
"""In the order in which `facts` takes their answers."""

WITHOUT_LOCKED = tuple(
    INDEXES.replace(" order by 1, 2", f" and i.indrelid not in {catalog_sql.LOCKED_RELATIONS} order by 1, 2")
    if one is INDEXES
    else one
    for one in ALL
)
"""The same statements; `pg_get_indexdef` waits for a locked table, whose indexes are left out."""


def facts(answers: Sequence[list[Row]], names: Mapping[int, str]) -> LintFacts:
    """The answers as data; `names` are the relations' by oid."""
    indexes, keys, routines, extensions, rows, grants, since = answers
    return LintFacts(
        tuple(Index(names[oid], name, tuple(cols), *rest) for oid, name, cols, *rest in indexes if oid in names),
        tuple(
            ForeignKey(names[oid], name, tuple(columns), names[target])
            for oid, name, columns, target in keys
            if oid in names and target in names
        ),
        tuple(
            Routine(schema, name, arguments, definer, pinned, trigger, owner, tuple(acl or ()))
            for schema, name, arguments, definer, pinned, trigger, owner, acl in routines
        ),
        tuple(Extension(*row) for row in extensions),
        tuple(Rows(names[oid], live, dead) for oid, live, dead in rows if oid in names),
        {(names[oid], column): tuple(acl) for oid, column, acl in grants if oid in names},
        float(since[0][0] or 0.0),
    )
