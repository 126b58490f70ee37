"""The cluster as the lowest layer: which of its causes explain what fails above it, and when (R3, R4, R18, R19)."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator

from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.diagnosis import bodies, wiring
from pytest_prodcheck.diagnosis.conditions import always
from pytest_prodcheck.diagnosis.relation import Relation
from pytest_prodcheck.diagnosis.signs import Sign

_DEPENDENCIES = ("database.", "cache.", "auth.idp.", "auth.session_secret.")
"""Layers whose failure makes a program end; what else its last words name is its own."""
_SAY_HOW_IT_ENDED = ("cluster.container.crash_loop", "cluster.job.failed", "cluster.pod.not_ready")
_ACCESS = ("cluster.api.", "cluster.credential.", "cluster.tls.", "cluster.kubeconfig.", "cluster.client.")
_ASIDE = (
    *_ACCESS, "cluster.rbac.",
    "cluster.namespace.", "cluster.cronjob.", "cluster.image.wrong", "cluster.image.digests_differ",
    "cluster.rollout.replicas_differ", "cluster.rollout.not_observed", "cluster.compose.unknown_key",
    "cluster.compose.invalid_value", "cluster.compose.not_recreated", "cluster.argocd.", "cluster.helm.",
    "cluster.certificate.", "cluster.operator.", "cluster.external_secret.", "cluster.probe.missing",
    "cluster.resources.", "cluster.hpa.", "cluster.pdb.", "cluster.image.latest",
)  # fmt: skip
"""What we cannot see, and what is only on paper: nothing above it fails for that."""
_DATABASE = compiled(r"postgres|pgbouncer|patroni|timescale|(?:^|[-_])(?:pg|db|database)(?:[-_]|$)", re.IGNORECASE)
_NAME_SERVICE = compiled(r"(?:core|kube)-?dns", re.IGNORECASE)
_NO_VALUE = compiled(r"invalid url|fetch failed|enotfound|getaddrinfo|undefined|not a url|malformed", re.IGNORECASE)
_REFUSES = compiled(r"40[13]\b|unauthorized|authori[sz]|denied|forbidden|refuses the credential", re.IGNORECASE)
_DEEP = 6
_UNRESOLVED = compiled(
    r"(?:ENOTFOUND|EAI_AGAIN|UnknownHostException:|\blookup) ([\w.-]*\w)|resolve host [\"']?([\w.-]*\w)"
    r"|translate host name \\?\"([\w.-]+)"
)
"""The name that could not be looked up: Node.js, Java, Go, psycopg, libpq."""
_SERVER = compiled(r"server at \\?\"([\w.-]+)\\?\"(?: \([\da-f.:]+\))?, port (\d+)")
"""Where libpq asked; the quotes are escaped in a line of JSON."""

PODS = ("cluster.container.*", "cluster.pod.*", "cluster.image.*", "cluster.config.*", "cluster.volume.*",
        "cluster.node.*", "cluster.quota.*", "cluster.probe.*")  # fmt: skip
LOGGED = (
    "logs.exception.unhandled", "logs.record.grave", "logs.module.missing", "logs.memory.exhausted", "logs.disk.full",
    "logs.rejection.unhandled", "logs.client.bad_url", "logs.connection.refused", "logs.connection.timeout",
    "logs.startup.late", "logs.startup.errors", "logs.startup.unseen", "logs.source.incomplete",
)  # fmt: skip
"""What a program that cannot run says of it."""
_OF_ENDED = (
    "cluster.service.no_endpoints", "cluster.pdb.blocks", "cluster.argocd.degraded", "cluster.hpa.unable_to_scale",
    "cluster.rollout.in_progress", "cluster.rollout.old_version_serving", "cluster.rollout.deadline_exceeded",
    "cluster.rollout.too_few_replicas", "cluster.pod.starting", "cluster.pod.not_ready", "cluster.workload.no_pods",
)  # fmt: skip
"""What a workload is when its containers end."""
CONFIGURATION = ("cluster.config.key_missing", "cluster.config.key_empty", "cluster.config.secret_missing",
                 "cluster.config.bad_value", "cluster.config.changed_not_restarted")  # fmt: skip


def blinds(code: str) -> bool:
    """Whether it only keeps the runner from seeing what runs, so that nobody but us is hurt."""
    return code.startswith((*_ACCESS, "cluster.rbac.", "logs.source.forbidden", "logs.source.unreachable"))


def stops_services(cause: Sign, symptom: Sign) -> bool:
    """What runs suffers from it: it is no warning, nothing that we merely may not see, no difference on paper, and it
    leaves fewer pods than are wanted, or none is wanted. A rollout that hangs while all old pods serve breaks no
    request."""
    if not fails(cause, symptom) or cause.code.startswith(_ASIDE):
        return False
    available, wanted = cause.data.get("available"), cause.data.get("wanted")
    counted = isinstance(available, int) and isinstance(wanted, int)
    return not counted or not wanted or "restarts" in cause.data or available < wanted


def fails(cause: Sign, _symptom: Sign) -> bool:
    """It is no warning."""
    return cause.finding is None or cause.finding.severity == "error"


def stops_what_asks(cause: Sign, symptom: Sign) -> bool:
    """The same of what is no database: that one does not answer says its own pod alone. What a container says when it
    ends is for want of what it names, if of anything, and never of those who want it."""
    if symptom.kind == "database" or not stops_services(cause, symptom):
        return False
    return not said_at_the_end(symptom) or (not same_workload(cause, symptom) and is_wanted_by(cause, symptom))


def stops_what_wants_it(cause: Sign, symptom: Sign) -> bool:
    """The same of what a container says at its end alone."""
    return said_at_the_end(symptom) and stops_what_asks(cause, symptom)


def is_wanted_by(cause: Sign, symptom: Sign) -> bool:
    """A container that ended wanted it: its words name the cause's workload, service or object, it is the database that
    they are about, or a policy keeps that workload out; a node hurts whoever is on it."""
    client = str(cause.data.get("client") or "").rpartition("/")[2]
    if cause.code.startswith("cluster.node.") or (bool(client) and client == symptom.data.get("workload")):
        return True
    if symptom.code.startswith("database.") and is_the_databases(cause, symptom):
        return True
    said = f"{symptom.data.get('text', '')} {symptom.data.get('log', '')}"
    names = (str(cause.data.get(key) or "") for key in ("service", "workload", "object"))
    return any(name and _has_word(said, name) for name in names)


def ends_it(cause: Sign, symptom: Sign) -> bool:
    """Containers of that workload end because of it."""
    return said_at_the_end(cause) and wiring.same_workload(cause, symptom)


def said_at_the_end(sign: Sign) -> bool:
    """A container's last words, which `dependency` took for what they name."""
    return sign.revealed and sign.kind == "cluster"


