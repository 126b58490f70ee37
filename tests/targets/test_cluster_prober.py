"""The snapshot of a namespace: what is asked for, what is kept, and what a fixture gives of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kubeconfigs
import pytest
from small_server import Asked, Server, serving

from pytest_prodcheck.config.models import ClusterTarget, Environment, Requests
from pytest_prodcheck.config.models.cluster import Helm
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria.cluster import areas, configuration, permission
from pytest_prodcheck.errors import NotReady
from pytest_prodcheck.fixtures.cluster import ClusterFixture
from pytest_prodcheck.observe.evidence import Evidence, Standing
from pytest_prodcheck.targets.cluster.prober import ClusterProber
from pytest_prodcheck.targets.wire import Wire

HERE = "/api/v1/namespaces/plan-prod"
COLUMNS = ("Name", "Ready", "Status", "Restarts")


def table(rows: list[list[str]]) -> dict[str, Any]:
    """A server-side Table."""
    return {
        "kind": "Table", "metadata": {}, "columnDefinitions": [{"name": name} for name in COLUMNS],
        "rows": [{"cells": row} for row in rows],
    }  # fmt: skip


def answers(server: Server, rows: list[list[str]], pods: list[dict[str, Any]] | None = None) -> None:
    """A namespace with these pods, on a stand-in that says what a test wants."""

    def listed(asked: Asked) -> tuple[int, dict[str, str], Any]:
        return 200, {}, table(rows) if "as=Table" in asked.headers["accept"] else {"items": pods or []}

    server.routes |= {
        "GET /version": (200, {}, kubeconfigs.VERSION),
        f"GET {HERE}": (200, {}, {"metadata": {"name": "plan-prod"}}),
        f"GET {HERE}/pods": listed,
        f"GET {HERE}/events": (200, {}, {"items": [{"metadata": {"name": "e"}, "reason": "BackOff"}]}),
    }


def prober(server: Server, folder: Path, redactor: Redactor | None = None, **keys: Any) -> ClusterProber:
    """A prober of that namespace, whose checks of wiring are off."""
    known = redactor or Redactor()
    file = kubeconfigs.write(folder / "config", server.url)
    target = ClusterTarget(context="lab", kubeconfig=str(file), wiring=(), **keys)
    return ClusterProber(Wire(Requests(), known, "test"), "cluster", target, known, known.add, {})


def asked(server: Server, part: str) -> list[str]:
    """The paths that were asked for and have that part."""
    return [one.path for one in server.asked if part in one.path]


def test_thousands_of_pods_are_one_table_and_no_object(tmp_path: Path) -> None:
    """Requests do not grow with the number of healthy pods."""
    with serving() as server:
        answers(server, [[f"app-5d9f-{number:05}", "1/1", "Running", "0"] for number in range(5000)])
        found = prober(server, tmp_path).ready()
        assert len(asked(server, "/pods")) == 1
    assert len(found.facts["cluster"].tables["pods"].rows) == 5000


def test_of_many_bad_pods_a_few_of_a_kind_are_read(tmp_path: Path) -> None:
    """Two of each owner and status, and the last words of what crashed."""
    rows = [[f"app-5d9f-{number:05}", "1/1", "Running", "0"] for number in range(100)]
    rows += [[f"bad-77aa-{number:05}", "0/1", "CrashLoopBackOff", "9 (1m ago)"] for number in range(50)]
    state = {"name": "app", "lastState": {"terminated": {"exitCode": 1}}, "state": {"waiting": {}}}
    redactor = Redactor()
    redactor.add("canary-of-the-log", "a secret")
    with serving() as server:
        answers(server, rows)
        for number in range(50):
            name = f"bad-77aa-{number:05}"
            pod = {"metadata": {"name": name}, "status": {"containerStatuses": [state]}}
            server.routes[f"GET {HERE}/pods/{name}"] = (200, {}, pod)
            said = b"one\n\x1b[31mpassword canary-of-the-log\n\xff\n"
            server.routes[f"GET {HERE}/pods/{name}/log"] = (200, {"content-type": "text/plain"}, said)
        found = prober(server, tmp_path, redactor).ready().facts["cluster"]
        assert len(asked(server, "/pods/bad")) == 4
        assert all("previous=true" in path for path in asked(server, "/log"))
    assert len(found.objects["pods"]) == 2
    assert all("canary" not in tail and "\x1b" not in tail and "one" in tail for tail in found.tails.values())


def test_values_of_secrets_are_gone_when_the_snapshot_is_there(tmp_path: Path) -> None:
    """Only the named Secret is asked for, and only its keys are kept (T8)."""
    with serving() as server:
        answers(server, [])
        secret = {"metadata": {"name": "plan"}, "data": {"KEY": "Y2FuYXJ5LXZhbHVl"}}
        server.routes[f"GET {HERE}/secrets/plan"] = (200, {}, secret)
        known = prober(server, tmp_path, secrets={"plan": ("KEY",), "none": ("KEY",)})
        found = known.ready()
        assert asked(server, "/secrets") == [f"{HERE}/secrets/plan", f"{HERE}/secrets/none"]
    assert list(found.facts["cluster"].secrets["plan"].keys) == ["KEY"]
    assert found.facts["cluster"].secrets["none"] is None
    assert "canary" not in repr(found)
    assert "Y2FuYXJ5" not in repr(found)


def test_all_that_was_refused_by_name_is_one_rule(tmp_path: Path) -> None:
    """Not only the last of them; what could be read is judged (R22)."""
    with serving() as server:
        answers(server, [])
        server.routes[f"GET {HERE}/secrets/plan"] = (200, {}, {"metadata": {"name": "plan"}, "data": {"KEY": "eA=="}})
        for name in ("mail", "billing"):
            server.routes[f"GET {HERE}/secrets/{name}"] = (403, {}, {"message": f"secrets {name} is forbidden"})
        wanted = dict.fromkeys(("plan", "mail", "billing", "none"), ("KEY",))
        found = prober(server, tmp_path, secrets=wanted).ready().facts["cluster"]
    missing, blocked = configuration.keys(found, "secrets", wanted, "cluster")
    assert (missing.code, missing.subject) == ("cluster.config.secret_missing", "none")
    assert '- {apiGroups: [""], resources: [secrets], resourceNames: [mail, billing], verbs: [get]}' in blocked.remedy
    assert "get secrets/mail, billing" in blocked.message
    assert blocked.next.endswith("auth can-i get secrets/mail")
    assert configuration.keys(found, "secrets", {"plan": ("KEY",)}, "cluster") == []


def test_a_right_that_another_promise_needs_blocks_none_of_this_one(tmp_path: Path) -> None:
    """Helm's secrets are listed, in another namespace; those of the promises are read by name."""
    with serving() as server:
        answers(server, [])
        server.routes[f"GET {HERE}/secrets/plan"] = (200, {}, {"metadata": {"name": "plan"}, "data": {"KEY": "eA=="}})
        server.routes["GET /api/v1/namespaces/platform/secrets"] = (403, {}, {"message": "secrets is forbidden"})
        release = Helm(release="plan", namespace="platform")
        found = prober(server, tmp_path, secrets={"plan": ("KEY",)}, helm=release).ready().facts["cluster"]
    assert configuration.keys(found, "secrets", {"plan": ("KEY",)}, "cluster") == []
    (refused,) = permission.needed(found, "cluster")
    assert "add to a Role of platform" in refused.remedy


