"""Memory against maxmemory and its policy, and what is evicted during a run (B24)."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.models import CacheTarget
from pytest_prodcheck.criteria.cache.about import found, lost, silent, unread
from pytest_prodcheck.criteria.database_storage import shown_size
from pytest_prodcheck.observe.cache import Node, Reading
from pytest_prodcheck.observe.finding import Finding

_FULL, _NEARLY = 0.995, 0.9
"""Shares of maxmemory from which a server that evicts nothing refuses writes now or with the next one; and from which
it does where it has done so: what clients send counts, too, and comes and goes."""


def memory(reading: Reading, table: CacheTarget, target: str) -> list[Finding]:
    """There is room, or a policy that makes room; and the policy is the promised one."""
    findings = unread(reading, "memory", target)
    for node in reading.nodes:
        findings += _room(node, table, target)
        if table.policy and not node.policy:
            findings.append(silent("memory", target, f"the maxmemory-policy of {node.address}"))
        elif table.policy and node.policy != table.policy:
            message = f"maxmemory-policy of {node.address} is {node.policy}, promised {table.policy}"
            findings.append(
                found("memory", target, message, "cache.memory.policy", seen=node.policy, promised=table.policy)
            )
    return findings


def _room(node: Node, table: CacheTarget, target: str) -> list[Finding]:
    if node.used is None or node.most is None:
        return [silent("memory", target, f"the memory of {node.address}")] if table.memory else []
    if not node.most:
        return _without_limit(node, table, target)
    used = f"{shown_size(node.used)} of {shown_size(node.most)}"
    share = node.used / node.most
    evicts = _evicts(node)
    if node.policy and not evicts and (share >= _FULL or (node.refused and share >= _NEARLY)):
        why = "" if node.policy == "noeviction" else f" ({node.policy}, and no key has a time to live)"
        message = f"{used} of {node.address} are used and nothing is evicted{why}: writes fail (OOM)"
        return [found("memory", target, message, "cache.memory.full", seen=used, promised="room for writes")]
    limit = grammar.comparison(str(table.memory)) if table.memory else None
    if limit is None or (evicts and "memory" not in table.model_fields_set):
        return []  # a server that evicts fills its memory on purpose
    if limit.holds(node.used / node.most if limit.unit == "%" else node.used):
        return []
    message = f"{used} of {node.address} are used, promised {table.memory}"
    return [found("memory", target, message, "cache.memory.over_limit", seen=used, promised=table.memory)]


def _evicts(node: Node) -> bool:
    """Whether there is something to evict: of a `volatile-` policy, a key that has a time to live (redis.conf)."""
    return node.policy not in ("", "noeviction") and not (node.policy.startswith("volatile-") and node.expiring == 0)


def _without_limit(node: Node, table: CacheTarget, target: str) -> list[Finding]:
    """A share of nothing cannot be judged; a number of bytes can."""
    limit = grammar.comparison(str(table.memory)) if "memory" in table.model_fields_set and table.memory else None
    if limit is None:
        return []
    if limit.unit == "%":
        message = f"{node.address} has no maxmemory, so that {table.memory} of it says nothing"
        return [found("memory", target, message, "cache.memory.over_limit", seen="no maxmemory", promised=table.memory)]
    if limit.holds(node.used or 0):
        return []
    message = f"{node.used} bytes of {node.address} are used, promised {table.memory}"
    return [found("memory", target, message, "cache.memory.over_limit", seen=node.used, promised=table.memory)]


def evicted(before: Reading | None, after: Reading, table: CacheTarget, target: str) -> list[Finding]:
    """No more keys than promised were evicted between the two readings."""
    findings = unread(before, "evicted", target) or unread(after, "evicted", target)
    if findings or before is None:
        return findings
    pairs = paired(before, after)
    if pairs is None:
        return [restarted("evicted", target, after)]
    if any(one.evicted is None or other.evicted is None for one, other in pairs):
        return [silent("evicted", target, "the number of evicted keys")]
    count = sum((other.evicted or 0) - (one.evicted or 0) for one, other in pairs)
    if count < 0 or set_back(pairs):
        return [lost("evicted", target, "the counters were set back during the run", "the number of evicted keys")]
    if count <= (table.evicted or 0):
        return []
    message = f"{count} keys were evicted during the run, promised {table.evicted or 0}"
    return [found("evicted", target, message, "cache.memory.evicting", seen=count, promised=table.evicted)]


def paired(before: Reading, after: Reading) -> list[tuple[Node, Node]] | None:
    """Each node of both readings; None where one is another than before, or started anew."""
    first = {node.address: node for node in before.nodes}
    if first.keys() != {node.address for node in after.nodes}:
        return None
    pairs = [(first[node.address], node) for node in after.nodes]
    return pairs if all(one.run_id == other.run_id for one, other in pairs) else None


def set_back(pairs: Sequence[tuple[Node, Node]]) -> bool:
    """Whether somebody set the counters back between the readings (CONFIG RESETSTAT): what they counted is lost."""
    return any(other.commands is not None and other.commands < (one.commands or 0) for one, other in pairs)


def restarted(criterion: str, target: str, after: Reading) -> Finding:
    """The finding of a server that is not the one that the run began with."""
    address = after.nodes[0].address if after.nodes else target
    message = f"{address} restarted during the run, or another one took its place"
    return found(criterion, target, message, "cache.server.restarted", seen="another run_id", promised="one server")
