"""Cache checks: logins, the server's own figures, keys by bounded looks, and whether the application is served."""

import pytest


@pytest.mark.smoke
def test_ready(prodcheck_cache, check):
    """Our reader logs in and PING is answered (B17, E22, E42)."""
    prodcheck_cache.observe(check)


@pytest.mark.security
def test_certificate(prodcheck_cache, check):
    """The certificate holds for as long as is promised."""
    prodcheck_cache.observe(check)


@pytest.mark.smoke
def test_login(prodcheck_cache, check):
    """The application's own credential logs in (B17)."""
    prodcheck_cache.observe(check)


@pytest.mark.smoke
def test_role(prodcheck_cache, check):
    """It is the primary or the replica that is meant (B17)."""
    prodcheck_cache.observe(check)


@pytest.mark.smoke
def test_replication(prodcheck_cache, check):
    """Replicas are connected, as many as promised, and not behind."""
    prodcheck_cache.observe(check)


@pytest.mark.smoke
def test_memory(prodcheck_cache, check):
    """There is room for writes, or a policy that makes room, the promised one (B17, B24)."""
    prodcheck_cache.observe(check)


@pytest.mark.smoke
def test_clients(prodcheck_cache, check):
    """The server has room for more clients."""
    prodcheck_cache.observe(check)


@pytest.mark.smoke
def test_persistence(prodcheck_cache, check):
    """The last snapshot and the last appends succeeded (B17)."""
    prodcheck_cache.observe(check)


@pytest.mark.contract
def test_version(prodcheck_cache, check):
    """Every node has the promised version."""
    prodcheck_cache.observe(check)


@pytest.mark.smoke
def test_cluster(prodcheck_cache, check):
    """Every hash slot is served, and no node failed."""
    prodcheck_cache.observe(check)


@pytest.mark.smoke
def test_sentinel(prodcheck_cache, check):
    """The sentinels see the service up, and could move it."""
    prodcheck_cache.observe(check)


def test_slow_log(prodcheck_cache, check):
    """No command of the last hour took longer than promised."""
    prodcheck_cache.observe(check)


@pytest.mark.contract
def test_keys(prodcheck_cache, check):
    """A key of the declared pattern exists."""
    prodcheck_cache.observe(check)


@pytest.mark.contract
def test_expires(prodcheck_cache, check):
    """The sampled keys of the declared pattern have a time to live (B24)."""
    prodcheck_cache.observe(check)


def test_round_trip(prodcheck_cache, check):
    """A key is written, read, has an end, and is gone again."""
    prodcheck_cache.observe(check)


def test_serves(prodcheck_cache, check):
    """The endpoint's second answer comes out of the cache (B24)."""
    prodcheck_cache.observe(check)


def test_evicted(prodcheck_cache, check):
    """No more keys than promised were evicted during the run (B24)."""
    prodcheck_cache.observe(check)


def test_hit_ratio(prodcheck_cache, check):
    """The promised share of the run's lookups found its key (B24)."""
    prodcheck_cache.observe(check)


def test_latency(prodcheck_cache, check):
    """PING keeps its latency limits."""
    prodcheck_cache.observe(check)
