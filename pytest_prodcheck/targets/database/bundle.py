"""Several statements of our own in one message and one answer, in a read-only transaction that is rolled back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.targets.database import server_words

if TYPE_CHECKING:
    from pytest_prodcheck.targets.database.session import Session

_BEGIN = (
    "begin transaction isolation level repeatable read read only; set local statement_timeout = {timeout}; "
    "set local lock_timeout = {lock}; set local standard_conforming_strings = on; set local jit = off"
)
_LOCK_SHARE = 0.5


class Unanswered(Exception):
    """The server did not answer; `code` is its SQLSTATE, `row_security`, `timeout`, or `tcp.reset`."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


def ask(session: Session, statements: Sequence[str], *, timeout: float) -> list[list[tuple[Any, ...]]]:
    """The rows of each statement. Raises Unanswered, and hangs up, where the server refuses or is silent."""
    from psycopg import Error

    from pytest_prodcheck.targets.database.session import Expired

    milliseconds = max(1, int(timeout * 1000))
    began = _BEGIN.format(timeout=milliseconds, lock=max(1, int(milliseconds * _LOCK_SHARE)))
    session.bound(timeout + 1)
    try:
        cursor = session.execute("; ".join((began, *statements, "rollback")).encode())
        answers = [] if cursor.description is None else [cursor.fetchall()]
        while cursor.nextset():
            if cursor.description is not None:
                answers.append(cursor.fetchall())
    except Expired:
        failed = Unanswered("timeout", f"no answer within {timeout:.0f} s")
    except Error as error:
        code = server_words.refused_by(error) or error.sqlstate or "tcp.reset"
        failed = Unanswered(code, f"{error.sqlstate or ''} {server_words.told(error)}".strip())
    else:
        return answers
    session.hang_up()
    raise failed
