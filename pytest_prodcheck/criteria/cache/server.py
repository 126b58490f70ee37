"""What kind of server it is: role, replicas, clients, persistence, version, cluster, sentinels (B17, B24)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.grammar import show_duration
from pytest_prodcheck.config.models import CacheTarget
from pytest_prodcheck.criteria.cache.about import broken, found, lost, silent, unread
from pytest_prodcheck.observe.cache import Reading, Watch
from pytest_prodcheck.observe.finding import Finding

_SLOTS = 16384
_VERSION = re.compile(r"(<=|>=|<|>|==)\s*([\d.]+)")


def role(reading: Reading, table: CacheTarget, target: str) -> list[Finding]:
    """It is the primary or the replica that was meant; what sentinels name is the primary."""
    findings, wanted = unread(reading, "role", target), table.meant_role
    for node in reading.nodes:
        if not node.role:
            findings.append(silent("role", target, f"the role of {node.address}"))
        elif wanted and node.role != wanted:
            code = "cache.server.read_only_replica" if node.role == "replica" else "cache.server.not_a_replica"
            more = ": writes fail (READONLY)" if node.role == "replica" else ""
            message = f"{node.address} is a {node.role}, promised {wanted}{more}"
            findings.append(found("role", target, message, code, seen=node.role, promised=wanted))
    return findings


def replication(reading: Reading, table: CacheTarget, target: str) -> list[Finding]:
    """Each replica is connected and not behind, and each primary has as many as are promised."""
    findings = unread(reading, "replication", target)
    for node in reading.nodes:
        unsaid = node.role == "replica" and (node.link_up is None or (node.link_up and node.behind is None))
        if not node.role or (unsaid and table.replication_lag):
            findings.append(silent("replication", target, f"the replication of {node.address}"))
        if node.role == "replica" and node.link_up is False:
            since = show_duration(float(node.link_down)) if node.link_down is not None else "an unknown time"
            message = f"the replica {node.address} has had no connection to its primary for {since}"
            findings.append(found("replication", target, message, "cache.server.primary_down", seen=since))
        elif node.role == "replica" and broken(table.replication_lag, node.behind):
            findings.append(_behind(target, node.address, node.behind or 0, table.replication_lag))
        for one in node.replicas:
            if one.state == "online" and broken(table.replication_lag, one.lag):
                findings.append(_behind(target, one.address, one.lag or 0, table.replication_lag))
    for node in reading.primaries:
        online = sum(one.state == "online" for one in node.replicas)
        if table.replicas and broken(table.replicas, online):
            waiting = [f"{one.address} {one.state}" for one in node.replicas if one.state != "online"]
            also = f" ({', '.join(waiting[:3])})" if waiting else ""
            message = f"{online} replicas of {node.address} are connected, promised {table.replicas}{also}"
            findings.append(
                found("replication", target, message, "cache.replication.too_few", seen=online,
                      promised=table.replicas)
            )  # fmt: skip
    if table.replicas and not reading.primaries and not findings:
        findings.append(silent("replication", target, "the number of replicas (no primary was read)"))
    return findings


def _behind(target: str, address: str, seconds: int, limit: object) -> Finding:
    shown = show_duration(float(seconds))
    message = f"the replica {address} last heard of its primary {shown} ago, promised {limit}"
    return found("replication", target, message, "cache.replication.lag", seen=shown, promised=limit)


def clients(reading: Reading, table: CacheTarget, target: str) -> list[Finding]:
    """The server has room for more clients."""
    findings, comparison = unread(reading, "clients", target), grammar.comparison(str(table.clients))
    for node in reading.nodes:
        if comparison is None or not table.clients:
            continue
        share = comparison.unit == "%"
        if node.clients is None or (share and not node.most_clients):
            findings.append(silent("clients", target, f"the clients of {node.address} (clients = false leaves it out)"))
        elif not comparison.holds(node.clients / (node.most_clients or 1) if share else node.clients):
            seen = f"{node.clients} of {node.most_clients}" if node.most_clients else str(node.clients)
            message = f"{seen} clients are connected to {node.address}, promised {table.clients}"
            findings.append(
                found("clients", target, message, "cache.clients.over_limit", seen=seen, promised=table.clients)
            )
    return findings


def persistence(reading: Reading, table: CacheTarget, target: str) -> list[Finding]:
    """The last snapshot, and the last writes to the log of commands and its last rewrite, succeeded."""
    del table
    findings = unread(reading, "persistence", target)
    for node in reading.nodes:
        if node.saves is None and node.appends is None:
            findings.append(silent("persistence", target, f"the persistence of {node.address}"))
        for name, works, so in (
            ("RDB snapshot", node.saves, "writes may be refused (MISCONF)"),
            ("write to the AOF", node.appends, "writes may be refused (MISCONF)"),
            ("rewrite of the AOF", node.rewrites, "it grows until the disk is full"),
        ):
            if works is False:
                message = f"the last {name} of {node.address} failed: {so}"
                findings.append(found("persistence", target, message, "cache.persistence.failed", seen="err"))
    return findings


def version(reading: Reading, table: CacheTarget, target: str) -> list[Finding]:
    """Every node has the promised version."""
    findings, limit = unread(reading, "version", target), _VERSION.fullmatch(table.version or "")
    for node in reading.nodes if limit else ():
        numbers = re.match(r"\d+(\.\d+)*", node.version)
        if numbers is None:
            findings.append(silent("version", target, f"the version of {node.address}"))
        elif limit and not _holds(limit[1], _numbers(numbers[0]), _numbers(limit[2])):
            seen = f"{node.software} {node.version}"
            message = f"{node.address} is {seen}, promised {table.version}"
            findings.append(
                found("version", target, message, "cache.server.version", seen=seen, promised=table.version)
            )
    return findings


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part)


def _holds(operator: str, seen: tuple[int, ...], promised: tuple[int, ...]) -> bool:
    seen = (seen + (0,) * len(promised))[: len(promised)]  # `== 7` holds for 7.0.15
    return {"<": seen < promised, "<=": seen <= promised, ">": seen > promised, ">=": seen >= promised,
            "==": seen == promised}[operator]  # fmt: skip


def cluster(reading: Reading, table: CacheTarget, target: str) -> list[Finding]:
    """Every hash slot is served, and no node is marked as failed."""
    del table
    findings, slots = unread(reading, "cluster", target), reading.slots
    if slots is None:
        return findings or [silent("cluster", target, "the state of the cluster")]
    if slots.state != "ok" or slots.covered < _SLOTS:
        seen = f"state {slots.state or 'unknown'}, {slots.covered} of {_SLOTS} slots are served"
        message = f"the cluster does not serve all keys: {seen}"
        findings.append(found("cluster", target, message, "cache.cluster.down", seen=seen, promised=f"{_SLOTS} slots"))
    elif slots.failed:
        seen = ", ".join(slots.failed[:3])
        message = f"{len(slots.failed)} nodes of the cluster are marked as failed: {seen}"
        findings.append(found("cluster", target, message, "cache.cluster.node_failed", seen=seen))
    return findings


def sentinel(watch: Watch | None, problem: str, table: CacheTarget, target: str) -> Iterator[Finding]:
    """The sentinels see their service up, and could move it."""
    if watch is None:
        yield lost("sentinel", target, problem or "no answer", "what the sentinels say", table.service)
        return
    down = [flag for flag in watch.flags if flag in ("s_down", "o_down", "disconnected")]
    if down:
        message = f"the sentinel {watch.sentinel} calls the primary of {table.service} down ({', '.join(down)})"
        yield found("sentinel", target, message, "cache.server.primary_down", seen=",".join(down),
                    service=table.service)  # fmt: skip
    if watch.no_quorum or watch.sentinels < watch.quorum:
        seen = watch.no_quorum or f"{watch.sentinels} sentinels, quorum {watch.quorum}"
        message = f"the sentinels of {table.service} could not fail over: {seen}"
        yield found("sentinel", target, message, "cache.sentinel.no_quorum", seen=seen, service=table.service)
