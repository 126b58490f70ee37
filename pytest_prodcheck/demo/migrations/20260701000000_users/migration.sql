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
create index projects_owner_id on projects (owner_id);
