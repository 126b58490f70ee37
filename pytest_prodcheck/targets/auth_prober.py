"""The auth target as the owner asks it: discovery, keys, and a token for each declared user, each once a run."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from pytest_prodcheck.config.models import AuthTarget, HttpTarget, Login, User
from pytest_prodcheck.errors import Refused
from pytest_prodcheck.observe.evidence import Evidence
from pytest_prodcheck.observe.identity import Discovery, Jwks, Token
from pytest_prodcheck.observe.observation import Observation
from pytest_prodcheck.targets import auth, tokens
from pytest_prodcheck.targets.grants import LoginPlace
from pytest_prodcheck.targets.guard.origins import Origins
from pytest_prodcheck.targets.wire import Wire

Remember = Callable[[str, str], object]
"""Takes a secret and the name under which it is masked."""

_PAUSE = 10.0
"""Seconds between two renewals of one user's token at least."""


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
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._wire, self.target, self.table = wire, target, table
        self._users, self._hosts, self._remember = users, hosts, remember
        self._discovery: Discovery | None = None
        self._tokens: dict[str, Token] = {}
        self._clock = clock
        self._asked_at: dict[str, float] = {}
        self._jwks: Jwks | None = None
        self._fetching = threading.Lock()
        self._renewing: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self.lane, self.width = target, 4

    def ready(self) -> Evidence:
        """The discovery document; nothing to ask where there is only a shared secret."""
        if not self.table.issuer:
            return Evidence()
        found = auth.discover(self._wire, self.table, self.target)
        self._discovery = found
        named = [url for url in (found.token_endpoint, found.jwks_uri, found.introspection_endpoint) if url]
        if not found.problem and found.issuer == self.table.issuer:
            self._wire.widen(self.target, *[url for url in named if self._secure(url)])
        return Evidence((found.observation,), {"discovery": found})

    def _discovered(self) -> None:
        """Asks for the discovery document where nobody looked at readiness (`--prodcheck-only` leaves it out)."""
        if self._discovery is None and self.table.issuer:
            self.ready()

    def jwks(self) -> Evidence:
        """The published keys, where consumers look for them."""
        self._discovered()
        found = auth.fetch_jwks(self._wire, self.table, self._discovery, self.target)
        self._jwks = found
        return Evidence((found.observation,), {"jwks": found, "discovery": self._discovery})

    def published(self) -> Jwks | None:
        """The keys that were fetched, or are now; None where there is no address to fetch them from."""
        with self._fetching:
            if self._jwks is None and (self.table.issuer or self.table.jwks_url):
                self.jwks()
            return self._jwks

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
        self._keep(token)
        kept = replace(token.observation, body=b"")
        return Evidence((kept,), {"token": replace(token, observation=kept), "discovery": self._discovery})

    def credentials(self, name: str) -> Mapping[str, str]:
        """The headers that identify the user, by a token that still lasts; empty where the session is a cookie."""
        token = self._tokens.get(name)
        if token is not None and self._due(token):
            token = self._renewed(name)
        return {"authorization": f"Bearer {token.value}"} if token and token.value else {}

    def _renewed(self, name: str) -> Token:
        """The user's token, renewed by whoever comes first; where that fails, the old one for as long as it lasts."""
        with self._renewing[name]:
            token = self._tokens[name]
            if self._due(token):
                self._asked_at[name] = self._clock()
                found = tokens.renewed(self._wire, token, self._users[name], self._discovery, self.table, self.target)
                # a failed renewal is not repeated: its token is no longer due, and the services say when it ended
                self._keep(found if found.value else replace(token, expires_at=None, secrets=found.secrets))
            return self._tokens[name]

    def _due(self, token: Token) -> bool:
        """Whether to renew: some providers give the same token until it ends, and are not asked before each request."""
        now = self._clock()
        return token.due(now) and now - self._asked_at.get(token.user, 0.0) > _PAUSE

    def _keep(self, token: Token) -> None:
        for value in token.secrets:
            self._remember(value, f"token of {token.user}")
        self._tokens[token.user] = token

    def probe(self, function: str, subject: str, user: str, attempt: int) -> Evidence:
        """The evidence of one shipped check."""
        del attempt, user
        if function == "test_discovery":
            return self._endpoints()
        token = self._tokens.get(subject)
        facts = {"token": token, "discovery": self._discovery}
        return Evidence((), facts) if function in ("test_signature", "test_claims") else Evidence()

    def _endpoints(self) -> Evidence:
        """The endpoints that discovery names, asked where their host is known: the issuer's, or one of `hosts`."""
        self._discovered()
        found = self._discovery
        if found is None or found.problem:
            return Evidence((), {"discovery": found})
        known = {urlsplit(self.table.issuer).hostname, *self.table.hosts}
        urls = [
            value for name, value in found.document.items() if name.endswith("_endpoint") and isinstance(value, str)
        ]
        self._wire.widen(self.target, *[url for url in urls if self._secure(url) and _host(url) in known])
        answers = auth.ask_endpoints(self._wire, self.table, found, self.target)
        return Evidence(tuple(answers.values()), {"discovery": found, "endpoints": answers})

    def _secure(self, url: str) -> bool:
        """Whether the URL can be asked, and is an https one, or one like a plain issuer's."""
        try:
            Origins.of(url)
        except Refused:
            return False
        return urlsplit(self.table.issuer).scheme == "http" or url.startswith("https://")

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


def _host(url: str) -> str:
    """The host of a URL that a document names; empty where it has none, or cannot be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
