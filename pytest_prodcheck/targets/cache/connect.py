"""Connect to a Redis, log in and PING within a deadline; every failure is an observation, and none holds a secret."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_prodcheck.config.models import CacheTarget
from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.observe.observation import Kind, Observation
from pytest_prodcheck.targets import peer_certificate
from pytest_prodcheck.targets.cache import stream
from pytest_prodcheck.targets.cache.address import SENTINEL_PORT, Place, Server, parse
from pytest_prodcheck.targets.connection import Resolver, tls_context
from pytest_prodcheck.targets.guard.redis import Licence
from pytest_prodcheck.targets.transport_errors import classify

if TYPE_CHECKING:
    from pytest_prodcheck.targets.cache.session import Session

_LOOK = 1.0
"""Seconds for a second look at a port that is no Redis as we speak it."""
_HANDSHAKE_SHOWS = ("tls.expired", "tls.not_yet_valid", "tls.untrusted", "tls.hostname_mismatch")


@dataclass(frozen=True)
class Connector:
    """How one target is reached. Sessions that it gives are the caller's to close."""

    target: str
    table: CacheTarget
    run: str
    resolver: Resolver = field(default_factory=Resolver)

    @cached_property
    def context(self) -> ssl.SSLContext:
        """Whom we trust; verification is never off. Raises ConfigError for files that hold no certificates."""
        return tls_context(self.table.tls, Path())

    def server(self, url: str) -> Server:
        """What a URL says; of sentinels the port is theirs."""
        return parse(url, SENTINEL_PORT) if self.table.service else parse(url)

    def attempt(
        self, url: str, *, operation: str = "connect", subject: str = "", kind: Kind = "readiness",
        licence: Licence | None = None,
    ) -> tuple[Session | None, Observation]:  # fmt: skip
        """A session on the first host that gives one, logged in and PINGed, and how it went. `code` is the server's
        own word (`WRONGPASS`), `error` a class; `data` has host, port, user, database and what was seen of the port."""
        end = time.perf_counter() + self.table.timeout
        seen = Observation(self.target, operation, kind, subject, started_at=time.time(), expected=False)
        try:
            server = self.server(url)
        except ConfigError as problem:
            return None, replace(seen, error="internal", message=str(problem))
        if self.table.service:
            from pytest_prodcheck.targets.cache import sentinel

            found = sentinel.primary(self, server, end)
            if isinstance(found, Observation):
                return None, replace(found, operation=operation, kind=kind, subject=subject)
            server = server.at(found)
        return self.reached(server, seen, end, licence)

    def reached(
        self, server: Server, seen: Observation, end: float, licence: Licence | None = None
    ) -> tuple[Session | None, Observation]:
        """The same at the places of a server, one after the other."""
        session = None
        for number, place in enumerate(server.places):
            left = max(0.05, end - time.perf_counter()) / (len(server.places) - number)
            session, seen = self._at(server, place, seen, time.perf_counter() + left, licence)
            if session is not None or seen.code:
                break
        return session, seen

    def opened(
        self, server: Server, place: Place, end: float, licence: Licence | None = None
    ) -> tuple[Session, dict[str, float]]:
        """A session that has not logged in, and the seconds of its phases. Raises OSError."""
        from pytest_prodcheck.targets.cache.session import Session

        plain, phases = stream.connected(place, self.resolver, end)
        if server.tls:
            shaking = time.perf_counter()
            plain = stream.encrypted(plain, self.context, place.host, end)
            phases["tls"] = time.perf_counter() - shaking
        return Session(stream.Stream(plain, end, licence)), phases

    def log_in(self, session: Session, server: Server) -> None:
        """AUTH and the database, as far as each is needed. Raises what `Session.ask` raises.

        The default user's name is not sent: with it, a server without a password takes any, and by `AUTH password`
        alone it says that it has none (redis `src/acl.c`, authCommand)."""
        if server.password or server.user:
            named = [server.user] if server.user not in ("", "default") else []
            session.must(b"OK", "AUTH", *named, server.password)
        if server.database:
            session.must(b"OK", "SELECT", server.database)

    def introduce(self, session: Session) -> None:
        """Our name, for CLIENT LIST: a courtesy that an ACL may not want. Raises what `Session.ask` raises else."""
        from pytest_prodcheck.targets.cache.session import Said

        with contextlib.suppress(Said):
            session.step("CLIENT", "SETNAME", f"prodcheck/{self.run}")

    def _at(
        self, server: Server, place: Place, seen: Observation, end: float, licence: Licence | None
    ) -> tuple[Session | None, Observation]:
        from pytest_prodcheck.targets.cache.session import Garbage, Said, TooMuch

        started = time.perf_counter()
        seen = replace(seen, data=_where(server, place), error="", code="")
        session: Session | None = None
        try:
            session, phases = self.opened(server, place, end, licence)
            seen = replace(seen, phases=phases, data={**seen.data, **_certificate(session)})
            self.log_in(session, server)
            asked = time.perf_counter()
            session.must(b"PONG", "PING")
            phases["first_byte"] = time.perf_counter() - asked
            self.introduce(session)
            return session, replace(seen, phases=phases, wall=time.perf_counter() - started, expected=True)
        except Said as refusal:
            failed = replace(seen, code=refusal.word or "ERR", message=_masked(refusal.text, server))
        except (Garbage, TooMuch) as nonsense:
            head = getattr(nonsense, "head", b"")
            error = "body.too_large" if isinstance(nonsense, TooMuch) else "protocol"
            failed = replace(seen, error=error, message=str(nonsense), data={**seen.data, **_speaks(head)})
        except OSError as error:
            failed = self._failed(server, place, seen, error, session)
        if session is not None:
            session.close()
        return None, replace(failed, wall=time.perf_counter() - started)

    def _failed(
        self, server: Server, place: Place, seen: Observation, error: OSError, session: Session | None
    ) -> Observation:
        """What a failed connection was, after a second look at the port where it could be another service's."""
        kind = classify(error, connected=session is not None)
        text = getattr(error, "verify_message", "") or (error.strerror if isinstance(error.strerror, str) else "")
        looked: dict[str, Any] = {}
        end = time.perf_counter() + _LOOK
        if session is not None and kind == "tcp.reset" and not server.tls:
            if stream.handshakes(place, end):
                looked = {"speaks": "tls"}
            elif stream.is_postgres(place, end):
                looked = {"speaks": "PostgreSQL"}
        elif session is None and server.tls and kind in ("tls.protocol", "tcp.reset", "tcp.timeout", "timeout"):
            looked = {"speaks": "plain"} if stream.speaks_plainly(place, end) else {}
        elif kind in _HANDSHAKE_SHOWS:
            looked = {"certificate": _shown(place)}
        if session is not None and looked == {} and session.stream.head:
            looked = _speaks(session.stream.head)
        return replace(seen, error=kind, message=_masked(str(text), server), data={**seen.data, **looked})


