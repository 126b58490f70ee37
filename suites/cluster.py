"""Cluster checks: rollouts, pods, images and configuration, from one snapshot of the namespace."""

import pytest


@pytest.mark.smoke
def test_ready(prodcheck_cluster, check):
    """The API server answers and knows us, and the namespace is there (R22)."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_compose_service(prodcheck_cluster, check):
    """The compose service runs, is healthy, and publishes its ports (B28, B29, B42, B43, B45, B50, B59, C2, C8, C9)."""
    prodcheck_cluster.observe(check)


@pytest.mark.contract
def test_compose_file(prodcheck_cluster, check):
    """The compose file is one, and its containers are what it declares (A45, B48, B51, C36)."""
    prodcheck_cluster.observe(check)


@pytest.mark.smoke
def test_compose_usage(prodcheck_cluster, check):
    """Containers keep within their memory and processors, and Docker within the disk (B37, B49, B52, D28)."""
    prodcheck_cluster.observe(check)
