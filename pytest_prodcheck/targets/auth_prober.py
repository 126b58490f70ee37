"""The auth target as the owner asks it: discovery, keys, and a token for each declared user, each once a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pytest_prodcheck.config.models import AuthTarget, HttpTarget, Login, User
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.identity import Discovery, Token
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets import auth, tokens
from pytest_prodcheck.targets.grants import LoginPlace
from pytest_prodcheck.targets.wire import Wire

Remember = Callable[[str, str], object]
"""Takes a secret and the name under which it is masked."""


class AuthProber:
    """Asks one identity provider; keeps discovery, keys and tokens for the run."""

    def __init__(
        self,
        wire: Wire,
        target: str,
        table: AuthTarget,
        users: Mapping[str, User],
        hosts: Mapping[str, HttpTarget],
        remember: Remember,
    ) -> None:
        self._wire, self.target, self.table = wire, target, table
        self._users, self._hosts, self._remember = users, hosts, remember
        self._discovery: Discovery | None = None
        self._tokens: dict[str, Token] = {}
        self.lane, self.width = target, 4

    def ready(self) -> Evidence:
        """The discovery document; nothing to ask where there is only a shared secret."""
        if not self.table.issuer:
            return Evidence()
        found = auth.discover(self._wire, self.table, self.target)
        self._discovery = found
        named = [url for url in (found.token_endpoint, found.jwks_uri, found.introspection_endpoint) if url]
        if not found.problem:
            self._wire.widen(
                self.target, *[url for url in named if url.startswith(("https://", self.table.issuer[:8]))]
            )
        return Evidence((found.observation,), {"discovery": found})

    def _discovered(self) -> None:
        """Asks for the discovery document where nobody looked at readiness (`--prodcheck-only` leaves it out)."""
        if self._discovery is None and self.table.issuer:
            self.ready()

    def jwks(self) -> Evidence:
        """The published keys, where consumers look for them."""
        self._discovered()
        found = auth.fetch_jwks(self._wire, self.table, self._discovery, self.target)
        return Evidence((found.observation,), {"jwks": found, "discovery": self._discovery})

    def token(self, name: str) -> Evidence:
        """The user's token, in one attempt; its secrets are known before anything about it is kept."""
        user = self._users[name]
        if user.introspect or user.grant not in ("static", "login"):
            self._discovered()
        token = tokens.obtain(
            self._wire,
            user,
            name,
            self._discovery,
            self.table,
            self.target,
            self._place(user.login) if user.login else None,
        )
        for value in token.secrets:
            self._remember(value, f"token of {name}")
        self._tokens[name] = token
        kept = replace(token.observation, body=b"")
        return Evidence((kept,), {"token": replace(token, observation=kept), "discovery": self._discovery})

    def credentials(self, name: str) -> Mapping[str, str]:
        """The headers that identify the user; empty for one whose session is a cookie."""
        token = self._tokens.get(name)
        return {"authorization": f"Bearer {token.value}"} if token and token.value else {}

    def probe(self, function: str, subject: str, user: str, attempt: int) -> Evidence:
        """The evidence of one shipped check."""
        del attempt, user
        token = self._tokens.get(subject)
        facts = {"token": token, "discovery": self._discovery}
        return Evidence((), facts) if function in ("test_signature", "test_claims") else Evidence()

    def repeaters(self) -> Sequence[Callable[[], Observation]]:
        """Reads that may be repeated for a limit of the whole target."""
        return [] if not self.table.issuer else [self._again]

    def repeater(self, function: str, subject: str, user: str) -> Callable[[], Observation] | None:
        """None: no single check of this target is repeated."""
        del function, subject, user
        return None

    def _again(self) -> Observation:
        return replace(auth.discover(self._wire, self.table, self.target).observation, kind="sample")

    def _place(self, login: Login) -> LoginPlace:
        target = login.target or next(iter(self._hosts), "")
        host = self._hosts.get(target)
        return LoginPlace(host.url if host else "", target, host.timeout if host else 10.0)