def _where(server: Server, place: Place) -> dict[str, Any]:
    ends = {"password_ends_in_white_space": True} if server.password != server.password.strip() else {}
    ends |= {"no_password": True} if server.user and not server.password else {}
    user = {"user": server.user or "default"} if server.password or server.user else {}
    return {"host": place.host, "port": place.port, "database": server.database, "tls": server.tls, **user, **ends}


def _certificate(session: Session) -> Mapping[str, Any]:
    der = session.stream.certificate
    return {"certificate": peer_certificate.facts(der)} if der else {}


def _shown(place: Place) -> Mapping[str, Any]:
    """The facts of a certificate that is not trusted, by a handshake of its own."""
    from pytest_prodcheck.targets.connection import Origin

    return peer_certificate.shown_by(Origin("rediss", place.host, place.port), place.host, _LOOK)[0]


def _speaks(head: bytes) -> dict[str, Any]:
    """What a port is that does not answer as Redis, by the first bytes that it says."""
    known = {
        b"HTTP/": "HTTP",
        b"SSH-": "SSH",
        b"<": "HTTP",
        b"220": "SMTP or FTP",
        b"+OK ": "POP3",
        b"* OK": "IMAP",
        b"\x15\x03": "tls",
        b"E\x00\x00\x00": "PostgreSQL",
    }
    named = next((name for begins, name in known.items() if head.lstrip()[: len(begins)] == begins), "")
    return {"speaks": named} if named else {}


def _masked(text: str, server: Server) -> str:
    """A server's words without our password, should it repeat it."""
    return text.replace(server.password, "[redacted]") if len(server.password) > 1 else text