def is_the_databases(cause: Sign, symptom: Sign) -> bool:
    """The pod is the database's, by its name or by that of the host which does not answer."""
    names = [str(cause.data.get(key, "")) for key in ("workload", "pod", "image")]
    host = str(symptom.data.get("host") or "").partition(":")[0].partition(".")[0]
    return any(_DATABASE.search(name) for name in names) or (bool(host) and host == names[0])


def is_the_name_service(cause: Sign, symptom: Sign) -> bool:
    """The cluster's own DNS is down, and somebody in it cannot look up a name."""
    names = (str(cause.data.get(key, "")) for key in ("workload", "pod"))
    return symptom.revealed and any(_NAME_SERVICE.search(name) for name in names)


def keeps_the_old(cause: Sign, _symptom: Sign) -> bool:
    """An earlier version serves, because of it (R18)."""
    return "serving" in cause.data or cause.code.startswith(("cluster.rollout.", "cluster.image.wrong"))


def refuses_us(cause: Sign, symptom: Sign) -> bool:
    """The registry refuses who pulls, and the Secret that should say who that is, is not there."""
    said = f"{symptom.data.get('text', '')} {symptom.message}"
    return "imagePullSecrets" in cause.message and same_workload(cause, symptom) and bool(_REFUSES.search(said))


