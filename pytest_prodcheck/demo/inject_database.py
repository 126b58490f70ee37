"""Faults of the database: passwords, roles, addresses, schema, row-level security, limits and locks."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from pytest_prodcheck.demo.certificates import HOST
from pytest_prodcheck.demo.system import System, bound

Injection = Callable[[System], None]


def _sql(*statements: str) -> Injection:
    return lambda demo: demo.database.change(*statements)


def password(demo: System) -> None:
    """Both roles have new passwords; everybody still uses the old ones."""
    demo.database.rotate_password("reader")
    demo.database.rotate_password("app")


def _health_lies(demo: System) -> None:
    demo.api.health_lies = True
    demo.database.rotate_password("app")


def _hba(demo: System) -> None:
    (demo.postgres.data / "pg_hba.conf").write_text(f"host all {demo.postgres.superuser} 127.0.0.1/32 scram-sha-256\n")
    demo.database.change("select pg_reload_conf()", "select pg_sleep(0.2)")


def _renamed(demo: System) -> None:
    with demo.database.superuser("postgres") as connection:
        connection.execute("alter database demo rename to demo_2")


def _reader_dsn(change: Callable[[str, System], str]) -> Injection:
    def inject(demo: System) -> None:
        demo.addresses["reader_dsn"] = change(demo.addresses["reader_dsn"], demo)

    return inject


def _elsewhere(dsn: str, address: str) -> str:
    parts = urlsplit(dsn)
    return dsn.replace(f"{parts.hostname}:{parts.port}", address)


def _both_elsewhere(demo: System, port: int) -> None:
    for name in ("reader_dsn", "app_dsn"):
        demo.addresses[name] = _elsewhere(demo.addresses[name], f"{HOST}:{port}")


def _timeout(demo: System) -> None:
    """A listener whose queue is full: the kernel drops further connection requests, as a firewall does."""
    listener = bound()
    listener.listen(0)
    port = listener.getsockname()[1]
    demo.open_sockets.append(listener)
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            filler.connect((HOST, port))
        demo.open_sockets.append(filler)
    _both_elsewhere(demo, port)
    demo.api.pool.dsn = demo.engine.pool.dsn = demo.addresses["app_dsn"]


def _wrong_service_http(demo: System) -> None:
    demo.sockets["plain"] = bound()
    port = demo.port("plain")
    demo.addresses["reader_dsn"] = _elsewhere(demo.addresses["reader_dsn"], f"{HOST}:{port}") + "?sslmode=prefer"


def _silent(demo: System) -> None:
    """Something that accepts and waits for a protocol of its own, as a Redis server does."""
    listener = bound()
    listener.listen(16)
    demo.open_sockets.append(listener)
    port = listener.getsockname()[1]
    demo.addresses["reader_dsn"] = _elsewhere(demo.addresses["reader_dsn"], f"{HOST}:{port}")


def _dropped(demo: System) -> None:
    """Accepts, reads the first packet and closes."""
    listener = bound()
    listener.listen(16)
    port = listener.getsockname()[1]

    def serve() -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)

    threading.Thread(target=serve, daemon=True).start()
    demo.addresses["reader_dsn"] = _elsewhere(demo.addresses["reader_dsn"], f"{HOST}:{port}")


def _role_limit(demo: System) -> None:
    demo.database.change("alter role app connection limit 1")
    demo.database.hold(demo.database.app_dsn, "worker")


def _slots(demo: System) -> None:
    """The server was started with 20 slots, 3 of them the superuser's."""
    demo.database.change("create role worker login password 'worker'")
    demo.database.hold(demo.postgres.dsn("worker", "worker", "demo"), "worker", count=17)


def _pool(demo: System) -> None:
    """A leak holds every connection of the API's pool, so requests wait for one and give up."""
    demo.api.pool = demo.pool("demo-api", size=2, timeout=0.5)
    demo.api.verbose = True
    leaks: list[asyncio.Task[None]] = []

    async def leak() -> None:
        async with demo.api.pool.connection():
            await asyncio.Event().wait()

    def start() -> None:
        leaks.extend(asyncio.get_running_loop().create_task(leak()) for _ in range(2))

    demo.later.append(start)


