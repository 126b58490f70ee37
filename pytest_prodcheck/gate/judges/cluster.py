"""The checks of `suites/cluster.py`."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.gate.judges import cluster_wiring, compose
from pytest_prodcheck.gate.judges.case import Case, Judge
from pytest_prodcheck.observe.cluster import Cluster
from pytest_prodcheck.observe.finding import Finding


def _seen(case: Case) -> Cluster:
    cluster: Cluster = case.evidence.facts["cluster"]
    return cluster


def pods(case: Case) -> list[Finding]:
    """All pods."""
    from pytest_prodcheck.criteria.cluster import pods

    return pods.pods(_seen(case), case.table(ClusterTarget), case.check.target)


def revision(case: Case) -> list[Finding]:
    """The revision that was deployed."""
    from pytest_prodcheck.criteria.cluster import revision

    promised = case.environment.revision
    return revision.judge(_seen(case), case.table(ClusterTarget), promised, case.check.target) if promised else []


def rollout(case: Case) -> list[Finding]:
    """The rollout of one workload."""
    from pytest_prodcheck.criteria.cluster import rollouts

    return rollouts.rollout(_seen(case), case.table(ClusterTarget), case.check.target, case.check.subject)


def job(case: Case) -> list[Finding]:
    """One job."""
    from pytest_prodcheck.criteria.cluster import jobs

    return jobs.job(_seen(case), case.check.target, case.check.subject)


def cronjob(case: Case) -> list[Finding]:
    """One cron job."""
    from pytest_prodcheck.criteria.cluster import jobs

    return jobs.cronjob(_seen(case), case.check.target, case.check.subject)


def image(case: Case) -> list[Finding]:
    """The image of one workload."""
    from pytest_prodcheck.criteria.cluster import images

    return images.image(_seen(case), case.table(ClusterTarget), case.check.target, case.check.subject)


def restarts(case: Case) -> list[Finding]:
    """The restarts of all containers."""
    from pytest_prodcheck.criteria.cluster import restarts

    return restarts.restarts(_seen(case), case.table(ClusterTarget), case.check.target)


def secrets(case: Case) -> list[Finding]:
    """The keys of the declared Secrets."""
    from pytest_prodcheck.criteria.cluster import configuration

    return configuration.keys(_seen(case), "secrets", case.table(ClusterTarget).secrets, case.check.target)


def configmaps(case: Case) -> list[Finding]:
    """The keys of the declared ConfigMaps."""
    from pytest_prodcheck.criteria.cluster import configuration

    return configuration.keys(_seen(case), "configmaps", case.table(ClusterTarget).configmaps, case.check.target)


JUDGES: Mapping[str, Judge] = {
    **compose.JUDGES,
    **cluster_wiring.JUDGES,
    "test_pods": pods,
    "test_revision": revision,
    "test_rollout": rollout,
    "test_job": job,
    "test_cronjob": cronjob,
    "test_image": image,
    "test_restarts": restarts,
    "test_secrets": secrets,
    "test_configmaps": configmaps,
}