@pytest.mark.parametrize(("status", "code"), [(500, "cluster.api.failing"), (401, "cluster.credential.rejected")])
def test_a_snapshot_that_cannot_be_read_whole_is_none(status: int, code: str, tmp_path: Path) -> None:
    """A part that fails for another reason than a right is no empty list."""
    with serving() as server:
        answers(server, [])
        server.routes[f"GET {HERE}/events"] = (status, {}, {"message": "x"})
        found = prober(server, tmp_path).ready()
    assert found.facts["problem"]["code"] == code
    assert "cluster" not in found.facts


@pytest.mark.parametrize("lost", COLUMNS)
def test_pods_without_a_column_are_no_healthy_pods(lost: str, tmp_path: Path) -> None:
    """A server, or what stands before it, that gives other columns, or no Table at all."""
    with serving() as server:
        answers(server, [])
        rows = table([])
        rows["columnDefinitions"] = [one for one in rows["columnDefinitions"] if one["name"] != lost]
        for body, said in ((rows, lost), ({"items": []}, "Name, Ready, Restarts, Status")):
            server.routes[f"GET {HERE}/pods"] = (200, {}, body)
            problem = prober(server, tmp_path).ready().facts["problem"]
            assert problem["code"] == "cluster.api.failing"
            assert problem["message"] == f"the API server gives pods without the columns {said}"


