"""A cache that lets nobody in, or not this login: which of the many reasons it is (B17, C1, E42)."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config.models import CacheTarget
from pytest_prodcheck.diagnosis import resp, transport
from pytest_prodcheck.observe.cache import Reading
from pytest_prodcheck.observe.evidence import READY, Evidence
from pytest_prodcheck.observe.finding import Finding
from pytest_prodcheck.observe.observation import ERROR_CLASSES, Observation

_SPEAKS = {"tls": "cache.tls.required", "plain": "cache.tls.not_offered"}
_LINE_BREAK = "; it ends in white space, as one that was created by echo without -n"


def ready(name: str, evidence: Evidence) -> list[Finding]:
    """Our reader logged in and PING was answered (B17, E22)."""
    return [failure(name, seen, evidence.facts) for seen in evidence.observations if not seen.expected][:1]


def mode(name: str, table: CacheTarget, evidence: Evidence) -> list[Finding]:
    """It is what the table says: of a cluster that is not declared, one node's figures would speak for all of it; and
    a sentinel holds no keys."""
    reading: Reading | None = evidence.facts.get("reading")
    modes = {node.mode for node in reading.nodes} if reading else set()
    data = {**_plain(evidence.observations[0].data), "speaks": "Redis Sentinel"}
    if "cluster" in modes and not table.cluster:
        message = "the server is a node of a cluster, and cluster = true is not declared: the other nodes are not read"
        return [Finding(READY, name, message, "cache.cluster.not_declared", seen="redis_mode:cluster", data=data)]
    if "sentinel" in modes:
        message = "a sentinel answers there, and no server: it holds no keys (service names what it watches)"
        return [Finding(READY, name, message, "cache.port.wrong_service", seen="redis_mode:sentinel", data=data)]
    return []


def failure(name: str, seen: Observation, facts: Mapping[str, object]) -> Finding:
    """The finding of a connection that failed, classified by the server's code word, or by what the port is."""
    code = _code(seen)
    told = seen.message or ERROR_CLASSES.get(seen.error, seen.error)
    ends = code == "cache.auth.rejected" and seen.data.get("password_ends_in_white_space")
    message = f"{seen.operation}: {told}{_LINE_BREAK if ends else ''}"
    remedy = "write the secret again, without the line break at its end (printf, or echo -n)" if ends else ""
    known = {key: facts[key] for key in ("asked_as",) if key in facts}
    data = {**_plain(seen.data), **known, "word": seen.code, "error": seen.error, "text": told}
    subject = seen.subject or str(seen.data.get("user", ""))
    return Finding(READY, name, message, code, seen=told, subject=subject, remedy=remedy, data=data)


def _code(seen: Observation) -> str:
    if seen.code:
        code = resp.classify(seen.code, seen.message)
        return "cache.auth.required" if code == "cache.auth.rejected" and seen.data.get("no_password") else code
    speaks = str(seen.data.get("speaks", ""))
    if speaks:
        return _SPEAKS.get(speaks, "cache.port.wrong_service")
    return transport.CACHE.get(seen.error, "unknown")


def _plain(data: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in data.items() if key not in ("certificate", "tls")}
