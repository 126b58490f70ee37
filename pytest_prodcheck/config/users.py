"""What each grant of a synthetic user needs (RFC 6749 §4, §6; interface.md §2)."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_prodcheck.config import models
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import Environment, HttpTarget, User
from pytest_prodcheck.config.problems import Problems, nearest

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "client_credentials": ("client_id", "client_secret"),
    "password": ("username", "password"),
    "refresh_token": ("refresh_token",),
    "static": ("token",),
    "login": ("login",),
}
_FROM_TOKEN_ENDPOINT = ("client_credentials", "password", "refresh_token")


def check(environment: Environment, problems: Problems) -> None:
    """Adds a problem for each user whose token could not be obtained, or not be judged as promised."""
    authorities: list[models.AuthTarget] = list(environment.of_kind("auth").values())
    for name, user in environment.users.items():
        path = ("users", name)
        for key in _NEEDED[user.grant]:
            if not getattr(user, key) and not (key == "client_secret" and user.client_auth == "private_key_jwt"):
                problems.add((*path, key), f"grant {user.grant} needs {key}", _example(key))
        _client(path, user, problems)
        _authority(path, user, authorities, problems)
        if user.login:
            _login(environment, path, user, problems)
    if len(authorities) > 1 and environment.users:
        problems.add(("auth",), "users cannot say which of several auth targets they use: declare one")


def _client(path: KeyPath, user: User, problems: Problems) -> None:
    """`private_key_jwt` signs with a key, and with nothing else."""
    keyed = user.client_auth == "private_key_jwt"
    for key in ("client_id", "client_key"):
        if keyed and not getattr(user, key):
            problems.add((*path, key), f"client_auth private_key_jwt needs {key}", _example(key))
    if keyed and user.client_secret:
        text = "client_auth private_key_jwt has no client_secret: leave one of them out"
        problems.add((*path, "client_secret"), text)
    for key in ("client_key", "client_key_id", "assertion_audience"):
        if not keyed and key in user.model_fields_set:
            problems.add((*path, key), f"{key} is for private_key_jwt alone", 'client_auth = "private_key_jwt"')


def _authority(path: KeyPath, user: User, authorities: list[models.AuthTarget], problems: Problems) -> None:
    example = '[env.NAME.auth] issuer = "https://auth.example/"'
    if user.grant in _FROM_TOKEN_ENDPOINT and not any(authority.issuer for authority in authorities):
        text = "the auth target needs an issuer" if authorities else "the environment has no auth target"
        problems.add((*path, "grant"), f"grant {user.grant} needs a token endpoint, and {text}", example)
    for key in ("claims", "lifetime", "introspect"):
        if getattr(user, key) and not authorities:
            problems.add((*path, key), f"{key} can only be judged with an auth target, and there is none", example)
    if user.opaque and user.claims and not user.introspect:
        problems.add((*path, "claims"), "an opaque token has no claims to read", "introspect = true")


def _login(environment: Environment, path: KeyPath, user: User, problems: Problems) -> None:
    login = user.login
    if login is None:
        return
    if user.grant != "login":
        problems.add((*path, "login"), f"login is sent for grant login only, not for {user.grant}", 'grant = "login"')
    if bool(login.json_) == bool(login.form):
        problems.add((*path, "login"), "a login has one body: json or form", _example("login"))
    known = [target_id for target_id, target in environment.targets.items() if isinstance(target, HttpTarget)]
    if login.target and login.target not in known:
        problems.add((*path, "login", "target"), f"no such http target{nearest(login.target, known)}")
    elif not known:
        problems.add((*path, "login"), "login needs an http target", '[env.NAME.http] url = "https://app.example"')
    if not login.path.startswith("/") or login.path.startswith("//"):
        problems.add((*path, "login", "path"), "a path begins with one / and is relative to the target's url")


def _example(key: str) -> str:
    from pytest_prodcheck.config import keys  # of no use where nothing is wrong

    return keys.example(models.User, key)