def waits_for_it(cause: Sign, symptom: Sign) -> bool:
    """The scheduler names claims that are not bound, and this one is wanted by that workload."""
    said = f"{symptom.data.get('text', '')} {symptom.message}"
    return "persistentvolumeclaim" in said.lower() and same_workload(cause, symptom)


def same_workload(cause: Sign, symptom: Sign) -> bool:
    """Both are about one workload."""
    mine, theirs = cause.data.get("workload"), symptom.data.get("workload")
    return bool(mine) and mine == theirs


def has_a_reason(cause: Sign, symptom: Sign) -> bool:
    """The same, and the cause is more than that a pod has only begun to start."""
    return cause.code != "cluster.pod.starting" and same_workload(cause, symptom)


def is_needed_by(cause: Sign, symptom: Sign) -> bool:
    """The words of the symptom name the key or the object; or both are about one workload."""
    said = f"{symptom.data.get('text', '')} {symptom.data.get('log', '')} {symptom.message}"
    names = [str(cause.data.get(key, "")) for key in ("key", "object")]
    return same_workload(cause, symptom) or any(name and _has_word(said, name) for name in names)


def _has_word(said: str, name: str) -> bool:
    """`plan` is no word of `plan-app`."""
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", said) is not None


def lacks_a_value(cause: Sign, symptom: Sign) -> bool:
    """The words of the symptom are those of a value that is none, or name the key."""
    said = f"{symptom.data.get('text', '')} {symptom.message}"
    key = str(cause.data.get("key", ""))
    return bool(_NO_VALUE.search(said)) or (bool(key) and _has_word(said, key))


def misled(cause: Sign, symptom: Sign) -> bool:
    """A container says at its end what it did not reach, and what told it where to look is wrong."""
    return said_at_the_end(symptom) and fails(cause, symptom) and is_needed_by(cause, symptom)


def said_inside(_cause: Sign, symptom: Sign) -> bool:
    """It was said by what runs in the cluster, and not seen from here."""
    return symptom.revealed


def dependency(sign: Sign) -> Sign:
    """A program that ends because a dependency refuses it says so in its last words: then the dependency's cause is
    what is looked for, and the crash loop shows it (R1)."""
    log = str(sign.data.get("log") or sign.data.get("text") or "")
    if sign.code not in _SAY_HOW_IT_ENDED or not log:
        return sign
    reason = bodies.reveal(log) or bodies.reveal(_told(log))
    if reason is None or not reason.code.startswith(_DEPENDENCIES):
        return sign
    facts = {**sign.data, **reason.data, **_where(reason, log)}
    return Sign(sign.check, sign.target, reason.code, sign.criterion, facts, sign.message, None, True)


def _where(reason: bodies.Reason, log: str) -> dict[str, str]:
    """Host and port that a container did not reach, where its words name them."""
    if ".dns." in reason.code:
        unknown = _UNRESOLVED.search(log)
        return {"host": next(filter(None, unknown.groups()))} if unknown else {}
    if ".tcp." not in reason.code:
        return {}
    if said := _SERVER.search(log):
        return {"host": said[1], "port": said[2]}
    host, _, port = reason.data.get("asked", "").replace("`", "").rpartition(":")
    return {"host": host, "port": port} if host and port else {}


def _told(log: str) -> str:
    """What lines that are JSON say, text by text: a logger puts its own keys around a driver's words."""
    said: list[str] = []
    for line in log.splitlines():
        with contextlib.suppress(ValueError, RecursionError):
            said += _texts(json.loads(line) if line[:1] == "{" else "", _DEEP)
    return "\n".join(said)


