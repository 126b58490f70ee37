"""How an API server is found and who we are to it: kubeconfigs, service accounts, plugins; one clear cause each."""

from __future__ import annotations

import json
import os
import re
import time
import tracemalloc
from pathlib import Path
from typing import Any

import kubeconfigs
import pytest
from small_server import serving

from pytest_prodcheck.config.models import ClusterTarget
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.targets.kubernetes.kubeconfig import access
from pytest_prodcheck.targets.kubernetes.problem import ApiProblem


def problem(file: Path, **options: Any) -> ApiProblem:
    """What keeps the version from being read."""
    with pytest.raises(ApiProblem) as raised:
        kubeconfigs.api(file, **options).version()
    return raised.value


def test_an_unknown_context_lists_the_known(tmp_path: Path) -> None:
    """So that a typo is seen at once."""
    file = kubeconfigs.write(tmp_path / "config")
    with pytest.raises(ApiProblem, match=r"context staging is not in .*config; known: lab") as raised:
        access("cluster", ClusterTarget(context="staging", kubeconfig=str(file)), {})
    assert raised.value.code == "cluster.kubeconfig.context_unknown"


def test_a_missing_file_says_where_was_looked(tmp_path: Path) -> None:
    """Every place is named."""
    table = ClusterTarget(context="lab", kubeconfig=str(tmp_path / "none"))
    with pytest.raises(ApiProblem, match=r"no kubeconfig: looked for .*none") as raised:
        access("cluster", table, {})
    assert raised.value.code == "cluster.kubeconfig.missing"


@pytest.mark.parametrize("text", ["{", "[]", "contexts: 3", "clusters: []\ncontexts: []\nusers: [{name: x}]", "\x00"])
def test_what_is_no_kubeconfig_is_said(text: str, tmp_path: Path) -> None:
    """Whatever stands in the file."""
    (tmp_path / "config").write_text(text)
    with pytest.raises(ApiProblem) as raised:
        access("cluster", ClusterTarget(context="lab", kubeconfig=str(tmp_path / "config")), {})
    assert raised.value.code in ("cluster.kubeconfig.invalid", "cluster.kubeconfig.context_unknown")


