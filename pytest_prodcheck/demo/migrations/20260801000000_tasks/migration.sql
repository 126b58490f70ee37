create table tasks (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users,
  project_id uuid not null references projects,
  title text not null,
  done boolean not null default false,
  due_on date,
  priority int not null default 3,
  metadata jsonb not null default jsonb_build_object()
);
create index tasks_user_id on tasks (user_id);
create index tasks_project_id on tasks (project_id);
create function stamp() returns trigger language plpgsql set search_path = pg_catalog as
  'begin new.metadata = new.metadata || jsonb_build_object(''changed'', now()); return new; end';
create trigger tasks_stamp before update on tasks for each row execute function stamp();
