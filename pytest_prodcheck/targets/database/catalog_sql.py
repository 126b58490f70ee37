"""The statements of the catalog snapshot, sent together in one message: one round trip, whatever the number of tables.

They read only what any role may read (PostgreSQL manual, chapter 53), and run on PostgreSQL 12 and later: columns that
came later are taken out of `to_jsonb(row)`, which has them or not.
"""

from __future__ import annotations

USERS = "n.nspname <> 'information_schema' and n.nspname !~ '^pg_'"
OF_EXTENSION = (
    "exists (select from pg_depend d where d.classid = '{}'::regclass and d.objid = {}.oid and d.deptype = 'e')"
)

SERVER = """select current_database()::text, current_user::text, current_setting('server_version_num')::int,
 current_schemas(true)::text[], pg_is_in_recovery(),
 (select json_object_agg(s, current_setting(s, true)) from unnest(array['max_connections',
  'superuser_reserved_connections', 'reserved_connections', 'default_transaction_read_only', 'ssl',
  'standard_conforming_strings', 'search_path', 'row_security', 'server_version', 'TimeZone']) s
  where current_setting(s, true) is not null)"""

SCHEMAS = f"""select n.nspname::text, pg_get_userbyid(n.nspowner)::text, n.nspacl::text[] from pg_namespace n
 where {USERS}"""

RELATIONS = f"""select c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text,
 pg_get_userbyid(c.relowner)::text, c.relrowsecurity, c.relforcerowsecurity,
 has_schema_privilege(n.oid, 'USAGE') and (has_table_privilege(c.oid, 'SELECT')
  or (c.relkind <> 'S' and has_any_column_privilege(c.oid, 'SELECT'))),
 c.relacl::text[],
 case when c.relispartition then (select inhparent::int8 from pg_inherits where inhrelid = c.oid) end,
 coalesce(c.reloptions::text ~* 'security_invoker=(on|true|yes|1)', false)
 from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where {USERS} and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')"""

COLUMNS = f"""select a.attrelid::int8, array_agg(a.attname::text order by a.attnum),
 array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum), array_agg(not a.attnotnull order by a.attnum)
 from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
 where {USERS} and c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped group by 1"""

COLUMN_GRANTS = """select a.attrelid::int8, array_agg(g::text)
 from pg_attribute a, unnest(a.attacl) g where a.attacl is not null and a.attrelid >= 16384 group by 1"""

KEYS = f"""select k.conrelid::int8, k.conname::text, k.contype::text, pg_get_constraintdef(k.oid), k.convalidated
 from pg_constraint k join pg_namespace n on n.oid = k.connamespace
 left join pg_constraint w on w.oid = k.conparentid
 where {USERS} and k.contype in ('p', 'u', 'f') and k.conrelid <> 0 and w.conrelid is distinct from k.conrelid
 order by k.conrelid, k.conname"""
"""A foreign key to a partitioned table has one more for each of its partitions, which are the same key."""

POLICIES = r"""select p.polrelid::int8, p.polname::text, p.polcmd::text, p.polpermissive,
 (select array_agg(case r when 0 then 'public' else pg_get_userbyid(r)::text end) from unnest(p.polroles) r),
 pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
 case when concat(p.polqual, p.polwithcheck) like '%:relid %' then
  (select array_agg(distinct m[1]::int8)
   from regexp_matches(concat(p.polqual, p.polwithcheck), ':relid (\d+)', 'g') m) end
 from pg_policy p order by p.polrelid, p.polname"""

_POLICY_FUNCTIONS = """select n.nspname::text, f.proname::text, f.provolatile::text, f.prosecdef,
 case when l.lanname <> 'sql' then '' when to_jsonb(f)->>'prosqlbody' is null then f.prosrc else {definition} end,
 array_agg(p.polrelid::int8), array_agg(p.polname::text)
 from pg_depend d join pg_policy p on p.oid = d.objid join pg_proc f on f.oid = d.refobjid
 join pg_namespace n on n.oid = f.pronamespace join pg_language l on l.oid = f.prolang
 where d.classid = 'pg_policy'::regclass and d.refclassid = 'pg_proc'::regclass group by f.oid, 1, 2, 3, 4, 5"""
POLICY_FUNCTIONS = _POLICY_FUNCTIONS.format(definition="pg_get_functiondef(f.oid)")
"""Functions that policies call. The body of one in standard SQL is kept as a tree; deparsing it waits for locked
tables."""

ROLES = """select r.rolname::text, r.rolsuper, r.rolbypassrls, r.rolcanlogin, r.rolconnlimit,
 case when isfinite(r.rolvaliduntil) then to_char(r.rolvaliduntil at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') end,
 r.rolconfig from pg_roles r order by 1"""

MEMBERSHIPS = """select m.rolname::text, g.rolname::text,
 bool_or(coalesce((to_jsonb(a)->>'inherit_option')::bool, m.rolinherit))
 from pg_auth_members a join pg_roles m on m.oid = a.member join pg_roles g on g.oid = a.roleid group by 1, 2"""

SETTINGS = """select coalesce(r.rolname::text, ''), s.setconfig from pg_db_role_setting s
 left join pg_roles r on r.oid = s.setrole
 where s.setdatabase = (select oid from pg_database where datname = current_database())"""

FUNCTIONS = f"""select n.nspname || '.' || p.proname,
 max(case p.provolatile when 'v' then 3 when 's' then 2 else 1 end),
 bool_or(p.prosecdef), bool_and({OF_EXTENSION.format("pg_proc", "p")})
 from pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where n.nspname not in ('pg_catalog', 'information_schema') group by 1"""

