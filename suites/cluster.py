"""Cluster checks: rollouts, pods, images and configuration, from one snapshot of the namespace."""

import pytest


@pytest.mark.smoke
def test_ready(prodcheck_cluster, check):
    """The API server answers and knows us, and the namespace is there (R22)."""
    prodcheck_cluster.observe(check)
