"""Causes of the cache: Redis and Valkey."""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

from pytest_prodcheck.diagnosis.kind import CauseKind

_PING = "redis-cli -h {host} -p {port} ping"
_ASKED = "redis-cli -h {host} -p {port} --askpass ping"
_TLS = "openssl s_client -connect {host}:{port} -showcerts </dev/null"


def _info(section: str) -> str:
    return f"redis-cli -h {{host}} -p {{port}} info {section}"


KINDS = (
    CauseKind("cache.dns.not_found", "the host name does not resolve", "{host} does not resolve", "check the host name in the URL; inside a cluster, the service's name and namespace", "getent hosts {host}"),
    CauseKind("cache.tcp.refused", "nothing listens", "nothing listens on {host}:{port}", "start the server, or correct host and port in the URL", _PING),
    CauseKind("cache.tcp.timeout", "packets vanish", "no answer from {host}:{port}: firewall, security group, route or VPC connector", "compare from inside the cluster; check the security group, and the VPC connector of a serverless service, for port {port}", "nc -vz -w 5 {host} {port}"),
    CauseKind("cache.connection.dropped", "the connection is closed without an answer", "{host}:{port} closes the connection without an answer", "look at the server's and the proxy's log", _PING),
    CauseKind("cache.port.wrong_service", "something answers, and it is not Redis", "{host}:{port} speaks {speaks}, not Redis", "check the port in the URL", _PING),
    CauseKind("cache.protocol.broken", "the answer is no RESP, or never ends", "{host}:{port} answers what is no RESP", "check the port in the URL, and what stands between", _PING),
    CauseKind("cache.tls.required", "the server speaks TLS only", "{host}:{port} speaks TLS only (in-transit encryption), the URL is without it", "write rediss:// in the URL", "redis-cli --tls -h {host} -p {port} ping"),
    CauseKind("cache.tls.not_offered", "TLS is asked for, the server has none", "{host}:{port} speaks no TLS, the URL says rediss://", "turn on TLS on the server, or check that this is the right port", _PING),
    CauseKind("cache.tls.untrusted", "certificate not signed by the configured root", "the certificate of {host}:{port} is not signed by a root that is trusted", "set tls.ca to the issuer's root, or correct the certificate", _TLS),
    CauseKind("cache.tls.expired", "the server's certificate expired", "the certificate of {host}:{port} expired", "renew the certificate and reload the server", _TLS),
    CauseKind("cache.tls.expires_soon", "the server's certificate expires soon", "the certificate of {host}:{port} expires soon", "renew the certificate and reload the server", _TLS),
    CauseKind("cache.tls.hostname_mismatch", "certificate is for another name", "the certificate of the cache is for another name than {host}", "use the name in the certificate, or issue it for {host}", _TLS),
    CauseKind("cache.tls.client_certificate", "the server wants a client certificate, or rejects ours", "{host}:{port} wants a client certificate, or rejects ours", "set tls.client_certificate, or tls-auth-clients on the server", _TLS),
    CauseKind("cache.tls.protocol", "the TLS handshake fails", "the TLS handshake with {host}:{port} fails", "compare the protocol versions that both sides allow", _TLS),
    CauseKind("cache.auth.required", "password needed, none sent (NOAUTH)", "Redis on {host}:{port} wants a password, none was sent (NOAUTH)", "give the URL a password by reference (env:NAME)", _ASKED),
    CauseKind("cache.auth.rejected", "wrong user or password (WRONGPASS)", "Redis on {host}:{port} rejects the password of {user} (WRONGPASS)", "compare the secret with the server; a password that ends in a line break was created by echo without -n", _ASKED),
    CauseKind("cache.auth.not_configured", "a password is sent, and the server has none: whoever reaches it may read all", "Redis on {host}:{port} has no password: whoever reaches it may read and write everything", "set requirepass or an ACL on the server", _PING),
    CauseKind("cache.auth.not_permitted", "the ACL does not permit the command (NOPERM)", "the ACL does not permit {user} what was asked (NOPERM)", "ACL SETUSER is yours to run: +@read +info +ping ~*", "redis-cli -h {host} -p {port} --askpass acl whoami"),
    CauseKind("cache.auth.protected_mode", "protected mode: no password is set, and only the loopback is let in (DENIED)", "Redis on {host}:{port} is in protected mode: it has no password and lets in its own host alone", "set a password on the server, and bind it to the network that is meant", _PING),
    CauseKind("cache.server.loading", "data set is being loaded (LOADING)", "Redis on {host}:{port} is loading its data set", "wait until it is loaded; look why it started", _info("persistence")),
    CauseKind("cache.server.hangs", "the server takes connections and does not answer", "{host}:{port} takes connections and does not answer: busy with one long command, stopped, or no Redis", "look what it does; one slow command stops everybody", _PING),
    CauseKind("cache.server.busy", "a script runs and does not end (BUSY)", "Redis on {host}:{port} is busy with a script that does not end", "SCRIPT KILL is yours to run", "redis-cli -h {host} -p {port} slowlog get 5"),
    CauseKind("cache.server.read_only_replica", "READONLY", "{host}:{port} is a replica: writes fail (READONLY)", "use the primary's endpoint in the URL", _info("replication")),
    CauseKind("cache.server.not_a_replica", "a primary where a replica is promised", "{host}:{port} is a primary, promised replica", "use the reader's endpoint in the URL", _info("replication")),
    CauseKind("cache.server.primary_down", "MASTERDOWN, the replica lost its primary", "the replica {host}:{port} has lost its primary", "look at the primary and the network between them", _info("replication")),
    CauseKind("cache.server.restarted", "the server restarted during the run", "Redis on {host}:{port} restarted during the run", "look at the server's log, and at its memory", _info("server")),
    CauseKind("cache.server.version", "another version than promised", "the server is {seen}, promised {expected}", "upgrade the server, or correct the promise", _info("server")),
    CauseKind("cache.memory.full", "OOM command not allowed", "Redis on {host}:{port} is at maxmemory and evicts nothing: writes fail (OOM)", "a maxmemory-policy that evicts, or a larger instance", _info("memory")),
    CauseKind("cache.memory.over_limit", "more memory is used than promised", "more memory is used than promised: {seen}, promised {expected}", "look which keys have no end; a larger instance", _info("memory")),
    CauseKind("cache.memory.evicting", "keys are evicted for lack of memory", "keys are evicted for lack of memory", "a larger instance, or shorter times to live", _info("stats")),
    CauseKind("cache.memory.policy", "another maxmemory-policy than promised", "maxmemory-policy is {seen}, promised {expected}", "CONFIG SET maxmemory-policy is yours to run, and the configuration file", "redis-cli -h {host} -p {port} config get maxmemory-policy"),
    CauseKind("cache.persistence.failed", "MISCONF, cannot write to disk", "Redis on {host}:{port} cannot write its snapshot to disk: writes fail (MISCONF)", "look at the disk and the server's log", _info("persistence")),
    CauseKind("cache.clients.limit_reached", "max number of clients reached", "Redis on {host}:{port} has no free client slot", "find who holds connections; raise maxclients", "redis-cli -h {host} -p {port} client list"),
    CauseKind("cache.clients.over_limit", "more clients are connected than promised", "more clients are connected than promised: {seen}, promised {expected}", "find who holds connections", "redis-cli -h {host} -p {port} client list"),
    CauseKind("cache.replication.lag", "a replica is behind", "a replica is behind: {seen}, promised {expected}", "look at the network and the load of both", _info("replication")),
    CauseKind("cache.replication.too_few", "fewer replicas than promised are connected", "{seen} replicas are connected, promised {expected}", "look at the replicas' logs and the network", _info("replication")),
    CauseKind("cache.cluster.down", "the cluster serves no commands (CLUSTERDOWN)", "the cluster is down: not all hash slots are served", "look at the nodes that failed", "redis-cli -h {host} -p {port} cluster info"),
    CauseKind("cache.cluster.node_failed", "a node of the cluster is marked as failed", "nodes of the cluster failed: {seen}", "look at these nodes", "redis-cli -h {host} -p {port} cluster nodes"),
    CauseKind("cache.cluster.not_declared", "the server is a node of a cluster (MOVED)", "{host}:{port} is a node of a cluster", "write cluster = true", "redis-cli -h {host} -p {port} cluster info"),
    CauseKind("cache.sentinel.unknown_service", "the sentinels watch no such service", "the sentinel on {host}:{port} watches no service {service}", "correct service: SENTINEL MASTERS names those there are", "redis-cli -h {host} -p {port} sentinel masters"),
    CauseKind("cache.sentinel.no_quorum", "the sentinels could not fail over", "the sentinels of {service} could not fail over: {seen}", "look at the other sentinels", "redis-cli -h {host} -p {port} sentinel ckquorum {service}"),
    CauseKind("cache.keys.missing", "no key matches a declared pattern", "no key matches {subject}", "look at who writes it, and at its time to live", "redis-cli -h {host} -p {port} --scan --pattern '{subject}' --count 100"),
    CauseKind("cache.keys.no_expiry", "keys have no time to live", "keys of {subject} have no time to live", "set EX where they are written; they fill the memory", "redis-cli -h {host} -p {port} --scan --pattern '{subject}' --count 100"),
    CauseKind("cache.keys.expire_at_once", "hit ratio near 0, TTL 0", "keys expire before they are read", "look at the time to live that the application sets, and in which unit", _info("stats")),
    CauseKind("cache.database_index.wrong", "data is in another index", "the database {database} of {host}:{port} is not the one that holds the keys", "correct the number at the URL's end", _info("keyspace")),
    CauseKind("cache.hits.low", "fewer lookups than promised find their key", "the hit ratio is {seen}, promised {expected}", "look at times to live, evictions and names of keys", _info("stats")),
    CauseKind("cache.hits.none", "the application does not use this cache", "two requests to {operation} read nothing out of this cache", "compare the URL of the application with this one, and its number of the database", _info("stats")),
    CauseKind("cache.hits.unclear", "whether an answer came out of the cache cannot be told", "whether the second answer of {operation} came out of the cache cannot be told", "let the application say it in a header, and declare it: hit = { X-Cache = \"HIT\" }", _info("stats")),
    CauseKind("cache.command.slow", "a command took longer than promised", "{subject} took {seen}, promised {expected}", "look at the command and the size of its key", "redis-cli -h {host} -p {port} slowlog get 10"),
    CauseKind("cache.latency.over_limit", "PING takes longer than promised", "PING takes longer than promised", "look at the network, and for slow commands", "redis-cli -h {host} -p {port} --latency-history -i 5"),
    CauseKind("cache.stats.not_visible", "our reader may not see what a promise is about", "our reader may not see what is promised: {seen}", "ACL SETUSER is yours to run: +info +slowlog|get +config|get +scan +ttl", "redis-cli -h {host} -p {port} --askpass acl whoami"),
    CauseKind("cache.stats.unread", "what the server says of itself did not come", "what the server says of itself did not come: {seen}", "run it again; look at the server's load", _info("all")),
    CauseKind("cache.write.failed", "the declared write failed", "the declared write failed: {seen}", "look at what the server says", _info("all")),
    CauseKind("cache.cleanup.failed", "what the declared write created may stay", "what the declared write created may stay, until its time to live ends", "DEL of the key is yours to run", "redis-cli -h {host} -p {port} exists '{key}'"),
)  # fmt: skip
