"""Where a cluster is, in the words of next commands."""

from __future__ import annotations

from pytest_prodcheck.config.models import ClusterTarget, Environment, HttpTarget, LogsTarget
from pytest_prodcheck.gate import places


def test_commands_ask_the_cluster_that_is_meant() -> None:
    """Whichever context is current; of logs, the cluster that writes them; nothing where it is none of them."""
    cluster = ClusterTarget(context="the lab", kubeconfig="my config", namespace="plan-prod")
    targets = {"cluster.plan": cluster, "logs": LogsTarget(), "http": HttpTarget(url="https://a.test")}
    found = places.of_targets(Environment(name="s", targets=targets))
    named = {"kubectl": "kubectl '--kubeconfig=my config' '--context=the lab'", "namespace": "plan-prod"}
    assert named.items() <= found["cluster.plan"].items()
    assert named.items() <= found["logs"].items()
    assert "kubectl" not in found["http"]


def test_lines_of_files_are_of_no_cluster() -> None:
    """Nor is a compose project one."""
    targets = {"cluster": ClusterTarget(context="lab"), "logs": LogsTarget(file=("a.log",))}
    assert "kubectl" not in places.of_targets(Environment(name="s", targets=targets))["logs"]
    composed = {"cluster": ClusterTarget(compose="docker-compose.yml"), "logs": LogsTarget()}
    found = places.of_targets(Environment(name="s", targets=composed))
    assert not any("kubectl" in place for place in found.values())


def test_commands_name_the_environment_as_it_was_asked_for() -> None:
    """The demo without its fault is another system, and a healthy one."""
    targets = {"http": HttpTarget(url="https://a.test")}
    found = places.of_targets(Environment(name="demo", targets=targets), "demo:ws-fallback")
    assert {place["environment"] for place in found.values()} == {"demo:ws-fallback"}
