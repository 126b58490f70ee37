"""A cause in words: what broke, the evidence, the remedy, the next command; all from the data of its signs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pytest_prodcheck.diagnosis.candidates import Candidate
from pytest_prodcheck.diagnosis.causes import kind_of
from pytest_prodcheck.diagnosis.kind import fill, missing
from pytest_prodcheck.diagnosis.signs import Sign
from pytest_prodcheck.observe.finding import Cause

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f]+")
_WIDTH = 160


def cause(root: Candidate, symptoms: Sequence[Sign], explains: Sequence[str], notes: Sequence[str]) -> Cause:
    """The cause that `root` is: message, evidence (one to three lines), remedy, next command, and what it explains."""
    sign = _speaker(root)
    kind, finding, data = kind_of(root.code), sign.finding, _data(root)
    own = finding is not None and finding.code == root.code
    evidence = dict.fromkeys([*map(_line, root.signs), *notes, *map(_line, symptoms)])
    return Cause(
        root.code,
        sign.target,
        _message(root, sign, data),
        (own and finding and finding.remedy) or fill(kind.remedy, data),
        (own and finding and finding.next) or fill(kind.next, data, command=True),
        tuple(line for line in evidence if line)[:3],
        tuple(explains),
    )


def _speaker(root: Candidate) -> Sign:
    ranked = sorted(root.signs, key=lambda sign: (sign.revealed, sign.finding is None))
    return ranked[0]


def _data(root: Candidate) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for sign in (_speaker(root), *root.signs):
        merged = {**{key: value for key, value in sign.data.items() if value not in (None, "")}, **merged}
    merged.setdefault("role", merged.get("user", ""))
    merged.setdefault("table", merged.get("subject", ""))
    return merged


def _message(root: Candidate, sign: Sign, data: dict[str, Any]) -> str:
    kind = kind_of(root.code)
    if root.code == "unknown":
        return _unknown(sign, data)
    if sign.finding and sign.finding.code == root.code and sign.message:
        return _flat(sign.message) + _more(root)
    said = kind.means if missing(kind.says, data) and "{subject}" in kind.says else fill(kind.says, data)
    return _flat(said + _addition(data)) + _more(root)


def _unknown(sign: Sign, data: dict[str, Any]) -> str:
    if data.get("status") and data.get("operation"):
        return _flat(fill(kind_of("unknown").says, {"expected": "another status", **data}))
    seen = _flat(sign.message or str(data.get("text", "")) or "a check failed")
    return seen if seen.endswith("no cause known") else f"{seen}; no cause known"


def _addition(data: dict[str, Any]) -> str:
    if data.get("undecided"):
        return ": wrong password or missing role (cannot be told apart without a second credential)"
    return "; the role exists" if data.get("role_exists") and "valid_until" not in data else ""


def _more(root: Candidate) -> str:
    subjects = list(dict.fromkeys(str(sign.data.get("table") or sign.data.get("subject", "")) for sign in root.signs))
    return f" (and {len(subjects) - 1} more)" if len(subjects) > 1 and not root.code.startswith("unknown") else ""


def _line(sign: Sign) -> str:
    operation = str(sign.data.get("operation") or sign.data.get("subject") or sign.check.split("::", 1)[-1])
    shown = [str(sign.data[key]) for key in ("status", "sqlstate", "hasura_code", "error") if sign.data.get(key)]
    words = str(sign.data.get("text") or sign.message)
    return _flat(f"{operation} → {' '.join([*shown, words])}")


def _flat(text: str) -> str:
    flat = _CONTROL.sub(" ", text).strip()
    return flat if len(flat) <= _WIDTH else flat[: _WIDTH - 1] + "…"
