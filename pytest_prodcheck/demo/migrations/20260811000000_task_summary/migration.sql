create view task_summary with (security_invoker = true) as
  select user_id, count(*)::int as total, count(*) filter (where done)::int as finished from tasks group by user_id;
