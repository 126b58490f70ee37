"""Signs of one cause, seen by one or by many checks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_prodcheck.diagnosis.causes import depth
from pytest_prodcheck.diagnosis.relations import may_explain
from pytest_prodcheck.diagnosis.signs import Sign
from pytest_prodcheck.diagnosis.symptoms import tags

_BY_USER = ("database.auth.", "auth.user.", "database.connections.role_limit")
_BY_HOST = ("http.dns.", "http.tcp.", "http.tls.", "http.upstream.", "http.rate_limited.", "http.application.in_")
_BY_OPERATION = ("unknown", "gate.check.", "graphql.errors.", "graphql.data.")
_BY_TARGET = ("http.", "sampling.", "database.", "auth.", "cache.", "logs.", "baseline.", "websocket.")
_PAGE = re.compile(r"<title>\s*([^<]{2,80}?)\s*</title>", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Candidate:
    """A cause that may be a root, with the signs that show it."""

    code: str
    signs: tuple[Sign, ...]

    @property
    def direct(self) -> bool:
        """Whether it was seen at its own target, not only in an application's words."""
        return any(not sign.revealed for sign in self.signs)

    @property
    def order(self) -> tuple[int, bool]:
        """Layer, then what was seen itself before what was only said."""
        return depth(self.code), not self.direct

    def explains(self, symptom: Sign) -> int | None:
        """Position of the best relation by which it explains `symptom`; None for none."""
        shown = tags(symptom)
        found = [at for sign in self.signs if (at := may_explain(sign, symptom, shown)) is not None]
        return min(found, default=None)


def group(signs: Iterable[Sign]) -> tuple[Candidate, ...]:
    """One code at one scope (database, user, host, operation, target) is one candidate.

    What another layer says of a cause (an API's error body, Hasura about a token) joins the candidate that was seen at
    its own target, where there is one of that code, or one that fits the role it names.
    """
    groups: dict[tuple[str, str], list[Sign]] = {}
    for sign in sorted(signs, key=_hearsay):
        groups.setdefault(_key(sign, groups), []).append(sign)
    return tuple(Candidate(code, tuple(members)) for (code, _), members in groups.items())


def _hearsay(sign: Sign) -> bool:
    layer = sign.code.partition(".")[0]
    return layer in ("cluster", "database", "auth", "cache") and sign.kind != layer


def _key(sign: Sign, known: Mapping[tuple[str, str], list[Sign]]) -> tuple[str, str]:
    key = (sign.code, _scope(sign))
    if key in known or not _hearsay(sign):
        return key
    same = [other for other in known if other[0] == sign.code]
    # an error body rarely names the role: then it speaks of the one that is known to be refused
    user = str(sign.data.get("user", "")) if sign.code.startswith(_BY_USER) else ""
    fitting = [other for other in same if not user or other[1].endswith(f" {user}")]
    return fitting[0] if len(fitting) == 1 or (fitting and not user) else key


def _scope(sign: Sign) -> str:
    if sign.code.startswith(_BY_USER):
        return f"{sign.target} {sign.data.get('role') or sign.data.get('user', '')}"
    if sign.code.startswith(_BY_HOST):
        return sign.host
    if sign.code == "unknown" and (page := _PAGE.search(str(sign.data.get("text", "")))):
        return f"{sign.host} {sign.status} {page[1]}"  # a firewall's page is one cause, whatever was asked
    if sign.code.startswith("cluster."):
        return f"{sign.target} {_of_cluster(sign)}"
    if sign.code.startswith(_BY_OPERATION):
        return f"{sign.target} {sign.data.get('operation', sign.check)}"
    if sign.code == "logs.exception.unhandled":
        return f"{sign.target} {sign.data.get('fingerprint', '')}"
    if sign.code == "http.application.unhandled_exception":
        return f"{sign.target} {sign.data.get('exception', '')}"
    return "" if _hearsay(sign) or not sign.code.startswith(_BY_TARGET) else sign.target


def _of_cluster(sign: Sign) -> str:
    """What a cause of the cluster is about: a node, an object with keys, else a workload or what the check is of."""
    if sign.code.startswith("cluster.rbac."):
        return ""
    keys = {"cluster.node.": "node", "cluster.config.": "object"}
    key = next((key for prefix, key in keys.items() if sign.code.startswith(prefix)), "workload")
    return str(sign.data.get(key) or sign.data.get("workload") or sign.data.get("subject", ""))