def test_several_files_are_merged_as_kubectl_does(tmp_path: Path) -> None:
    """The first file that names a thing wins; relative paths are relative to their own file."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a/config").write_text("contexts: [{name: lab, context: {cluster: far, user: me}}]\nclusters: []\n")
    (tmp_path / "b/config").write_text(
        "contexts: []\nclusters: [{name: far, cluster: {server: 'https://far.test', certificate-authority: ca.pem}}]\n"
        "users: [{name: me, user: {tokenFile: token}}]\n"
    )
    found = access("cluster", ClusterTarget(context="lab"), {"KUBECONFIG": f"{tmp_path}/a/config:{tmp_path}/b/config"})
    assert (found.server, found.namespace, found.folder) == ("https://far.test", "default", tmp_path / "b")
    assert found.kubectl == "kubectl --context lab -n default"


def test_a_pod_takes_its_service_account(tmp_path: Path) -> None:
    """Server from the environment, token, authority and namespace from the mounted files."""
    for name, text in {"token": "t0ken", "namespace": "plan-prod\n", "ca.crt": ""}.items():
        (tmp_path / name).write_text(text)
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    found = access("cluster", ClusterTarget(in_cluster=True), environ, tmp_path)
    assert (found.server, found.namespace) == ("https://[fd00::1]:443", "plan-prod")
    assert found.user is not None
    assert found.user.token_file == str(tmp_path / "token")


def test_outside_of_a_pod_that_is_said(tmp_path: Path) -> None:
    """And what to do instead."""
    with pytest.raises(ApiProblem, match="this is no pod: KUBERNETES_SERVICE_HOST is not set") as raised:
        access("cluster", ClusterTarget(in_cluster=True), {}, tmp_path)
    assert "name a context" in raised.value.remedy


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_plugin_gives_the_token(version: str, tmp_path: Path) -> None:
    """ExecCredential v1 and v1beta1; the plugin learns which one, and that there is no terminal."""
    script = (
        f'echo "$KUBERNETES_EXEC_INFO" > {tmp_path}/told; '
        """echo '{"status": {"token": "canary-of-the-plugin"}}'"""
    )
    user = kubeconfigs.plugin(tmp_path, script)
    user["exec"]["apiVersion"] = f"client.authentication.k8s.io/{version}"
    redactor = Redactor()
    with serving() as server:
        server.routes["GET /version"] = (200, {}, kubeconfigs.VERSION)
        file = kubeconfigs.write(tmp_path / "config", server.url, user)
        assert kubeconfigs.api(file, redactor=redactor).version() == "v1.34.4"
    assert server.asked[0].headers["authorization"] == "Bearer canary-of-the-plugin"
    told = json.loads((tmp_path / "told").read_text())
    assert told["apiVersion"].endswith(f"/{version}")
    assert told["spec"] == {"interactive": False}
    assert "canary" not in redactor.scrub("it is canary-of-the-plugin")


@pytest.mark.parametrize(
    ("script", "code", "says"),
    [
        ("exit 3", "unusable", "ended with 3"),
        ("echo log in first >&2; exit 1", "unusable", "ended with 1: log in first"),
        ("echo hello", "unusable", "its answer is not JSON"),
        ("echo '[]'", "unusable", "no ExecCredential"),
        ("""echo '{"status": {}}'""", "unusable", "neither a token nor a certificate"),
        ("sleep 60", "timeout", "gave no answer within 0.3 s"),
    ],
)
def test_a_plugin_that_fails_is_named(script: str, code: str, says: str, tmp_path: Path) -> None:
    """How it ended; one that hangs is ended with all that it started."""
    file = kubeconfigs.write(tmp_path / "config", user=kubeconfigs.plugin(tmp_path, script))
    started = time.monotonic()
    found = problem(file, timeout=0.3)
    assert found.code == f"cluster.credential.{code}"
    assert says in str(found)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("content", "args", "says"),
    [(b"\x00\x01", [], "Exec format error"), (b"", [], "Exec format error"),
     (b"#!/no/such/interpreter\n", [], "No such file"), (b"#!/bin/sh\n", ["a\x00b"], "embedded null byte")],
)  # fmt: skip
def test_a_plugin_that_cannot_be_run_is_named(content: bytes, args: list[str], says: str, tmp_path: Path) -> None:
    """A program of another machine, an empty file, an interpreter that is not installed here."""
    user = kubeconfigs.plugin(tmp_path, "", args=args)
    (tmp_path / "plugin").write_bytes(content)
    found = problem(kubeconfigs.write(tmp_path / "config", user=user))
    assert found.code == "cluster.credential.unusable"
    assert re.search(rf"credential plugin .*plugin cannot be run: {says}", str(found))


@pytest.mark.parametrize(
    ("script", "code", "says"),
    [
        ("exec yes canary-without-an-end", "cluster.credential.unusable", "prints more than 1 MiB"),
        ("exec yes canary-without-an-end >&2", "cluster.credential.timeout", "no answer within 1 s"),
        ("yes | head -c 3000000 >&2; echo it is me >&2; exit 7", "cluster.credential.unusable", "7: .*it is me$"),
    ],
    ids=["prints", "complains", "complains and ends"],
)
def test_a_plugin_that_does_not_stop_printing_is_ended(script: str, code: str, says: str, tmp_path: Path) -> None:
    """What it prints is bounded, and does not fill the memory until its time is over; no process is left of it."""
    file = kubeconfigs.write(
        tmp_path / "config", user=kubeconfigs.plugin(tmp_path, f"echo $$ > {tmp_path}/pid\n{script}")
    )
    tracemalloc.start()
    with pytest.raises(ApiProblem) as caught:
        kubeconfigs.api(file, timeout=1 if "within" in says else 30)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (caught.value.code, bool(re.search(says, str(caught.value)))) == (code, True), caught.value
    assert "canary" not in str(caught.value)
    assert peak < 16 * 2**20
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


def test_a_token_in_the_last_words_of_a_plugin_is_masked(tmp_path: Path) -> None:
    """Nobody has registered it: the plugin failed before it gave one."""
    said = "ID token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlc2lnbmF0dXJl password=canary-of-the-plugin"
    user = kubeconfigs.plugin(tmp_path, f"echo '{said}' >&2; exit 1")
    found = problem(kubeconfigs.write(tmp_path / "config", user=user))
    assert str(found).endswith("ended with 1: ID token [redacted] password=[redacted]")


def test_what_a_kubeconfig_gives_its_plugin_is_not_repeated(tmp_path: Path) -> None:
    """Its `env`, and arguments by the names of secrets, whatever form they have."""
    facts = {
        "env": [{"name": "ACCOUNT", "value": "canary of the  env"}],
        "args": ["get-token", "--client-secret", "canary-behind", "--api-token=canary-within", "--region=north"],
    }
    user = kubeconfigs.plugin(tmp_path, 'echo "refused: $ACCOUNT $*" >&2; exit 1', **facts)
    found = problem(kubeconfigs.write(tmp_path / "config", user=user))
    assert "canary" not in str(found)
    assert str(found).endswith("--api-token=[redacted] --region=north")


def test_a_plugin_that_is_absent_says_how_to_install_it(tmp_path: Path) -> None:
    """The kubeconfig's own hint, where it has one."""
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "no-such-plugin",
            "installHint": "get it\nthere",
        }
    }
    found = problem(kubeconfigs.write(tmp_path / "config", user=user))
    assert "no-such-plugin is not installed" in str(found)
    assert found.remedy == "get it there"


