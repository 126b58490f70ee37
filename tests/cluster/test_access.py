"""The way to the API server, through the whole gate: each thing that can be wrong with it is one clear cause."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from clusters import Clusters, Run, gate
from fronts_of_api import Trouble, front
from scenario import NOTHING


def gated(clusters: Clusters, folder: Path, file: Path, **keys: str) -> Run:
    """The gate on the healthy cluster by another kubeconfig."""
    return gate(folder / "gate", clusters.config(NOTHING, kubeconfig=json.dumps(str(file)), **keys))


def changed(clusters: Clusters, folder: Path, user: dict[str, object], **cluster: object) -> Path:
    """The reader's kubeconfig with another user, or other keys of its cluster."""
    config = yaml.safe_load(clusters.kubeconfig(NOTHING).read_text("utf-8"))
    config["users"][0]["user"] = user or config["users"][0]["user"]
    config["clusters"][0]["cluster"].update(cluster)
    file = folder / "kubeconfig.yaml"
    file.write_text(json.dumps(config), "utf-8")
    return file


def assert_one_cause(run: Run, code: str, says: str) -> None:
    """The gate is red by this cause alone, and says so in the terminal too."""
    assert (run.status, run.codes) == (1, [code]), run.output
    (cause,) = run.verdict["causes"]
    assert re.search(says, cause["message"] + " ".join(cause["evidence"])), cause
    assert cause["remedy"]
    assert re.match(r"kubectl --kubeconfig=\S+ ", cause["next"]), cause["next"]
    assert code in run.output


@pytest.mark.parametrize(
    ("account", "code", "says"),
    [
        ("expired", "cluster.credential.expired", r"expired 1 d ago"),
        ("wrong_ca", "cluster.tls.untrusted", r"authority|certificate"),
        ("unreachable", "cluster.api.unreachable", r"refused"),
    ],
)
def test_who_gets_nowhere_is_told_why(clusters: Clusters, tmp_path: Path, account: str, code: str, says: str) -> None:
    """A token that ended, an authority that is not ours, a port where nobody listens."""
    assert_one_cause(gated(clusters, tmp_path, clusters.of_account(account)), code, says)


@pytest.mark.parametrize(("account", "sees"), [("narrow", "pods"), ("nobody", "")])
def test_who_may_not_look_is_blocked_and_told_the_rule(
    clusters: Clusters, tmp_path: Path, account: str, sees: str
) -> None:
    """Never green, and not the system's fault: what is refused is blocked with the missing rule as YAML, the rest is
    judged (R22)."""
    run = gated(clusters, tmp_path, clusters.of_account(account))
    assert (run.status, run.verdict["verdict"], run.codes) == (1, "blocked", ["cluster.rbac.forbidden"]), run.output
    verdicts = {check["id"].partition("::test_")[2]: check["verdict"] for check in run.verdict["checks"]}
    assert verdicts["secrets"] == "blocked"
    assert verdicts["pods"] == ("pass" if sees else "blocked")
    rules = " ".join(finding["remedy"] for finding in run.findings if finding["code"] == "cluster.rbac.forbidden")
    assert re.search(r"resources: \[.?secrets.?\]", rules), rules


