"""The statements of one reading of the server's statistics (PostgreSQL manual, 28.2 and 53), sent in one message.

They run on PostgreSQL 13 and later; columns that came later are taken out of `to_jsonb(row)`, which has them or not. No
text of a statement is read: it may hold data. Nothing here waits for a lock on a table: pg_relation_size() would.
"""

# ruff: noqa: E501  (a statement is read as it is sent)
from __future__ import annotations

_PRIVILEGED = (
    "(pg_has_role('pg_read_all_stats', 'USAGE') or (select rolsuper from pg_roles where rolname = current_user))"
)
_USERS = "n.nspname <> 'information_schema' and n.nspname !~ '^pg_'"
_OURS = "coalesce(a.application_name, '') not like 'prodcheck/%'"
_HERE = "a.datname = current_database() and a.pid <> pg_backend_pid()"

_RECEIVES = "exists (select from pg_stat_wal_receiver)"
"""Else all that was received is replayed, and nothing more will be received. Who may not see the row sees its pid."""

_READ_ONLY = """exists (select from pg_settings where name = 'default_transaction_read_only' and setting = 'on'
  and source not in ('user', 'database user', 'client', 'session'))
 or exists (select from pg_db_role_setting where setrole = 0
  and setdatabase in (0, (select oid from pg_database where datname = current_database()))
  and 'default_transaction_read_only=on' = any (setconfig))"""
"""Of everybody: a careful reader has it for itself alone."""

SERVER = f"""select current_user::text, {_PRIVILEGED}, pg_is_in_recovery(),
 {_READ_ONLY},
 case when pg_is_in_recovery() then case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
   and {_RECEIVES} then 0
  else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()) end end::float8,
 {_RECEIVES},
 pg_database_size(current_database()), s.blks_hit, s.blks_read, coalesce(s.checksum_failures, 0),
 extract(epoch from clock_timestamp() - coalesce(s.stats_reset, pg_postmaster_start_time()))::float8,
 (select array[d.datname::text, age(d.datfrozenxid)::text] from pg_database d order by age(d.datfrozenxid) desc limit 1),
 (select count(*)::int from pg_stat_activity a where {_HERE} and a.state is null and a.backend_type is null)
 from pg_stat_database s where s.datname = current_database()"""

CLIENTS = f"""select a.pid, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(a.state, ''),
 extract(epoch from clock_timestamp() - a.xact_start)::float8,
 case when a.state like 'idle in transaction%' then extract(epoch from clock_timestamp() - a.state_change) end::float8
 from pg_stat_activity a where {_HERE} and {_OURS} and a.backend_type = 'client backend' and a.xact_start is not null
 order by a.xact_start limit 50"""

WAITS = f"""select w.pid, coalesce(a.application_name, ''),
 extract(epoch from clock_timestamp() - coalesce((to_jsonb(w)->>'waitstart')::timestamptz, a.state_change))::float8,
 w.mode || coalesce(' on ' || n.nspname || '.' || c.relname, ' on ' || w.locktype), pg_blocking_pids(w.pid),
 coalesce('pid ' || b.pid || coalesce(' (' || nullif(b.application_name, '') || ')', '')
  || coalesce(', ' || b.state, ''), 'pid ' || (pg_blocking_pids(w.pid))[1], ''),
 extract(epoch from clock_timestamp() - b.xact_start)::float8
 from pg_locks w join pg_stat_activity a on a.pid = w.pid
 left join pg_class c on c.oid = w.relation and w.database = (select oid from pg_database where datname = current_database())
 left join pg_namespace n on n.oid = c.relnamespace
 left join pg_stat_activity b on b.pid = (pg_blocking_pids(w.pid))[1]
 where not w.granted and {_HERE} and {_OURS} order by 3 desc nulls last limit 20"""

REPLICAS = """select coalesce(r.application_name, ''), coalesce(r.state, ''), extract(epoch from r.replay_lag)::float8,
 pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end,
  r.replay_lsn)::int8 from pg_stat_replication r"""

SLOTS = """select s.slot_name::text, s.active, coalesce(pg_wal_lsn_diff(case when pg_is_in_recovery()
 then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end, s.restart_lsn), 0)::int8 from pg_replication_slots s
 where not s.temporary"""

INDEXES = f"""select n.nspname || '.' || x.relname, n.nspname || '.' || t.relname,
 exists (select from pg_stat_progress_create_index p where p.index_relid = i.indexrelid or p.relid = i.indrelid)
 from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
 join pg_namespace n on n.oid = t.relnamespace where {_USERS} and not (i.indisvalid and i.indisready) order by 1 limit 100"""

CONSTRAINTS = f"""select k.conname::text, n.nspname || '.' || t.relname,
 case k.contype when 'f' then 'foreign key' when 'c' then 'check' else 'constraint' end
 from pg_constraint k join pg_class t on t.oid = k.conrelid join pg_namespace n on n.oid = t.relnamespace
 where {_USERS} and not k.convalidated and k.conparentid = 0
  and coalesce((to_jsonb(k)->>'conenforced')::bool, true) order by 2, 1 limit 100"""

_LIVE = "greatest(u.n_live_tup, t.reltuples::int8)"

TABLES = f"""select u.schemaname || '.' || u.relname, {_LIVE}, u.n_dead_tup, u.seq_scan, coalesce(u.idx_scan, 0),
 u.last_analyze is not null or u.last_autoanalyze is not null or t.reltuples > 0, t.relpages::int8 * current_setting('block_size')::int8
 from pg_stat_user_tables u join pg_class t on t.oid = u.relid
 where greatest({_LIVE}, u.n_dead_tup) >= {{large}} order by 7 desc limit 500"""

UNINDEXED = f"""select k.conname::text, u.schemaname || '.' || u.relname,
 (select string_agg(c.attname, ', ' order by o) from unnest(k.conkey) with ordinality l(n, o)
  join pg_attribute c on c.attrelid = k.conrelid and c.attnum = l.n), {_LIVE}, u.seq_scan, coalesce(u.idx_scan, 0)
 from pg_constraint k join pg_class t on t.oid = k.conrelid join pg_stat_user_tables u on u.relid = k.conrelid
 where k.contype = 'f' and k.conparentid = 0 and {_LIVE} >= {{large}} and not exists (
  select from pg_index i where i.indrelid = k.conrelid and i.indisvalid and i.indpred is null
   and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey) order by 2, 1 limit 100"""

STATEMENTS = """select coalesce(s.queryid::text, ''), s.calls, s.mean_exec_time / 1000
 from {view} s where current_setting('pg_stat_statements.max', true) is not null
  and s.dbid = (select oid from pg_database where datname = current_database()) and s.calls >= 5
  and (s.queryid is null or s.mean_exec_time >= {least}) order by 3 desc limit 200"""
"""The first condition has no column: where the library is not loaded, the view is not even asked."""

ALWAYS = (SERVER, CLIENTS, WAITS, REPLICAS, SLOTS, INDEXES, CONSTRAINTS)
