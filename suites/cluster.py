"""Cluster checks: rollouts, pods, images and configuration, from one snapshot of the namespace."""

import pytest


@pytest.mark.smoke
def test_ready(prodcheck_cluster, check):
    """The API server answers and knows us, and the namespace is there (R22)."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_revision(prodcheck_cluster, check):
    """The revision that was deployed is rolled out, and no other one serves (A45, R18)."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_pods(prodcheck_cluster, check):
    """Every pod is well, and there are some (A1, A12, B1, B2, B4, B9, B42, B50)."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_rollout(prodcheck_cluster, check):
    """The workload is rolled out, with its replicas, and no older version serves (A2, R18)."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_job(prodcheck_cluster, check):
    """The job has succeeded (B15)."""
    prodcheck_cluster.observe(check)


@pytest.mark.contract
def test_cronjob(prodcheck_cluster, check):
    """The cron job is on, and its last run succeeded."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_image(prodcheck_cluster, check):
    """The promised image runs in every pod, by one digest (A45)."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_restarts(prodcheck_cluster, check):
    """No container was restarted more often than is promised (B42)."""
    prodcheck_cluster.observe(check)


@pytest.mark.contract
def test_secrets(prodcheck_cluster, check):
    """The Secrets are there, with their keys, and none of them is empty (A11, B5, R3)."""
    prodcheck_cluster.observe(check)


@pytest.mark.contract
def test_configmaps(prodcheck_cluster, check):
    """The ConfigMaps are there, with their keys, and their values are well formed (A13)."""
    prodcheck_cluster.observe(check)


@pytest.mark.contract
def test_wiring(prodcheck_cluster, check):
    """What connects the workloads is whole: references, values, services, routes, policies, scaling (A11–A15, A29, A46,
    A55, A57, B5, B19, R2–R4)."""
    prodcheck_cluster.observe(check)


@pytest.mark.contract
def test_probes(prodcheck_cluster, check):
    """Every container that serves has the promised probes, on ports that there are (A46, B2)."""
    prodcheck_cluster.observe(check)


@pytest.mark.contract
def test_resources(prodcheck_cluster, check):
    """Every container has the promised requests and limits (A46, B51)."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_usage(prodcheck_cluster, check):
    """No container uses more of its limit than promised (A49, B18, B22, B49)."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_argocd(prodcheck_cluster, check):
    """Argo CD calls the Application synced and healthy (A47)."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_helm(prodcheck_cluster, check):
    """The last revision of the Helm release is deployed."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_compose_service(prodcheck_cluster, check):
    """The compose service runs, is healthy, and publishes its ports (B28, B29, B42–B45, B50, B59, C2, C8, C9)."""
    prodcheck_cluster.observe(check)


@pytest.mark.contract
def test_compose_file(prodcheck_cluster, check):
    """The compose file is one, and its containers are what it declares (A45, B48, B51, C36)."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_compose_usage(prodcheck_cluster, check):
    """Containers keep within their memory and processors, and Docker within the disk (B37, B49, B52, D28)."""
    prodcheck_cluster.observe(check)