def doctored(clusters: Clusters, folder: Path, account: str) -> tuple[int, list[str]]:
    """Status and lines of `prodcheck doctor`."""
    (folder / "prodcheck.toml").write_text(
        clusters.config(NOTHING, kubeconfig=json.dumps(str(clusters.of_account(account))))
        if account
        else clusters.config(NOTHING)
    )
    command = [
        sys.executable,
        "-m",
        "pytest_prodcheck.cli",
        "doctor",
        "lab",
        "--config",
        str(folder / "prodcheck.toml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("account", ["narrow", "nobody"])
def test_doctor_says_which_right_is_missing(clusters: Clusters, tmp_path: Path, account: str) -> None:
    """Not that a cluster is ready whose checks would be blocked: each rule that is missing, and exit status 1 (R22)."""
    status, lines = doctored(clusters, tmp_path, account)
    assert (status, [line for line in lines if line.startswith("  ready")]) == (1, [])
    missing = [line for line in lines if line.startswith("  NOT READY  cluster: cluster.rbac.forbidden: ")]
    (secrets,) = [line for line in missing if "resources: [secrets]" in line]
    assert re.search(r'- \{apiGroups: \[""\], resources: \[secrets\], resourceNames: \[.+\], verbs: \[get\]\}', secrets)
    assert any("resources: [pods]" in line for line in missing) == (account == "nobody")


def test_doctor_is_content_with_the_rights_that_the_checks_need(clusters: Clusters, tmp_path: Path) -> None:
    """Exit status 0."""
    status, lines = doctored(clusters, tmp_path, "")
    assert (status, lines[-1]) == (0, "  ready      cluster")


def test_a_token_that_nobody_knows_is_rejected(clusters: Clusters, tmp_path: Path) -> None:
    """401, and no guess that it would have expired."""
    file = changed(clusters, tmp_path, {"token": "nobody-knows-me"})
    run = gated(clusters, tmp_path, file)
    assert_one_cause(run, "cluster.credential.rejected", r"does not know us \(401\)")
    assert "nobody-knows-me" not in run.output


def test_an_unknown_context_lists_the_known(clusters: Clusters, tmp_path: Path) -> None:
    """Nothing is sent; the contexts that there are, are named."""
    run = gated(clusters, tmp_path, clusters.kubeconfig(NOTHING), context='"stagign"')
    known = yaml.safe_load(clusters.kubeconfig(NOTHING).read_text("utf-8"))["contexts"][0]["name"]
    assert_one_cause(run, "cluster.kubeconfig.context_unknown", rf"context stagign is not in .*; known: {known}")


def test_a_missing_kubeconfig_says_where_was_looked(clusters: Clusters, tmp_path: Path) -> None:
    """The file's path is named."""
    run = gated(clusters, tmp_path, tmp_path / "none.yaml")
    assert_one_cause(run, "cluster.kubeconfig.missing", r"no kubeconfig: looked for .*none\.yaml")


@pytest.mark.parametrize(
    ("script", "code", "says"),
    [
        ("", "cluster.credential.unusable", r"prodcheck-no-such-plugin"),
        ("sleep 60", "cluster.credential.timeout", r"plugin"),
        ("echo you must log in >&2; exit 3", "cluster.credential.unusable", r"you must log in"),
        ("echo not json", "cluster.credential.unusable", r"plugin"),
        ("exec yes", "cluster.credential.unusable", r"prints more than 1 MiB"),
    ],
    ids=["absent", "hangs", "fails", "talks nonsense", "does not stop"],
)
def test_a_credential_plugin_that_does_not_work_is_named(
    clusters: Clusters, tmp_path: Path, script: str, code: str, says: str
) -> None:
    """Absent, hanging, failing, talking nonsense or without an end: it is the plugin, not the cluster."""
    command = tmp_path / "plugin"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o700)
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(command) if script else "prodcheck-no-such-plugin",
        "interactiveMode": "Never",
    }
    file = changed(clusters, tmp_path, {"exec": plugin})
    assert_one_cause(gated(clusters, tmp_path, file, timeout='"2s"'), code, says)


def test_a_namespace_that_is_not_there_is_not_an_empty_one(clusters: Clusters, tmp_path: Path) -> None:
    """No pods, all fine, is what a LIST of it looks like."""
    run = gated(clusters, tmp_path, clusters.kubeconfig(NOTHING), namespace='"no-such"')
    assert_one_cause(run, "cluster.namespace.missing", r"no namespace no-such")


@pytest.mark.parametrize(("trouble", "first"), [("busy", 1), ("hangs up", 10_000)])
def test_a_passing_trouble_passes(clusters: Clusters, tmp_path: Path, trouble: Trouble, first: int) -> None:
    """A 429 is waited for as long as its Retry-After says; a kept connection that ended is opened again."""
    with front(clusters.kubeconfig(NOTHING), tmp_path, trouble, first) as file:
        run = gated(clusters, tmp_path, file)
    assert (run.status, run.verdict["verdict"]) == (0, "pass"), run.output


@pytest.mark.parametrize(
    ("trouble", "code", "says"),
    [("busy", "cluster.api.throttled", r"429"), ("closes", "cluster.api.unreachable", r"closed")],
)
def test_a_lasting_trouble_is_a_cause(
    clusters: Clusters, tmp_path: Path, trouble: Trouble, code: str, says: str
) -> None:
    """And not a guess about the namespace."""
    with front(clusters.kubeconfig(NOTHING), tmp_path, trouble, first=10_000) as file:
        assert_one_cause(gated(clusters, tmp_path, file), code, says)
