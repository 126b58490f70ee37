"""What a reader of the API server gets: the same from the live lab and from its recording."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clusters import Clusters, recorded_file
from cryptography import x509
from record import NAMESPACED, TABLE, Reader
from record import path as where
from scenario import NOTHING, scenarios

from pytest_prodcheck.demo.cluster.answers import ApiServer
from pytest_prodcheck.demo.cluster.recording import HERE as DEMO
from pytest_prodcheck.demo.cluster.recording import recording

FILES = [DEMO / "healthy.json", *sorted(Path(__file__).parent.glob("recorded/*.json")), *sorted(DEMO.glob("faults/*"))]


@pytest.fixture
def reader(clusters: Clusters) -> Reader:
    """The gate's account on the healthy cluster."""
    return Reader(str(clusters.kubeconfig(NOTHING)))


@pytest.fixture
def here(clusters: Clusters) -> str:
    """The path of the healthy namespace's pods."""
    return where("pods", clusters.namespace(NOTHING))


def test_a_list_comes_in_pages(reader: Reader, here: str) -> None:
    """`limit` and `continue` lead through all objects, once each."""
    whole = [item["metadata"]["name"] for item in reader.json(here)["items"]]
    found, more = [], ""
    while True:
        page = reader.json(f"{here}?limit=2" + (f"&continue={more}" if more else ""))
        assert page["kind"] == "PodList"
        assert len(page["items"]) <= 2
        found += [item["metadata"]["name"] for item in page["items"]]
        more = page["metadata"].get("continue", "")
        if not more:
            break
    assert found == whole
    assert len(whole) == 5


@pytest.mark.parametrize(
    ("included", "kind"), [("None", None), ("Metadata", "PartialObjectMetadata"), ("Object", "Pod")]
)
def test_a_table_has_the_objects_that_are_asked_for(reader: Reader, here: str, included: str, kind: str | None) -> None:
    """`includeObject` says how much of each object stands beside its cells."""
    table = reader.json(f"{here}?includeObject={included}", TABLE)
    assert [column["name"] for column in table["columnDefinitions"]][:5] == [
        "Name",
        "Ready",
        "Status",
        "Restarts",
        "Age",
    ]
    assert {row["cells"][2] for row in table["rows"]} == {"Running", "Completed"}
    assert [(row["object"] or {}).get("kind") for row in table["rows"]] == [kind] * 5


@pytest.mark.parametrize(
    ("selector", "count"),
    [("app=plan-app", 2), ("app==hasura", 1), ("app!=hasura", 4), ("app in (hasura,postgres)", 2), ("missing", 0),
     ("app=plan-app,pod-template-hash", 2)],
)  # fmt: skip
def test_label_selectors_narrow(reader: Reader, here: str, selector: str, count: int) -> None:
    """Equality, sets and presence of labels."""
    assert len(reader.json(f"{here}?labelSelector={selector.replace(' ', '%20')}")["items"]) == count


def test_field_selectors_narrow(reader: Reader, clusters: Clusters) -> None:
    """Events of one object."""
    events = where("events", clusters.namespace(NOTHING))
    found = reader.json(f"{events}?fieldSelector=involvedObject.name=postgres-0,type=Normal")["items"]
    assert {event["involvedObject"]["name"] for event in found} == {"postgres-0"}
    assert reader.json(f"{events}?fieldSelector=type=Warning,involvedObject.name=nobody")["items"] == []


def test_one_object_has_its_kind(reader: Reader, here: str) -> None:
    """A GET of one name gives kind and version, which the items of a list do not have."""
    found = reader.json(f"{here}/postgres-0")
    assert (found["kind"], found["apiVersion"], found["metadata"]["name"]) == ("Pod", "v1", "postgres-0")


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [("/nobody", 404, 'pods "nobody" not found'), ("/postgres-0/log?container=wrong", 400, "wrong")],
)
def test_what_is_not_there_is_said(reader: Reader, here: str, more: str, status: int, said: str) -> None:
    """A Status object with the API server's words."""
    found, content = reader.get(here + more)
    assert (found, json.loads(content)["kind"]) == (status, "Status")
    assert said in json.loads(content)["message"]


def test_kinds_that_are_not_installed_are_not_found(reader: Reader, clusters: Clusters) -> None:
    """A custom resource without its definition is a 404 of another form."""
    status, content = reader.get(where("externalsecrets", clusters.namespace(NOTHING)))
    assert (status, content) == (404, b"404 page not found\n")


def test_an_empty_namespace_looks_like_none(reader: Reader) -> None:
    """A LIST in a namespace that does not exist is an empty list, not a failure: only a GET of the namespace tells."""
    assert reader.json(where("pods", "no-such"))["items"] == []
    assert reader.get("/api/v1/namespaces/no-such")[0] == 404


