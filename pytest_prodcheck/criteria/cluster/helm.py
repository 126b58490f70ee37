"""How the last revision of the Helm release ended, by the labels of its secret: its content is never read."""

from __future__ import annotations

from pytest_prodcheck.criteria.cluster.scene import Scene
from pytest_prodcheck.observe.cluster import Object, labels, name_of
from pytest_prodcheck.observe.finding import Finding, Severity

RELEASES = "helm.sh/release.v1"
"""The type of the secrets, as Helm 3 writes them: labels `owner=helm`, `name`, `status`, `version`."""


def judge(scene: Scene) -> list[Finding]:
    """Deployed is right; failed is red; pending means that an install, upgrade or rollback never ended."""
    declared = scene.promised.helm
    if declared is None:
        return []
    listed = scene.cluster.tables.get("secrets")
    mine = [one for one in listed.metadata if _labels(one).get("name") == declared.release] if listed else []
    if not mine:
        words = f"there is no secret of Helm release {declared.release}"
        return [_found(scene, "cluster.helm.missing", words, "none", "install it, or correct the name")]
    last = max(mine, key=_version)
    status, version = _labels(last).get("status", ""), _version(last)
    words = f"revision {version} of Helm release {declared.release} is {status or 'of no status'}"
    if status == "deployed":
        return []
    if status.startswith("pending-"):
        remedy = "see whether helm still runs; else `helm rollback` is yours to run"
        return [_found(scene, "cluster.helm.pending", words, status, remedy, severity="error")]
    return [_found(scene, "cluster.helm.failed", words, status or "unknown", "see why it failed, then upgrade again")]


def _labels(secret: Object) -> dict[str, str]:
    return labels(secret, "metadata", "labels")


def _version(secret: Object) -> int:
    said = _labels(secret).get("version", "")
    said = said if said.isdecimal() else name_of(secret).rpartition(".v")[2]
    return int(said) if said.isdecimal() and len(said) < 10 else 0


def _found(scene: Scene, code: str, words: str, seen: str, remedy: str, *, severity: Severity = "error") -> Finding:
    release = scene.promised.helm.release if scene.promised.helm else ""
    return scene.found(
        code, words, f"helm/{release}", seen=seen, promised="deployed", remedy=remedy, severity=severity,
        next=scene.kubectl("get secrets -l", f"owner=helm,name={release}", "--show-labels"), data={"release": release},
    )  # fmt: skip
