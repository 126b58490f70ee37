"""What goes wrong in a cluster, one thing at a time, through the whole gate: the right cause, and no other."""

from __future__ import annotations

import re

import pytest
from clusters import Clusters
from scenario import scenarios

SCENARIOS = scenarios()


def test_the_healthy_deployment_passes(clusters: Clusters) -> None:
    """Everything that the scenarios promise holds where nothing happened."""
    run = clusters.of("")
    assert (run.status, run.verdict["verdict"], run.codes) == (0, "pass", []), run.output


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_gate_names_the_cause(clusters: Clusters, scenario: str) -> None:
    """The causes are those that the scenario says, in order; and each says what to do, there or beyond."""
    run, wanted = clusters.of(scenario), SCENARIOS[scenario]
    accepted = [list(wanted.causes), *([each] if isinstance(each, str) else list(each) for each in wanted.accept)]
    assert run.codes in accepted, run.output
    for cause in run.verdict["causes"]:
        assert cause["remedy"]
        beyond = r"kubectl( --kubeconfig=\S+( --context=\S+)?)? (get nodes|describe node)|-n argocd |^pytest .*-k logs"
        assert f"-n {clusters.namespace(wanted)}" in cause["next"] or re.search(beyond, cause["next"]), cause["next"]
