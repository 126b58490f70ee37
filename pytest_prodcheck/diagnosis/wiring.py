"""What connects the workloads of a cluster, as cause and as symptom (R2, R3, R4, R18, R19)."""

from __future__ import annotations

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.diagnosis.relation import Relation
from pytest_prodcheck.diagnosis.signs import Sign

_DATABASE = compiled(r"(?i)postgres|pgbouncer|patroni|timescale|(?:^|[-_])(?:pg|db|database)(?:[-_]|$)")
_NODES = ("cluster.node.lost", "cluster.node.not_ready", "cluster.node.pressure")
_SERVED = ("cluster.certificate.expired", "cluster.certificate.not_yet_valid", "cluster.certificate.wrong_host",
           "cluster.certificate.unreadable", "cluster.certificate.expires_soon")  # fmt: skip
_OF_PODS = ("cluster.container.*", "cluster.pod.*", "cluster.image.*", "cluster.config.*", "cluster.volume.*",
            "cluster.quota.exceeded", "cluster.probe.misconfigured", "cluster.rollout.*", "cluster.deployment.*",
            "cluster.workload.*", "cluster.replicaset.*")  # fmt: skip


def same_workload(cause: Sign, symptom: Sign) -> bool:
    """Both are about one workload; a service that selects none is about the one of its name."""
    mine = cause.data.get("workload")
    return bool(mine) and mine == (symptom.data.get("workload") or symptom.data.get("service"))


def same_name(cause: Sign, symptom: Sign) -> bool:
    """Both are about one Secret."""
    names = {cause.data.get("name"), cause.data.get("secret")} - {None, ""}
    return bool(names & {symptom.data.get("name"), symptom.data.get("secret"), symptom.data.get("object")})


def on_the_node(cause: Sign, symptom: Sign) -> bool:
    """The symptom's pod, or one of its workload, is on the cause's node."""
    pods, workload = cause.data.get("pods") or (cause.data.get("pod"),), str(symptom.data.get("workload") or "")
    there = symptom.data.get("pod") in pods or symptom.data.get("node") == cause.data.get("node")
    return there or (bool(workload) and any(str(pod).startswith(f"{workload}-") for pod in pods))


def with_the_database(cause: Sign, _symptom: Sign) -> bool:
    """A pod of the database is on the cause's node, by its name."""
    return any(_DATABASE.search(str(pod)) for pod in cause.data.get("pods") or ())


def same_application(cause: Sign, symptom: Sign) -> bool:
    """Argo CD is the one that says the revision, and the Application is the same."""
    return bool(cause.data.get("workload")) and cause.data["workload"] == symptom.data.get("application")


def keeps_out(cause: Sign, symptom: Sign) -> bool:
    """A NetworkPolicy by its name: whoever is inside does not reach the database; who asks it by its service's name
    does not either, where the policy admits nobody."""
    if not cause.data.get("policy"):
        return False
    host = str(symptom.data.get("host") or "").partition(":")[0].partition(".")[0]
    workload = str(cause.data.get("workload") or "").rpartition("/")[2]
    return symptom.revealed or (not cause.data.get("client") and host in (cause.data.get("service"), workload))


def replicas_disagree(cause: Sign, _symptom: Sign) -> bool:
    """Some replicas hold the value from before, some the one from after."""
    return bool(cause.data.get("replicas_disagree"))


RELATIONS: tuple[Relation, ...] = (
    Relation(_OF_PODS, ("cluster.service.no_endpoints", "cluster.pdb.blocks", "cluster.argocd.degraded",
             "cluster.hpa.unable_to_scale"), same_workload, "R3"),
    Relation(_NODES, ("cluster.pod.evicted", "cluster.pod.terminating", "cluster.pod.not_ready", "cluster.pod.failed",
             "cluster.rollout.too_few_replicas", "cluster.service.no_endpoints", "cluster.pdb.blocks"), on_the_node,
             "R3"),
    Relation(("cluster.node.lost", "cluster.node.not_ready"), ("database.tcp.refused", "database.tcp.timeout",
             "database.connection.dropped", "database.server.restarted"), with_the_database, "R3"),
    Relation(("database.network.blocked_from_cluster",), ("database.tcp.timeout",), keeps_out, "R2"),
    Relation(("cluster.quota.exceeded",), ("cluster.quota.nearly_used",)),
    Relation(("cluster.external_secret.not_synced",), ("cluster.config.secret_missing", "cluster.config.key_missing"),
             same_name, "R3"),
    Relation(("cluster.certificate.not_ready",), ("cluster.config.secret_missing",), same_name),
    Relation(_SERVED, ("cluster.certificate.not_ready",), same_name),
    Relation(_SERVED, ("http.tls.expired", "http.tls.expires_soon", "http.tls.not_yet_valid",
             "http.tls.hostname_mismatch", "auth.idp.certificate_expired"), source="R17"),
    Relation(("cluster.argocd.sync_failed",), ("cluster.argocd.out_of_sync", "cluster.argocd.condition",
             "cluster.argocd.degraded", "cluster.argocd.wrong_revision")),
    Relation(("cluster.argocd.sync_failed", "cluster.argocd.out_of_sync", "cluster.argocd.wrong_revision"),
             ("http.revision.old_version_serving", "cluster.image.wrong"), source="R18"),
    Relation(("cluster.revision.not_deployed",), ("cluster.argocd.wrong_revision",), same_application, "R18"),
    Relation(("cluster.config.changed_not_restarted",), ("rejected",), replicas_disagree, "R19"),
)  # fmt: skip
