"""What `refuses` needs: a good token to start from, and what only an issuer can make given beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pytest_prodcheck.config import models, steps
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import Endpoint, Environment, HttpTarget, User
from pytest_prodcheck.config.secrecy import only_refusals

_CREDENTIALS = ("authorization", "cookie", "x-hasura-admin-secret", "x-hasura-access-key")
Add = Callable[..., object]
"""Adds a problem: key path, text, example."""
_GENUINE = {"expired": 'specimens.expired = "env:EXPIRED_TOKEN"', "audience": 'specimens.audience = "env:OTHER_TOKEN"'}
"""What a service refuses for its content is a proof only where its signature is good: one is given, or can be made."""


def endpoint(environment: Environment, path: KeyPath, declared: Endpoint, add: Add) -> None:
    """Adds a problem for each promise of an endpoint that could not be proven."""
    key = (*path, "refuses")
    if declared.refused and not declared.refuses:
        add((*path, "refused"), "refused is the status of what `refuses` names", 'refuses = ["none", "alg_none"]')
    if not declared.refuses:
        return
    if declared.writes:
        add(key, "a write is sent once: what it refuses is not tried", 'effect = "read"')
    if only_refusals(declared.status):
        add(key, "the good token is refused here, so that refusing another proves nothing", "status = 200")
    elif worse := [status for status in declared.status if status >= 400]:
        add(key, f"{worse[0]} is expected of the good token too, so that it would be no refusal", "status = 200")
    if "role" in declared.refuses:
        add(key, "role is a header of Hasura's: promise it on a graphql target", 'refuses = ["none", "tampered"]')
    _nobody(key, {**_beside(environment, declared), **declared.headers}, add)
    _tokens(environment, key, declared.refuses, [declared.as_] if declared.as_ else [], add)


def graphql(environment: Environment, path: KeyPath, target: models.GraphqlTarget, add: Add) -> None:
    """Adds a problem for each promise of a GraphQL API that could not be proven."""
    key = (*path, "refuses")
    if target.refused and not target.refuses:
        add((*path, "refused"), "refused is the status of what `refuses` names", 'refuses = ["none", "alg_none"]')
    if "role" in target.refuses and target.engine != "hasura":
        add(key, "role is a header of Hasura's", 'engine = "hasura"')
    if target.refuses:
        _nobody(key, target.headers, add)
        _tokens(environment, key, target.refuses, target.as_, add)
    elif target.allowed:
        _nobody((*path, "allowed"), target.headers, add)


def websocket(environment: Environment, path: KeyPath, target: models.WebsocketTarget, add: Add) -> None:
    """Adds a problem for each promise of a WebSocket that could not be proven."""
    key = (*path, "refuses")
    if target.refused and not target.refuses:
        add((*path, "refused"), "refused is how what `refuses` names is refused", 'refuses = ["none", "tampered"]')
    if "role" in target.refuses:
        add(key, "role is a header of Hasura's: promise it on a graphql target", 'refuses = ["none", "tampered"]')
    if target.refuses:
        _nobody(key, target.headers, add)
        _tokens(environment, key, target.refuses, steps.acting(target), add)


def _nobody(key: KeyPath, headers: Mapping[str, str], add: Add) -> None:
    """What is shown in place of a good token, or without one, must not carry another credential beside it."""
    for name in headers:
        if name.lower() in _CREDENTIALS:
            text = f"{name} among headers goes with every request, so that nobody comes without a token: declare a user"
            add(key, text, 'users.member = { grant = "static", token = "env:API_TOKEN" }, and as = "member"')


def _beside(environment: Environment, declared: Endpoint) -> Mapping[str, str]:
    """The headers of the target that the endpoint belongs to."""
    tables = (table for table in environment.targets.values() if isinstance(table, HttpTarget))
    return next((table.headers for table in tables if any(one is declared for one in table.endpoints.values())), {})


def _tokens(environment: Environment, key: KeyPath, names: Sequence[str], users: Sequence[str], add: Add) -> None:
    made = [name for name in names if name != "none"]
    if not made:
        return
    known = [environment.users[name] for name in users if name in environment.users]
    if not users:
        add(key, f"{made[0]} starts from a good token", 'as = "member"')
    elif known and not any(has_jwt(user) for user in known):
        add(key, f"{made[0]} starts from a JWT, and {users[0]} has none: promise none alone", 'refuses = ["none"]')
    table = next(iter(environment.of_kind("auth").values()), None) or models.AuthTarget()
    for name in made:
        if name in _GENUINE and table.secret is None and getattr(table.specimens, name) is None:
            text = f"{name} cannot be made without the issuer's key: give a genuine one under auth"
            add(key, text, _GENUINE[name])
    if "hs256_public_key" in made and not (table.issuer or table.jwks_url):
        add(key, "hs256_public_key needs a published key: the auth target needs an issuer", 'issuer = "https://…/"')


def has_jwt(user: User) -> bool:
    """Whether the user has a JWT, from which others can be made."""
    return not user.opaque and user.keep != "cookies"