def test_a_plugin_of_another_version_is_said(tmp_path: Path) -> None:
    """v1alpha1 is gone from Kubernetes."""
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1alpha1", "command": os.devnull}}
    assert "neither v1 nor v1beta1" in str(problem(kubeconfigs.write(tmp_path / "config", user=user)))


def test_a_token_file_is_read_again_when_it_is_refused(tmp_path: Path) -> None:
    """A service account's token is rotated while we run."""
    (tmp_path / "token").write_text("old-token\n")
    with serving() as server:

        def version(asked: Any) -> tuple[int, dict[str, str], Any]:
            (tmp_path / "token").write_text("new-token\n")
            right = asked.headers["authorization"] == "Bearer new-token"
            return (200, {}, kubeconfigs.VERSION) if right else (401, {}, {"message": "Unauthorized"})

        server.routes["GET /version"] = version
        file = kubeconfigs.write(tmp_path / "config", server.url, {"tokenFile": "token"})
        assert kubeconfigs.api(file).version() == "v1.34.4"


def test_a_refused_token_is_said(tmp_path: Path) -> None:
    """401 with a token that does not say when it ends."""
    with serving() as server:
        server.routes["GET /version"] = (401, {}, {"message": "Unauthorized"})
        found = problem(kubeconfigs.write(tmp_path / "config", server.url))
    assert found.code == "cluster.credential.rejected"
    assert "does not know us (401): Unauthorized" in str(found)


@pytest.mark.parametrize(
    ("cluster", "user", "says"),
    [
        ({"insecure-skip-tls-verify": True}, {}, "cluster lab of .* says insecure-skip-tls-verify"),
        ({"proxy-url": "socks5://127.0.0.1:1080"}, {}, "proxy-url is of socks5, and only http:// is spoken"),
        ({"tls-server-name": 7}, {}, "tls-server-name and proxy-url are texts"),
        ({}, {"as": "admin", "as-groups": ["system:masters"]}, "user reader of .* says as, as-groups"),
    ],
)
def test_what_is_not_done_is_refused_and_not_ignored(
    cluster: dict[str, Any], user: dict[str, Any], says: str, tmp_path: Path
) -> None:
    """Keys of a kubeconfig without which kubectl would go another way, or see more or less."""
    file = kubeconfigs.write(tmp_path / "config", user={"token": "t", **user}, **cluster)
    with pytest.raises(ApiProblem, match=says) as raised:
        access("cluster", ClusterTarget(context="lab", kubeconfig=str(file)), {})
    assert raised.value.code == "cluster.kubeconfig.invalid"


