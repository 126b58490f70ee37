-- The goals and tasks application: three tables under row-level security, a view, and the migrations table.
-- `owner` owns, `app` logs in and becomes `member`, `anonymous` or `service` per request, `reader` is the gate's.
create table users (
  id uuid primary key,
  name text not null,
  email text not null unique
);
create table projects (
  id uuid primary key,
  owner_id uuid not null references users,
  name text not null
);
create table tasks (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users,
  project_id uuid not null references projects,
  title text not null,
  done boolean not null default false,
  due_on date,
  priority int not null default 3,
  metadata jsonb not null default '{}'
);
create index tasks_user_id on tasks (user_id);
create index tasks_project_id on tasks (project_id);
create index projects_owner_id on projects (owner_id);
create view task_summary with (security_invoker = true) as
  select user_id, count(*)::int as total, count(*) filter (where done)::int as finished from tasks group by user_id;
create table alembic_version (version_num text primary key);
create schema archive;

insert into alembic_version values ('0002_tasks');
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
grant select on alembic_version to app, reader;
grant insert on tasks to member;

alter table users enable row level security;
alter table users force row level security;
alter table projects enable row level security;
alter table projects force row level security;
alter table tasks enable row level security;
alter table tasks force row level security;
create policy own on users for select to member
  using (id = nullif(current_setting('app.user_id', true), '')::uuid);
create policy own on projects for select to member
  using (owner_id = nullif(current_setting('app.user_id', true), '')::uuid);
create policy own on tasks to member
  using (user_id = nullif(current_setting('app.user_id', true), '')::uuid)
  with check (user_id = nullif(current_setting('app.user_id', true), '')::uuid);
create policy trusted on users for select to service, reader using (true);
create policy trusted on projects for select to service, reader using (true);
create policy trusted on tasks for select to service, reader using (true);
