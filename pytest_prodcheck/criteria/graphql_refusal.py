"""What a GraphQL error says of its reason: that the caller may not, that the service broke, or neither."""

from __future__ import annotations

import re
from typing import Final

_CODES: Final = frozenset({
    "access-denied", "invalid-headers", "permission-denied", "permission-error", "jwt-missing-role-claims",
    "FORBIDDEN", "UNAUTHENTICATED", "UNAUTHORIZED", "ACCESS_DENIED", "PERMISSION_DENIED", "AUTH_NOT_AUTHENTICATED",
    "AUTH_NOT_AUTHORIZED", "UNAUTHORIZED_FIELD_OR_TYPE",
})  # fmt: skip
"""Hasura's, Apollo's (Server and Router), Hot Chocolate's codes of a refusal."""
_WORDS: Final = re.compile(
    r"\b(?:not (?:be )?(?:authori[sz]ed|allowed|permitted|authenticated|logged.in)|logged.in"
    r"|unauthori[sz]ed|forbidden|unauthenticated|permissions?|denied|log.?in|sign.?in|credentials?)\b",
    re.IGNORECASE,
)
_NAMES: Final = re.compile(r"\"[^\"]*\"|`[^`]*`|(?<!\w)'[^']*'(?!\w)|\$\w+|\b[A-Za-z_]\w*\.\w+")
"""Names of a schema, as errors quote them: `Role.permissions` is no word about a permission."""
_OF_THE_QUERY: Final = re.compile(
    r"query is not allowed|persisted|allow.?list|introspection|depth|complexity|rate.?limit|too many", re.IGNORECASE
)
"""What is refused to everybody: the document, or one request more."""
_MALFORMED: Final = frozenset({"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "BAD_USER_INPUT", "BAD_REQUEST"})
_INTERNAL: Final = frozenset({"INTERNAL_SERVER_ERROR", "INTERNAL", "INTERNAL_ERROR", "unexpected"})
_OF_A_TOKEN: Final = re.compile(r"token|jw[tsk]|signature|auth|expire|session|bearer", re.IGNORECASE)


def permission(code: str, message: str) -> bool:
    """Whether the caller is turned away for who it is. Names that the message quotes do not count as words."""
    if code in _CODES:
        return True
    if code in _MALFORMED or code.startswith("PERSISTED_QUERY") or _OF_THE_QUERY.search(message):
        return False
    return _WORDS.search(words(message)) is not None


def words(message: str) -> str:
    """The message without the names of a schema that it quotes."""
    return _NAMES.sub(" ", message)


def internal(code: str, message: str) -> bool:
    """Whether the service broke. Apollo gives this code to every plain error: one about a token is a refusal."""
    return code in _INTERNAL and not (permission(code, message) or _OF_A_TOKEN.search(message))