OPERATORS = f"""select distinct o.oprname::text from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
 where n.nspname <> 'pg_catalog' and not {OF_EXTENSION.format("pg_operator", "o")}"""

TYPES = f"""with recursive risky(oid) as (
 select t.oid from pg_type t join pg_namespace n on n.oid = t.typnamespace
 where {USERS} and not {OF_EXTENSION.format("pg_type", "t")} and (
  (t.typtype = 'b' and t.typinput::oid >= 16384)
  or exists (select from pg_constraint k join pg_depend d on d.classid = 'pg_constraint'::regclass and d.objid = k.oid
             where k.contypid = t.oid and d.refclassid = 'pg_proc'::regclass))
 union select p.whole from risky r join (
  select typbasetype part, oid whole from pg_type where typbasetype <> 0
  union all select typelem, oid from pg_type where typelem <> 0
  union all select rngsubtype, rngtypid from pg_range
  union all select a.atttypid, c.reltype from pg_attribute a join pg_class c on c.oid = a.attrelid
   where a.atttypid >= 16384 and a.attnum > 0 and not a.attisdropped and c.reltype <> 0) p on p.part = r.oid)
 select n.nspname || '.' || t.typname, array(
  select distinct r.ev_class::int8 from pg_depend d join pg_rewrite r on r.oid = d.objid
  where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_type'::regclass and d.refobjid = t.oid)
 from risky join pg_type t using (oid) join pg_namespace n on n.oid = t.typnamespace"""
"""Types that run a user's function when a value of theirs is made, and those that contain them; the views that cast to
each."""

CASTS = f"""select sn.nspname || '.' || s.typname, tn.nspname || '.' || t.typname, pn.nspname || '.' || p.proname,
 c.castcontext = 'i' from pg_cast c join pg_proc p on p.oid = c.castfunc join pg_namespace pn on pn.oid = p.pronamespace
 join pg_type s on s.oid = c.castsource join pg_namespace sn on sn.oid = s.typnamespace
 join pg_type t on t.oid = c.casttarget join pg_namespace tn on tn.oid = t.typnamespace
 join pg_language l on l.oid = p.prolang
 where c.castfunc >= 16384 and l.lanname <> 'internal' and (c.castsource >= 16384 or c.casttarget >= 16384)
  and not {OF_EXTENSION.format("pg_cast", "c")}"""

VIEW_READS = """select distinct r.ev_class::int8, d.refobjid::int8 from pg_rewrite r
 join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
 where r.ev_type = '1' and r.ev_class >= 16384 and d.refclassid = 'pg_class'::regclass and d.refobjid <> r.ev_class"""

VIEW_CALLS = rf"""select distinct v.ev_class::int8, n.nspname::text, p.proname::text, p.provolatile::text, p.prosecdef,
 {OF_EXTENSION.format("pg_proc", "p")}
 from (select r.ev_class,
        (regexp_matches(r.ev_action::text, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\d+)', 'g'))[1]::oid f
       from pg_rewrite r join pg_class c on c.oid = r.ev_class
       where r.ev_type = '1' and r.ev_class >= 16384 and not {OF_EXTENSION.format("pg_class", "c")}) v
 join pg_proc p on p.oid = v.f join pg_namespace n on n.oid = p.pronamespace
 where p.provolatile = 'v' or p.prosecdef or n.nspname not in ('pg_catalog', 'information_schema')
  or p.proname like '%\_to\_xml%'"""

CHILDREN = "select inhparent::int8, inhrelid::int8 from pg_inherits"

CONNECTIONS = """select coalesce(application_name, ''), coalesce(usename::text, ''), count(*)::int from pg_stat_activity
 where datid is not null and coalesce(backend_type, 'client backend') = 'client backend' group by 1, 2"""

ALL = (
    SERVER,
    SCHEMAS,
    RELATIONS,
    COLUMNS,
    COLUMN_GRANTS,
    KEYS,
    POLICIES,
    POLICY_FUNCTIONS,
    ROLES,
    MEMBERSHIPS,
    SETTINGS,
    FUNCTIONS,
    OPERATORS,
    TYPES,
    CASTS,
    VIEW_READS,
    VIEW_CALLS,
    CHILDREN,
    CONNECTIONS,
)
"""In the order in which `snapshot` takes their answers."""

LOCKED_RELATIONS = """(select l.relation from pg_locks l where l.granted and l.mode = 'AccessExclusiveLock'
  and l.relation >= 16384 and l.database = (select oid from pg_database where datname = current_database()))"""

LOCKED = f"""select distinct n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'm') and c.oid in {LOCKED_RELATIONS}"""
"""Tables that nobody can read now; `pg_get_expr` waits for them."""

_UNLOCKED = f""" where p.polrelid not in {LOCKED_RELATIONS} and not exists (
  select from regexp_matches(concat(p.polqual, p.polwithcheck), ':relid (\\d+)', 'g') m
  where m[1]::oid in {LOCKED_RELATIONS})
 order by"""

_REPLACED = {
    POLICIES: POLICIES.replace(" order by", _UNLOCKED),
    POLICY_FUNCTIONS: _POLICY_FUNCTIONS.format(definition="''"),
}
WITHOUT_LOCKED = tuple(_REPLACED.get(one, one) for one in ALL)
"""The same statements; the policies that would have to wait are left out."""
