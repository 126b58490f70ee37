"""One prober a target, built when the run begins; and what it takes for a target or a user to be ready."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pytest_prodcheck.config import models
from pytest_prodcheck.config.models import Environment, HttpTarget, Target, WebTarget
from pytest_prodcheck.config.redaction import Redactor
from pytest_prodcheck.criteria import readiness
from pytest_prodcheck.errors import ConfigError, UsageProblem
from pytest_prodcheck.observe.evidence import Evidence, Standing
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets.http import HttpProber
from pytest_prodcheck.targets.wire import Wire

if TYPE_CHECKING:
    from pytest_prodcheck.observe.identity import Jwks
    from pytest_prodcheck.targets.auth_prober import AuthProber
    from pytest_prodcheck.targets.forgery import Forger

Remember = Callable[[str, str], object]


class Prober(Protocol):
    """What asks one target."""

    lane: str
    width: int

    def ready(self) -> Evidence:
        """Whether the target is there."""
        ...

    def probe(self, function: str, subject: str, user: str, attempt: int) -> Evidence:
        """The evidence of one shipped check."""
        ...

    def repeater(self, function: str, subject: str, user: str) -> Callable[[], Observation] | None:
        """Repeats a check's read for a limit; None where it must not be repeated."""
        ...

    def repeaters(self) -> Sequence[Callable[[], Observation]]:
        """What is repeated for a limit of the whole target where no check's read can be."""
        ...


class Unasked:
    """Load is no system of its own: it is ready where what it is sent to is (`gate.loading` runs it)."""

    width = 1

    def __init__(self, target: str) -> None:
        self.lane = target

    def ready(self) -> Evidence:
        """Nothing is asked."""
        return Evidence()

    def repeaters(self) -> Sequence[Callable[[], Observation]]:
        """Nothing is repeated."""
        return []


