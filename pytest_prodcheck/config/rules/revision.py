"""What must hold of `revision`: whoever says it is declared, and can."""

from __future__ import annotations

from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import ClusterTarget, Revision
from pytest_prodcheck.config.problems import nearest
from pytest_prodcheck.config.rules.checked import Checked, refuse_blank

_OVER_HTTP = ("path", "at", "header")


def check(checked: Checked, revision: Revision) -> None:
    """Adds a problem where nobody could say the revision as it is declared."""
    refuse_blank(("revision",), revision, "expected", "expected names no revision", checked.problems)
    if not revision.of_cluster:
        checked.http_target(("revision",), revision.target, "revision")
        return
    _cluster(checked, revision)
    for name in _OVER_HTTP:
        if name in revision.model_fields_set:
            checked.problems.add(("revision", name), f"{name} belongs to a revision over HTTP", 'revision = "image"')


def _cluster(checked: Checked, revision: Revision) -> None:
    known, add = checked.ids(ClusterTarget), checked.problems.add
    table = checked.environment.targets.get(revision.target)
    path: KeyPath = ("revision", "target") if revision.target and revision.target not in known else ("revision",)
    if not isinstance(table, ClusterTarget) or table.compose:
        near = nearest(revision.target, known) if revision.target else ""
        add(path, f"a revision of {revision.source} needs a cluster{near}", '[env.NAME.cluster] context = "staging"')
    elif revision.source == "argocd" and table.argocd is None:
        text = f"{revision.target} names no Application that could say the revision"
        add(path, text, 'argocd = { application = "plan" }')
    elif revision.source == "image":
        _image(checked, path, revision.target, table)


def _image(checked: Checked, path: KeyPath, target: str, table: ClusterTarget) -> None:
    """Of several workloads, which carry the revision is not guessed: an old worker looks like another program."""
    rolled_out = (*table.deployments, *table.statefulsets, *table.daemonsets)
    if not rolled_out:
        text = f"{target} declares no workload whose image could say the revision"
        checked.problems.add(path, text, "deployments = { plan-app = 1 }")
    elif len(rolled_out) > 1 and not any(name.partition("/")[0] in rolled_out for name in table.images):
        text = f"{target} declares {', '.join(rolled_out)}, and images does not name which of them carry the revision"
        checked.problems.add(path, text, f'images = {{ {rolled_out[0]} = "env:IMAGE" }}')