def _texts(value: object, deep: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list) and deep:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner, deep - 1)


RELATIONS: tuple[Relation, ...] = (
    Relation(CONFIGURATION, ("cluster.container.crash_loop", "cluster.job.failed", "cluster.pod.not_ready"),
             is_needed_by, "R3"),
    Relation(("cluster.config.secret_missing",), ("cluster.image.pull_failed",), refuses_us, "R3"),
    Relation(("cluster.volume.claim_unbound",), ("cluster.pod.unschedulable", "cluster.volume.mount_failed"),
             waits_for_it, "R3"),
    Relation(("cluster.node.lost",), ("cluster.pod.terminating", "cluster.pod.not_ready", "cluster.pod.failed"),
             same_workload, "R3"),
    Relation(PODS, ("cluster.rollout.in_progress", "cluster.rollout.old_version_serving", "cluster.pod.starting",
             "cluster.rollout.deadline_exceeded", "cluster.rollout.too_few_replicas", "cluster.workload.no_pods"),
             has_a_reason, "R18"),
    Relation(("cluster.rollout.*",), ("cluster.pod.starting",), same_workload, "R18"),
    Relation((*PODS, "cluster.rollout.*"), ("http.revision.old_version_serving", "http.revision.mixed"),
             keeps_the_old, "R18"),
    Relation(CONFIGURATION, ("database.dns.not_found", "database.tcp.refused", "database.tcp.timeout",
             "cache.tcp.refused", "cache.tcp.timeout"), misled, "A13, R3"),
    Relation(("cluster.config.changed_not_restarted",), ("database.auth.password_rejected", "cache.auth.rejected",
             "auth.client.rejected", "auth.secret.replicas_disagree"), said_inside, "R4, R19"),
    Relation(("cluster.config.changed_not_restarted",), ("auth.secret.replicas_disagree",), source="R19"),
    Relation(("cluster.config.changed_not_restarted",), ("server_error", "graphql_error", "database_error", "login",
             "websocket_error", "rate", "undecided"), stops_services, "R4"),
    Relation(("cluster.config.bad_value", "cluster.config.key_empty"), ("server_error", "graphql_error", "login",
             "websocket_error"), lacks_a_value, "A13"),
    Relation(("cluster.container.*", "cluster.pod.*", "cluster.node.*", "cluster.deployment.*", "cluster.rollout.*"),
             ("database.dns.not_found", "database.tcp.refused", "database.tcp.timeout", "database.connection.dropped",
              "database.server.starting", "database.server.restarted", "database.query.timeout"),
             is_the_databases, "R3"),
    Relation(("cluster.container.*", "cluster.pod.*", "cluster.node.*", "cluster.deployment.*"),
             ("database.dns.not_found", "cache.dns.not_found", "auth.idp.unreachable"), is_the_name_service, "R2"),
    Relation(tuple(f"{code}*" for code in _ACCESS), ("logs.source.forbidden", "logs.source.unreachable"), always,
             "pod logs come from the same API server"),
    Relation(tuple(f"{code}*" for code in _DEPENDENCIES), (*_OF_ENDED, *LOGGED), ends_it,
             "R1, R3: what is left of a workload that ends for want of something"),
    Relation(PODS, LOGGED, has_a_reason, "B1, B27: the log of a pod that ends says why"),
    Relation((*PODS, "cluster.rollout.*", "cluster.deployment.*"), ("logs.traffic.none", "logs.source.empty"), fails,
             "R18: nobody asks pods that are not ready"),
    Relation(("cluster.*",), ("cache.tcp.refused", "cache.tcp.timeout"), stops_what_wants_it,
             "R3"),
    Relation(("cluster.*",), ("server_error", "websocket_error", "transport", "slow", "rate", "undecided",
             "database_error", "login", "unhealthy"), stops_what_asks, "R3"),
)  # fmt: skip