def test_what_every_server_should_serve_is_not_judged_where_it_is_not(tmp_path: Path) -> None:
    """404 for a kind of Kubernetes' own (an old server, a gateway that lets little through): blocked, never green."""
    with serving() as server:
        answers(server, [])
        known = prober(server, tmp_path)
        table = known.table = known.table.model_copy(update={"wiring": ("scaling", "quotas")})
        cluster = known.ready().facts["cluster"]
    (found, *_) = areas.judge(cluster, table, "cluster", "scaling")
    assert (found.code, found.severity) == ("cluster.api.not_found", "blocked")
    assert found.message == (
        "the API server does not serve horizontalpodautoscalers.autoscaling in autoscaling/v2: not judged"
    )
    assert {one.severity for one in areas.judge(cluster, table, "cluster", "quotas")} == {"blocked"}


@pytest.mark.parametrize("name", ["a; rm -rf ~ #", "\x1b[2J", "", "../x", "a b"])
def test_a_name_that_no_object_can_have_is_no_answer_of_an_api_server(name: str, tmp_path: Path) -> None:
    """It would stand in a command that somebody types."""
    for rows, events in (([[name, "1/1", "Running", "0"]], []), ([], [{"metadata": {"name": name}}])):
        with serving() as server:
            answers(server, rows)
            server.routes[f"GET {HERE}/events"] = (200, {}, {"items": events})
            problem = prober(server, tmp_path).ready().facts["problem"]
        assert problem["code"] == "cluster.api.failing"
        assert "with a name that none can have" in problem["message"]
        assert problem["message"].isprintable()


class Owner:
    """What a fixture asks: the standing of the target."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence

    def call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        """The standing."""
        assert (method, arguments) == ("standing", ("cluster",))
        return Standing("cluster", self.evidence)


def test_a_fixture_gives_the_snapshot_without_a_request(tmp_path: Path) -> None:
    """Rows of pods, warnings; what was not read, or may not be, is NotReady and never an empty list."""
    with serving() as server:
        answers(server, [["app-1", "1/1", "Running", "0"]])
        server.routes["GET /apis/apps/v1/namespaces/plan-prod/deployments"] = (403, {}, {"message": "forbidden"})
        known = prober(server, tmp_path, deployments={"app": 1})
        evidence, sent = known.ready(), len(server.asked)
        environment = Environment(name="s", targets={"cluster": known.table})
        fixture = ClusterFixture(environment, Owner(evidence), None, "cluster")  # type: ignore[arg-type]
        assert fixture.pods() == [dict(zip(COLUMNS, ("app-1", "1/1", "Running", "0"), strict=True))]
        assert [event["reason"] for event in fixture.events()] == ["BackOff"]
        with pytest.raises(NotReady, match=r"deployments.apps may not be read"):
            fixture.deployments()
        with pytest.raises(NotReady, match="were not read: declare one"):
            fixture.jobs()
        assert len(server.asked) == sent