def test_logs_are_read_by_line(reader: Reader, here: str) -> None:
    """The last lines of a container, with their times where those are wanted."""
    lines = reader.get(f"{here}/postgres-0/log?container=postgres&tailLines=2&timestamps=true")[1].decode().splitlines()
    assert len(lines) == 2
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z LOG:  checkpoint complete", lines[1])
    assert reader.get(f"{here}/postgres-0/log")[1].decode().startswith("LOG:  starting PostgreSQL")


def test_the_cluster_is_of_today(reader: Reader, here: str) -> None:
    """Recorded times are moved to now."""
    started = datetime.fromisoformat(reader.json(f"{here}/postgres-0")["status"]["startTime"])
    assert timedelta() < datetime.now(UTC) - started < timedelta(days=3)


def test_secrets_can_be_read_by_who_may(reader: Reader, clusters: Clusters) -> None:
    """Their keys and lengths are the real ones, and the certificate is good for today."""
    secrets = where("secrets", clusters.namespace(NOTHING))
    data = reader.json(f"{secrets}/plan-secrets")["data"]
    assert len(base64.b64decode(data["DATABASE_PASSWORD"])) == len("canary-database-password")
    certificate = x509.load_pem_x509_certificate(
        base64.b64decode(reader.json(f"{secrets}/plan-tls")["data"]["tls.crt"])
    )
    assert certificate.not_valid_before_utc < datetime.now(UTC) < certificate.not_valid_after_utc
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["plan.example", "hasura.plan.example"]


def test_who_may_not_read_is_told(clusters: Clusters) -> None:
    """403 with the account, the verb and the resource."""
    reader = Reader(str(clusters.of_account("narrow")))
    namespace = clusters.namespace(NOTHING)
    for resource, said in (("secrets", "secrets is forbidden"), ("nodes", "nodes is forbidden")):
        status, content = reader.get(where(resource, namespace))
        document = json.loads(content)
        assert (status, document["reason"]) == (403, "Forbidden")
        assert document["message"].startswith(f'{said}: User "system:serviceaccount:lab:narrow" cannot list resource')
    assert reader.get(where("pods", namespace))[0] == 200
    pod = f"{where('pods', namespace)}/postgres-0/log"
    assert 'cannot get resource "pods/log"' in json.loads(reader.get(pod)[1])["message"]
    named = json.loads(reader.get(f"{where('secrets', namespace)}/plan-secrets")[1])["message"]
    assert named.startswith('secrets "plan-secrets" is forbidden: ')
    assert 'cannot get resource "secrets"' in named


def test_an_unknown_token_is_refused(reader: Reader, here: str) -> None:
    """401, before anything is said about what there is."""
    reader.token = "nobody.knows.me"
    status, content = reader.get(here)
    assert (status, json.loads(content)["message"]) == (401, "Unauthorized")


def test_every_scenario_is_recorded() -> None:
    """One file of differences a scenario, and none that no scenario makes."""
    assert {file.stem for file in FILES[1:]} == set(scenarios())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recording_holds_no_secret(file: Path) -> None:
    """Neither a value of the lab's secrets, nor a key, nor a token, nor what the lab tells its kubelets."""
    assert not re.search(r"canary|prodcheck-lab|PRIVATE KEY|eyJhbG|/tmp/|/root/", file.read_text("utf-8"))


def test_a_recording_looks_like_what_is_live(lab: dict[str, Any], clusters: Clusters) -> None:
    """Every list, as objects and as Table, has the same fields and columns on the lab today as in the recording."""
    live, now = Reader(str(clusters.kubeconfig(NOTHING))), ApiServer(recording(recorded_file(NOTHING)))
    for resource in NAMESPACED:
        path = where(resource, clusters.namespace(NOTHING))
        for accept in ("application/json", TABLE):
            body = now.get(path, {}, accept).body
            assert isinstance(body, dict)
            assert sorted(_shape(body, "")) == sorted(_shape(live.json(path, accept), "")), (resource, accept)


def _shape(value: object, path: str) -> set[str]:
    """The paths of a document's fields, without what is chance: annotations, owners of fields, ports of endpoints."""
    if isinstance(value, dict):
        left_out = {"annotations", "continue", "fieldPath", "managedFields", "optional"}
        return {path} | {
            each for key, inner in value.items() if key not in left_out for each in _shape(inner, f"{path}.{key}")
        }
    if isinstance(value, list):
        return {path} | {each for inner in value for each in _shape(inner, f"{path}[]")}
    return {path}
