"""The further statements of the contract snapshot; sent in the same message as the catalog's, where a contract is
declared. Each is a part of its own, so that one that our reader may not read leaves the others readable.

They run on PostgreSQL 13 and later. What an extension brought is the extension's, and left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.targets.database.catalog_sql import LOCKED_RELATIONS, OF_EXTENSION, USERS

PLAINLY = (
    "set local search_path = ''; set local quote_all_identifiers = off; set local datestyle = 'ISO, YMD'; "
    "set local intervalstyle = postgres; set local timezone = 'UTC'; set local bytea_output = hex; "
    "set local extra_float_digits = 1"
)
"""What the words of PostgreSQL depend on: two readers, or one reader on two days, shall get the same."""

_SQL_BODY_SINCE = 140000
"""SQL-standard function bodies: `prosrc` is empty there, and `pg_get_function_sqlbody` is new."""

_MARKS = """select objid::int8, 'extension' from pg_depend where classid = 'pg_class'::regclass and deptype = 'e'
 union all select oid::int8, 'unlogged' from pg_class where relpersistence = 'u' and relkind in ('r', 'p')
  and oid >= 16384
 union all select c.oid::int8, case when o.option_name <> 'security_barrier' then o.option_value
  when o.option_value::bool then o.option_name end
 from pg_class c, pg_options_to_table(c.reloptions) o
 where c.relkind = 'v' and o.option_name in ('security_barrier', 'check_option')"""
"""Relations that are an extension's, those that a crash empties, and what a view keeps: `security_barrier`, `local` or
`cascaded`."""

_DEFAULTS = f"""select a.attrelid::int8, a.attname::text, pg_get_expr(d.adbin, d.adrelid), a.attidentity::text,
 a.attgenerated::text, case when a.attcollation <> t.typcollation then
  (select l.collname::text from pg_collation l where l.oid = a.attcollation) end, a.attacl::text[]
 from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
 join pg_type t on t.oid = a.atttypid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where {USERS} and c.relkind in ('r', 'p', 'f', 'v', 'm') and a.attnum > 0 and not a.attisdropped
  and (a.atthasdef or a.attidentity <> '' or a.attacl is not null
   or (a.attcollation <> 0 and a.attcollation <> t.typcollation))"""

_CHECKS = f"""select k.conrelid::int8, k.conname::text, pg_get_constraintdef(k.oid)
 from pg_constraint k join pg_namespace n on n.oid = k.connamespace
 where {USERS} and k.contype in ('c', 'x') and k.conrelid <> 0"""

_INDEXES = f"""select i.indrelid::int8, c.relname::text, i.indisunique, i.indisvalid, pg_get_indexdef(i.indexrelid)
 from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
 where {USERS} and (not i.indisvalid or not exists (
  select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')))"""

_TRIGGERS = """select t.tgrelid::int8, t.tgname::text, t.tgenabled::text, pg_get_triggerdef(t.oid, true)
 from pg_trigger t where not t.tgisinternal and t.tgrelid >= 16384"""

_RULES = f"""select r.ev_class::int8, r.rulename::text, r.ev_enabled::text, pg_get_ruledef(r.oid)
 from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
 where {USERS} and r.rulename <> '_RETURN'"""

_IDLE = """with recursive idle(key, at) as (
 select t.tgconstraint, t.tgrelid from pg_trigger t
 where t.tgisinternal and t.tgenabled in ('D', 'R') and t.tgrelid >= 16384
 union select k.conparentid, i.at from idle i join pg_constraint k on k.oid = i.key where k.conparentid <> 0)
 select k.conrelid::int8, k.conname::text, i.at::int8 from idle i join pg_constraint k on k.oid = i.key"""
"""Keys whose own triggers are off (`DISABLE TRIGGER ALL`, on either of a foreign key's tables, or on a partition), and
where: still there, still "valid", and kept by nobody. A partition's key is, further up, its table's."""

_PARTITIONS = f"""select c.oid::int8, pg_get_expr(c.relpartbound, c.oid)
 from pg_class c join pg_namespace n on n.oid = c.relnamespace where {USERS} and c.relispartition"""

_DEFINITIONS = f"""select c.oid::int8, case c.relkind when 'p' then pg_get_partkeydef(c.oid) else
  pg_get_viewdef(c.oid) end
 from pg_class c join pg_namespace n on n.oid = c.relnamespace where {USERS} and c.relkind in ('v', 'm', 'p')"""

_SEQUENCES = f"""select n.nspname || '.' || c.relname, format_type(s.seqtypid, null), s.seqstart, s.seqincrement,
 s.seqmin, s.seqmax, s.seqcycle, pg_get_userbyid(c.relowner)::text, c.relacl::text[]
 from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
 where {USERS} and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
  and d.deptype in ('i', 'e'))"""

_TYPES = f"""select n.nspname || '.' || t.typname, pg_get_userbyid(t.typowner)::text,
 array(select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder),
 case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) || case when t.typnotnull then ' not null'
  else '' end end, t.typdefault,
 (select json_object_agg(k.conname, pg_get_constraintdef(k.oid)) from pg_constraint k where k.contypid = t.oid
  and k.contype = 'c'),
 array(select quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
   || coalesce((select ' collate ' || quote_ident(l.collname) from pg_collation l join pg_type b on b.oid = a.atttypid
    where l.oid = a.attcollation and a.attcollation <> b.typcollation), '')
  from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum)
 from pg_type t join pg_namespace n on n.oid = t.typnamespace
 left join pg_class c on c.oid = t.typrelid and c.relkind = 'c'
 where {USERS} and (t.typtype in ('e', 'd') or c.oid is not null) and not {OF_EXTENSION.format("pg_type", "t")}"""

_FUNCTIONS = f"""select n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')',
 coalesce(pg_get_function_result(p.oid), ''), pg_get_function_arguments(p.oid), l.lanname::text,
 pg_get_userbyid(p.proowner)::text, p.provolatile::text, p.prosecdef, p.proconfig,
 encode(sha256(convert_to({{body}}, 'UTF8')), 'hex'), p.proacl::text[], p.proisstrict, p.proleakproof,
 p.proparallel::text
 from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
 where {USERS} and not {OF_EXTENSION.format("pg_proc", "p")}"""

_EXTENSIONS = """select e.extname::text, e.extversion::text, n.nspname::text
 from pg_extension e join pg_namespace n on n.oid = e.extnamespace"""

MARKS = "marks"
WAITING = {
    "defaults": "a.attrelid", "checks": "k.conrelid", "indexes": "i.indrelid", "rules": "r.ev_class", "views": "c.oid",
    "partitions": "c.oid",
}  # fmt: skip
"""Parts whose words PostgreSQL only finds with a lock of its own, and the relation that it locks."""


def parts(version: int) -> Mapping[str, str]:
    """Part of a contract → the statement that reads it, for a server of this `server_version_num`."""
    body = "coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)" if version >= _SQL_BODY_SINCE else "p.prosrc"
    return {
        MARKS: _MARKS,
        "defaults": _DEFAULTS,
        "checks": _CHECKS,
        "indexes": _INDEXES,
        "triggers": _TRIGGERS,
        "idle": _IDLE,
        "rules": _RULES,
        "views": _DEFINITIONS,
        "partitions": _PARTITIONS,
        "sequences": _SEQUENCES,
        "types": _TYPES,
        "functions": _FUNCTIONS.format(body=body),
        "extensions": _EXTENSIONS,
    }


def without_locked(version: int) -> Mapping[str, str]:
    """The same, without what would have to wait for somebody's lock; `views` wait for the tables that they read, and
    are left out altogether."""
    found = dict(parts(version))
    for part, relation in WAITING.items():
        found[part] += f" and {relation} not in {LOCKED_RELATIONS}"
    del found["views"]
    return found
