"""`identity`: the connection leads to the database that this environment means."""

from __future__ import annotations

from pytest_prodcheck.observe.catalog import Catalog
from pytest_prodcheck.observe.finding import Finding


def identity(catalog: Catalog, promised: str, target: str) -> list[Finding]:
    """A finding where the database's name is another; none where nothing is promised (fg-db-wrong-environment)."""
    if not promised or catalog.database == promised:
        return []
    return [
        Finding(
            "identity",
            target,
            f"database identity is {catalog.database}, the environment means {promised}",
            "database.identity.wrong_environment",
            seen=catalog.database,
            promised=promised,
            subject=catalog.database,
            remedy="compare the connection string with the environment: nothing else of this run can be trusted",
            data={"database": catalog.database, "promised": promised, "role": catalog.user},
        )
    ]