class Probers:
    """All probers of one run, over one wire."""

    def __init__(
        self,
        environment: Environment,
        only: frozenset[str],
        redactor: Redactor,
        run: str,
        base: Path,
        remember: Remember,
    ) -> None:
        """Raises ConfigError where a file of certificates holds none."""
        self._environment, self._remember = environment, remember
        self.wire = Wire(environment.requests, redactor, run)
        self._base, self._run, self._redactor = base, run, redactor
        tables = {
            target: table
            for target, table in environment.targets.items()
            if not only or only & {target, target.split(".")[0]}
        }
        self._auths: dict[str, AuthProber] = {}
        self._probers: dict[str, Any] = {target: self._made(target, table) for target, table in tables.items()}
        if environment.users and not self._auths:
            self._auths[""] = self._issuing()

    @property
    def targets(self) -> Collection[str]:
        """Ids of the targets that take part."""
        return self._probers

    @property
    def kinds(self) -> Collection[str]:
        """What checks may wait for: kinds of targets that take part, users' tokens, published keys."""
        return {*(target.split(".")[0] for target in self._probers), *(("user", "jwks") if self._auths else ())}

    @property
    def sent(self) -> Mapping[str, int]:
        """How much was sent, by kind."""
        database = [prober.sent for prober in self._probers.values() if hasattr(prober, "sent")]
        return {
            "http": self.wire.sent,
            "database": sum(row.get("database", 0) for row in database),
            **({"cache": cache} if (cache := sum(row.get("cache", 0) for row in database)) else {}),
            **({"docker": docker} if (docker := sum(row.get("docker", 0) for row in database)) else {}),
            "logins": sum(row.get("logins", 0) for row in database),
            "writes": self.wire.writes + sum(row.get("writes", 0) for row in database),
            "refused": self.wire.refused + sum(row.get("refused", 0) for row in database),
        }

    def of(self, target: str) -> Any:
        """The prober of a target. Raises UsageProblem where `--prodcheck-only` leaves it out."""
        if target not in self._probers:
            raise UsageProblem(f"{target} is left out by --prodcheck-only: add it there, or leave this test out, too")
        return self._probers[target]

    def auth_of(self, user: str) -> str:
        """The auth target that a user's token comes from; empty where none is asked."""
        del user
        return next(iter(self._auths), "")

    def before(self, name: str) -> Sequence[str]:
        """What is looked at before `name`: of a WebSocket, the tokens that its handshake shows."""
        table = self._environment.targets.get(name) if name.startswith("websocket") else None
        if not isinstance(table, models.WebsocketTarget) or not self._auths:
            return ()
        from pytest_prodcheck.config import steps

        return [f"user:{user}" for user in steps.acting(table)]

    def standing(self, name: str, now: float) -> Standing:
        """Looks whether `name` is ready: a target, `user:NAME`, `jwks:TARGET`."""
        scheme, _, rest = name.partition(":")
        if scheme in ("user", "jwks"):
            return self._identity_standing(scheme, rest, now)
        table = self._environment.targets[name]
        evidence = self.of(name).ready()
        return Standing(name, evidence, tuple(readiness.target(name, table, evidence)))

    def _identity_standing(self, scheme: str, rest: str, now: float) -> Standing:
        from pytest_prodcheck.criteria import identity_readiness

        name = f"{scheme}:{rest}"
        if scheme == "user":
            evidence = next(iter(self._auths.values())).token(rest)
            user = self._environment.users[rest]
            return Standing(name, evidence, tuple(identity_readiness.user(evidence, user, rest, now)))
        evidence = (self._auths.get(rest) or next(iter(self._auths.values()))).jwks()
        return Standing(name, evidence, tuple(identity_readiness.jwks(evidence, rest)))

    def stop(self) -> None:
        """Sends nothing more, but for the goodbyes of connections that stand idle."""
        for prober in self._probers.values():
            if hasattr(prober, "leave"):
                prober.leave()
        self.wire.stop()

    def close(self) -> None:
        """Closes all connections."""
        self.wire.close()
        for prober in self._probers.values():
            if hasattr(prober, "close"):
                prober.close()

    def _open(self, target: str, table: WebTarget, urls: tuple[str, ...], headers: Mapping[str, str]) -> None:
        try:
            self.wire.open(target, table, urls, headers, self._base)
        except ConfigError as problem:
            raise ConfigError(f"{self._environment.where(*target.split('.', 1), 'tls')}: {target}.{problem}") from None

    def _made(self, target: str, table: Target) -> Any:
        if isinstance(table, HttpTarget):
            self._open(target, table, (table.url,), table.headers)
            return HttpProber(
                self.wire, target, table, self.credentials, self._environment.requests.in_flight, self._forger()
            )
        if isinstance(table, models.AuthTarget):
            self._open(target, table, (table.issuer,) if table.issuer else (), {})
            self._auths[target] = self._auth(target, table)
            return self._auths[target]
        if isinstance(table, models.GraphqlTarget):
            from pytest_prodcheck.gate import documents
            from pytest_prodcheck.targets.graphql_prober import GraphqlProber
            from pytest_prodcheck.targets.graphql_subscription import http_url

            self._open(target, table, (table.url, http_url(table)), {})
            found = documents.of(self._environment, table)
            pinned = documents.pinned_text(self._environment, table)
            return GraphqlProber(
                self.wire, target, table, found.operations, found.variables, self.credentials, self._forger(), pinned
            )
        if isinstance(table, models.DatabaseTarget):
            from pytest_prodcheck.targets.database.prober import DatabaseProber

            return DatabaseProber(target, table, self._run, self._claims)
        if isinstance(table, models.CacheTarget):
            return self._cache(target, table)
        if isinstance(table, models.ClusterTarget) and table.compose:
            from pytest_prodcheck.gate import compose_file
            from pytest_prodcheck.targets.compose.prober import ComposeProber

            file = compose_file.of(self._environment, table)
            return ComposeProber(target, table, file, self._redactor.clean)
        if isinstance(table, models.ClusterTarget):
            from pytest_prodcheck.targets.cluster.prober import ClusterProber

            return ClusterProber(self.wire, target, table, self._redactor, self._remember)
        if isinstance(table, models.LogsTarget):
            return self._logs(target, table)
        if isinstance(table, models.LoadTarget):
            return Unasked(target)
        if isinstance(table, models.WebsocketTarget):
            return self._websocket(target, table)
        raise TypeError(f"no prober for {type(table).__name__}")

    def _cache(self, target: str, table: models.CacheTarget) -> Any:
        """What asks a cache; the endpoint that it must serve is asked by its own host's prober."""
        from pytest_prodcheck.targets.cache.prober import CacheProber

        promised = table.serves
        host = self._environment.http_target(promised.target) if promised else ""

        def endpoint() -> Observation:
            found: Observation = self.of(host).endpoint(promised.endpoint if promised else "", kind="readiness")[-1]
            return found

        try:
            return CacheProber(target, table, self._run, endpoint if promised else None)
        except ConfigError as problem:
            place = self._environment.where(*target.split(".", 1), "tls")
            raise ConfigError(f"{place}: {target}.{problem}") from None

    def _logs(self, target: str, table: models.LogsTarget) -> Any:
        """What reads a target's logs, into the fold that its criteria take lines by."""
        from pytest_prodcheck.criteria.logs.fold import Folder
        from pytest_prodcheck.gate import compose_file
        from pytest_prodcheck.targets.logs import sources
        from pytest_prodcheck.targets.logs.prober import LogsProber

        if service := table.loki or table.google:
            self._open(target, table, (service.url,), table.headers)
        cluster = next(iter(self._environment.of_kind("cluster").values()), None)
        project = compose_file.of(self._environment, cluster).project if cluster and cluster.compose else ""
        source = sources.of(target, table, cluster, project, self.wire, self._base, self._remember)
        return LogsProber(target, table, Folder, source, self._run)

    def _websocket(self, target: str, table: models.WebsocketTarget) -> Any:
        """What speaks on a WebSocket, with the matching of messages that its criteria have."""
        from pytest_prodcheck.config import steps
        from pytest_prodcheck.criteria.websocket_messages import Messages
        from pytest_prodcheck.targets.websocket_opening import http_url
        from pytest_prodcheck.targets.websocket_prober import WebsocketProber

        self._open(target, table, (http_url(table.url),), {})
        taken = steps.permitted(self._environment, target, table)
        matcher = Messages(table.fallback, time.time)
        return WebsocketProber(self.wire, target, table, taken, matcher, self.credentials, self._forger())

    def _issuing(self) -> AuthProber:
        """Where users' tokens come from when no provider takes part: from the one that `--prodcheck-only` leaves out,
        not judged, or without any."""
        for target, table in self._environment.of_kind("auth").items():
            self._open(target, table, (table.issuer,) if table.issuer else (), {})
            return self._auth(target, table)
        return self._auth("auth", models.AuthTarget())

    def _auth(self, target: str, table: models.AuthTarget) -> AuthProber:
        from pytest_prodcheck.targets.auth_prober import AuthProber

        return AuthProber(self.wire, target, table, self._environment.users, self._hosts(), self._remember)

    def _forger(self) -> Forger | None:
        """What makes tokens that must be refused; None where nothing promises to refuse one."""
        if not _refusing(self._environment):
            return None
        from pytest_prodcheck.targets.forgery import Forger

        table = next(iter(self._environment.of_kind("auth").values()), None) or models.AuthTarget()
        return Forger(table, self._keys, self._remember)

    def _keys(self) -> Jwks | None:
        return next(iter(self._auths.values())).published() if self._auths else None

    def credentials(self, user: str) -> Mapping[str, str]:
        """The headers that identify a user who was logged in; empty where nobody was."""
        return next(iter(self._auths.values())).credentials(user) if self._auths else {}

    def _claims(self, user: str) -> Mapping[str, Any]:
        from pytest_prodcheck.observe import jose

        value = self.credentials(user).get("authorization", "").removeprefix("Bearer ")
        return jose.read(value).payload if value else {}

    def _hosts(self) -> dict[str, HttpTarget]:
        return {target: table for target, table in self._environment.targets.items() if isinstance(table, HttpTarget)}


def _refusing(environment: Environment) -> bool:
    """Whether any target promises to refuse tokens."""
    tables = environment.targets.values()
    endpoints = [one for table in tables if isinstance(table, HttpTarget) for one in table.endpoints.values()]
    others = [*environment.of_kind("graphql").values(), *environment.of_kind("websocket").values()]
    return any(one.refuses for one in (*endpoints, *others))
