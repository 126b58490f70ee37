"""The compose file itself: keys that compose knows, values that it takes (B48)."""

from __future__ import annotations

from pytest_prodcheck.config.compose.model import ComposeFile, Remark
from pytest_prodcheck.criteria.containers.case import CRITERION
from pytest_prodcheck.observe.finding import Finding, Severity


def document(file: ComposeFile, target: str) -> list[Finding]:
    """What is wrong with the file; a variable without a value is said where it keeps a promise from being judged."""
    return [_of(remark, file, target) for remark in file.remarks if remark.kind != "unset_variable"]


def _of(remark: Remark, file: ComposeFile, target: str) -> Finding:
    hint = f"; did you mean {remark.hint}?" if remark.kind == "unknown_key" and remark.hint else ""
    code, message, promised, severity = _WORDS[remark.kind]
    text = message.format(subject=remark.subject, hint=hint or remark.hint)
    data = {"key": remark.subject, "file": remark.where, "project": file.project}
    next_command = f"docker compose -f {remark.where.partition(':')[0]} config -q"
    return Finding(
        CRITERION, target, f"{remark.where}: {text}", code, severity, remark.subject, promised, remark.subject, "",
        next_command, data,
    )  # fmt: skip


_WORDS: dict[str, tuple[str, str, str, Severity]] = {
    "unknown_key": (
        "cluster.compose.unknown_key", "compose knows no key {subject}{hint}", "a key of the specification", "error",
    ),
    "obsolete_version": (
        "cluster.compose.obsolete_version", "version is obsolete: compose ignores it and warns at every start",
        "no version", "warning",
    ),
    "invalid_value": ("cluster.compose.invalid_value", "{subject} {hint}", "a value that compose takes", "error"),
}  # fmt: skip
