-- What the migrations of the goals and tasks application do not make: seed, grants and row-level security.
-- `owner` owns, `app` logs in and becomes `member`, `anonymous` or `service` per request, `reader` is the gate's.
create schema archive;

insert into users values
  ('11111111-1111-4111-8111-111111111111', 'Maja Member', 'maja@demo.test'),
  ('22222222-2222-4222-8222-222222222222', 'Carl Colleague', 'carl@demo.test');
insert into projects
  select ('00000000-0000-4000-8000-00000000000' || n)::uuid,
         case when n <= 2 then '11111111-1111-4111-8111-111111111111' else '22222222-2222-4222-8222-222222222222' end::uuid,
         'Project ' || n
  from generate_series(1, 3) n;
insert into tasks (user_id, project_id, title, done, due_on, metadata)
  select p.owner_id, p.id, p.name || ', task ' || n, n % 3 = 0, date '2030-01-01' + n, jsonb_build_object('label', 'l' || n)
  from projects p, generate_series(1, 8) n;

grant usage on schema public, archive to app, member, anonymous, service, reader;
grant select on users, projects, tasks, task_summary to member, service, reader;
grant select on _prisma_migrations to app, reader;
grant insert on tasks to member;

alter table users enable row level security;
alter table users force row level security;
alter table projects enable row level security;
alter table projects force row level security;
alter table tasks enable row level security;
alter table tasks force row level security;
create policy own on users for select to member
  using (id = (select nullif(current_setting('app.user_id', true), '')::uuid));
create policy own on projects for select to member
  using (owner_id = (select nullif(current_setting('app.user_id', true), '')::uuid));
create policy own on tasks to member
  using (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid))
  with check (user_id = (select nullif(current_setting('app.user_id', true), '')::uuid));
create policy trusted on users for select to service, reader using (true);
create policy trusted on projects for select to service, reader using (true);
create policy trusted on tasks for select to service, reader using (true);
