"""`row_security = off` in our reader's session: queries fail where policies would hide rows (manual 20.11)."""

from __future__ import annotations

SETTING = "row_security"
CODE = "database.rls.setting_off"


def means(user: str) -> str:
    """Why a query fails, in words."""
    return f"row_security = off is set for {user or 'our reader'}, and policies would hide rows from it (42501)"


def remedy(user: str, database: str = "") -> str:
    """What to do: the setting stands at the role, at the database, or at both."""
    role, where = user or "…", database or "…"
    return f"ALTER ROLE {role} RESET row_security is yours to run; or ALTER DATABASE {where} RESET row_security"