def _lock(demo: System) -> None:
    superuser = demo.postgres.dsn(database="demo")
    demo.database.hold(superuser, "nightly-export", "lock table tasks in access exclusive mode")


def _crash(demo: System) -> None:
    demo.later.append(demo.postgres.halt)


_TASK_POLICIES = ("drop policy own on tasks", "drop policy trusted on tasks")

INJECTIONS: Mapping[str, Injection] = {
    "database-refused": _crash,
    "database-password": password,
    "database-app-password": lambda demo: demo.database.rotate_password("app"),
    "health-lies": _health_lies,
    "database-role-missing": _sql("drop owned by app", "drop role app"),
    "database-role-expired": _sql("alter role app valid until '2020-01-01'"),
    "database-nologin": _sql("alter role app nologin"),
    "database-hba": _hba,
    "database-name": _renamed,
    "database-connect-privilege": _sql("revoke connect on database demo from public"),
    "database-no-tls": _reader_dsn(lambda dsn, _: f"{dsn}?sslmode=require"),
    "database-no-password": _reader_dsn(lambda dsn, _: dsn.replace(f":{urlsplit(dsn).password}@", "@")),
    "database-dns": _reader_dsn(lambda dsn, demo: _elsewhere(dsn, f"no-such-host.invalid:{demo.postgres.port}")),
    "database-timeout": _timeout,
    "database-wrong-service-http": _wrong_service_http,
    "database-wrong-service-silent": _silent,
    "database-dropped-connection": _dropped,
    "database-role-limit": _role_limit,
    "database-slots-exhausted": _slots,
    "pool-exhausted": _pool,
    "table-dropped": _sql("drop table tasks cascade"),
    "table-no-grant": _sql("revoke all on tasks from member, reader, service"),
    "search-path": _sql(*(f"alter role {role} set search_path = archive" for role in ("app", "reader"))),
    "column-type": _sql(
        "alter table tasks alter column metadata drop default, alter column metadata type text using metadata::text"
    ),
    "column-dropped": _sql("alter table tasks drop column due_on"),
    "rls-off": _sql("alter table tasks disable row level security"),
    "rls-no-policy": _sql(*_TASK_POLICIES),
    "rls-always-true": _sql("create policy everybody on tasks for select using (true)"),
    "rls-owner": _sql("alter table tasks no force row level security", "alter table tasks owner to app"),
    "rls-bypass": _sql("alter role member bypassrls", "alter role app bypassrls"),
    "rls-recursion": _sql(
        """create policy shared on projects for select
           using (exists (select from projects other where other.owner_id = projects.owner_id))"""
    ),
    "rls-policies-ored": _sql("create policy finished on tasks for select to member using (done)"),
    "rls-true-function": _sql(
        "create function everybody() returns boolean language sql stable set search_path = '' as 'select true'",
        "create policy everybody on tasks for select to member using ((select everybody()))",
    ),
    "rls-wrong-column": _sql("alter policy own on projects using (name like 'Project%')"),
    "rls-anonymous": _sql(
        "grant select on projects to anonymous",
        "create policy shown on projects for select to anonymous using (name = 'Project 1')",
    ),
    "rls-wrong-setting": _sql(
        "alter policy own on tasks using (user_id = (select nullif(current_setting('app.user', true), '')::uuid))"
    ),
    "rls-definer-view": _sql(
        "alter view task_summary set (security_invoker = false)", "alter view task_summary owner to postgres"
    ),
    "rls-reader-alone": _sql("revoke member from reader"),
    "table-unprotected": _sql(
        "create table notes (id uuid primary key, user_id uuid references users, text text)",
        "create index notes_user_id on notes (user_id)",
        "grant select on notes to member",
    ),
    "seed-missing": _sql("delete from tasks"),
    "orphans": _sql(
        "alter table tasks alter column project_id drop not null",
        "update tasks set project_id = null where title like '%task 1'",
    ),
    "replica": _sql("alter database demo set default_transaction_read_only = on"),
    "lock-wait": _lock,
}