@pytest.mark.parametrize(
    "server", ["https://me:canary@127.0.0.1:1", "https://127.0.0.1:1/?token=canary", "canary", "https://canary:x/"]
)
def test_a_server_that_is_no_plain_url_is_one_cause(server: str, tmp_path: Path) -> None:
    """Said before anything is sent, and without what stands in it."""
    found = problem(kubeconfigs.write(tmp_path / "config", server))
    assert found.code == "cluster.kubeconfig.invalid"
    assert "canary" not in str(found)


def test_a_server_may_be_below_a_path(tmp_path: Path) -> None:
    """As Rancher gives them; what is not below it is not asked."""
    with serving() as server:
        server.routes["GET /k8s/clusters/c-1/version"] = (200, {}, kubeconfigs.VERSION)
        api = kubeconfigs.api(kubeconfigs.write(tmp_path / "config", f"{server.url}/k8s/clusters/c-1/"))
        assert api.version() == "v1.34.4"


def test_the_proxy_of_a_kubeconfig_is_taken(tmp_path: Path) -> None:
    """`proxy-url`, unless the target names one itself."""
    with serving() as server:
        server.routes["GET http://api.test/version"] = (200, {}, kubeconfigs.VERSION)
        file = kubeconfigs.write(tmp_path / "config", "http://api.test", {}, **{"proxy-url": server.url})
        assert kubeconfigs.api(file).version() == "v1.34.4"
        file = kubeconfigs.write(tmp_path / "config", "http://api.test", {}, **{"proxy-url": "http://127.0.0.1:1"})
        assert kubeconfigs.api(file, proxy=server.url).version() == "v1.34.4"


@pytest.mark.parametrize(
    "cluster",
    [
        {"certificate-authority-data": "bm8gY2VydGlmaWNhdGU="},
        {"certificate-authority-data": "%%%"},
        {"certificate-authority": "none.pem"},
    ],
)
def test_an_authority_that_is_none_is_said(cluster: dict[str, str], tmp_path: Path) -> None:
    """Not PEM, not base64, not there."""
    found = problem(kubeconfigs.write(tmp_path / "config", "https://127.0.0.1:1", **cluster))
    assert found.code == "cluster.kubeconfig.invalid"
    assert "certificates of the kubeconfig cannot be used" in str(found)


@pytest.mark.parametrize("user", [None, {"username": "a", "password": "canary-token"}, {"tokenFile": "token"}])
def test_no_credential_is_sent_in_the_clear(user: dict[str, str] | None, tmp_path: Path) -> None:
    """As kubectl sends none over http://; not through a proxy of this machine either, and nothing at all is asked."""
    (tmp_path / "token").write_text("canary-token-of-a-file")
    with serving() as server:
        server.routes["GET http://api.test/version"] = (200, {}, kubeconfigs.VERSION)
        found = problem(kubeconfigs.write(tmp_path / "config", "http://api.test", user, **{"proxy-url": server.url}))
        assert found.code == "cluster.credential.unusable"
        assert "http://api.test: our credential is not sent in the clear" in str(found)
        assert "canary" not in f"{found} {found.remedy}"
        assert server.asked == []


def test_a_plugin_is_not_even_run_for_an_address_without_tls(tmp_path: Path) -> None:
    """What it would give could not be sent."""
    user = kubeconfigs.plugin(tmp_path, f"touch {tmp_path}/ran")
    assert (
        problem(kubeconfigs.write(tmp_path / "config", "http://api.test", user)).code == "cluster.credential.unusable"
    )
    assert not (tmp_path / "ran").exists()
