"""Texts of failed PostgreSQL connections and queries → cause code.

psycopg gives no SQLSTATE for a failed connection (facts.md §6): only the text, in English or, with libpq's verbose
errors, as `FATAL:  28P01: …` whatever the server's language. Sources: libpq's fe-connect.c, fe-auth.c, fe-secure*.c;
the server's postmaster.c, auth.c, miscinit.c; psycopg's conninfo; PgBouncer's client.c; pgx, node-postgres, JDBC.
"""

# ruff: noqa: E501  (a row of the table is one line)
from __future__ import annotations

import re

from pytest_prodcheck.diagnosis import sqlstate as states

_STATE = re.compile(r"\b(?:FATAL|ERROR|PANIC|[A-ZÄÖÜÉ]{4,12})\s?:\s+([0-9A-Z]{5})\b(?=:|\s*$)", re.MULTILINE)

SPECIFIC: tuple[tuple[str, str], ...] = (
    (r"permission denied for database|no connect privilege", "database.auth.no_connect_privilege"),
    (r"not permitted to log in|not allowed to log in", "database.auth.role_nologin"),
    (r"too many connections for (role|database|user)", "database.connections.role_limit"),
    (r"no pg_hba\.conf entry|pg_hba\.conf rejects", "database.auth.host_not_allowed"),
    (r"no password supplied|password (must be|is) (supplied|empty)|must be a string", "database.auth.no_password_supplied"),
    (r"password authentication failed|SASL authentication failed", "database.auth.password_rejected"),
    (r"role \"?[^\"]+\"? does not exist|no such user", "database.auth.role_missing"),
    (r"(ident|peer) authentication failed", "database.auth.host_not_allowed"),
    (r"(ldap|pam|radius|gssapi|bsd|certificate) authentication failed", "database.auth.password_rejected"),
    (r"authentication method \S+ not supported|none of the server's SASL", "database.auth.method_unsupported"),
    (r"database \"?[^\"]+\"? does not exist|no such database", "database.name.not_found"),
    (r"row-level security policy for table|violates row-level security", "database.rls.write_rejected"),
    (r"infinite recursion detected in policy", "database.rls.policy_recursion"),
    (r"requires a valid client certificate|sslv3 alert (bad|handshake)|certificate required", "database.tls.client_certificate"),
    (r"private key file|could not (read|load) .*certificate file", "database.tls.client_certificate"),
)  # fmt: skip
"""Texts that say more than the SQLSTATE beside them."""

TEXTS: tuple[tuple[str, str], ...] = (
    (r"sorry, too many clients|remaining connection slots|no more connections allowed", "database.connections.exhausted"),
    (r"database system is (starting up|shutting down|in recovery|not yet accepting)", "database.server.starting"),
    (r"unsupported startup parameter|unrecognized configuration parameter in startup", "database.pooler.refuses_options"),
    (r"server_login_retry|server login has been failing|pgbouncer cannot connect|server conn crashed", "database.pooler.upstream_down"),
    (r"administrator command|crash of another server process|server process was terminated", "database.server.restarted"),
    (r"does not support SSL|SSL is not enabled|server refused (TLS|SSL)", "database.tls.not_offered"),
    (r"does not match host ?name|hostname mismatch|Hostname/IP does not match", "database.tls.hostname_mismatch"),
    (r"certificate has expired", "database.tls.expired"),
    (r"invalid response to SSL negotiation|expected authentication request|unsupported frontend protocol", "database.port.wrong_service"),
    (r"received invalid response|lost synchronization with server|invalid (length|message)", "database.port.wrong_service"),
    (r"certificate verify failed|root\.crt|root certificate file|self[- ]signed certificate|unknown authority", "database.tls.untrusted"),
    (r"failed to resolve host|could not translate host|getaddrinfo|Name or service not known|no such host|ENOTFOUND|UnknownHostException|nodename nor servname|Temporary failure in name resolution|lookup \S+ on \S+:53\b", "database.dns.not_found"),
    (r"Connection refused|ECONNREFUSED|actively refused|connection to \S+ refused|is the server running locally", "database.tcp.refused"),
    (r"server closed the connection unexpectedly|Connection reset|ECONNRESET|Connection terminated unexpectedly|SSL SYSCALL error: EOF|unexpected EOF|Broken pipe", "database.connection.dropped"),
    (r"SSL error|TLS handshake|tlsv1 alert|wrong version number", "database.tls.protocol"),
    (r"No route to host|Network is unreachable|EHOSTUNREACH", "database.tcp.timeout"),
    (r"timeout expired|timed out|ETIMEDOUT|i/o timeout|connection timeout", "database.tcp.timeout"),
)  # fmt: skip
"""Texts without a SQLSTATE of their own. The order matters: the first one that is found counts."""


def state_in(text: str) -> str:
    """The SQLSTATE in libpq's verbose form (`FATAL:  28P01: …`, in any language); empty where there is none."""
    found = _STATE.search(text)
    return found[1] if found and any(letter.isdigit() for letter in found[1]) else ""


def classify(text: str, sqlstate: str = "", *, connected: bool = False) -> str:
    """The cause code of a failed connection or query; `unknown` where nothing fits.

    `connected` says that TCP was established: a timeout then means that the port speaks another protocol (a Redis
    swallows the start-up packet, facts.md §11).
    """
    if code := _first(SPECIFIC, text):
        return code
    state = sqlstate or state_in(text)
    code, told = states.classify(state), _first(TEXTS, text)
    # a class 08 only says that there was no connection, the words beside it why (PDO, JDBC)
    if code != "unknown" and not (told and state.startswith("08")):
        return code
    code = told or "unknown"
    return "database.port.wrong_service" if connected and code == "database.tcp.timeout" else code


def _first(rows: tuple[tuple[str, str], ...], text: str) -> str:
    return next((code for pattern, code in rows if re.search(pattern, text, re.IGNORECASE)), "")
