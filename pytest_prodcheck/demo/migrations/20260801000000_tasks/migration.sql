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
