"""What must hold between the keys of one environment: promises that promise something, names that name something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from pytest_prodcheck.config import address, models
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.lazily import compiled
from pytest_prodcheck.config.models import Environment, HttpTarget, Target
from pytest_prodcheck.config.models.environment import Effectful
from pytest_prodcheck.config.problems import Problems, nearest
from pytest_prodcheck.config.rules.checked import Checked, refuse_empty, refuse_unjudgeable
from pytest_prodcheck.config.secrecy import REFERENCE
from pytest_prodcheck.config.slugs import check_id, slug

_CODE = compiled(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
_LONGEST_ACCEPTANCE = timedelta(days=90)


def check(environment: Environment, problems: Problems, today: date) -> None:
    """Adds every problem that one key alone does not show. Files are `files.check`'s; users are `users.check`'s."""
    checked = Checked(environment, problems)
    for target_id, target in environment.targets.items():
        path = tuple(target_id.split(".", 1))
        refuse_empty(path, target, problems)
        _addresses(path, target, problems)
        _of_kind(checked, path, target)
    for name, user in environment.users.items():
        refuse_unjudgeable(("users", name, "claims"), dict(user.claims), problems)
    if environment.revision:
        from pytest_prodcheck.config.rules import revision

        revision.check(checked, environment.revision)
    if environment.containers or environment.setup or "container:" in problems.source.text:
        from pytest_prodcheck.config.rules import throwaway

        throwaway.check(environment, problems)
    _check_ids(checked)
    _writes(checked)
    _accepted(checked, today)


def _addresses(path: KeyPath, target: Target, problems: Problems) -> None:
    if path[0] == "cache":
        return  # its URL is no HTTP address
    for key in ("url", "issuer", "jwks_url", "proxy"):
        value = getattr(target, key, "")
        of_websocket = path[0] == "websocket" and key == "url"  # its own rules say what is wrong with it
        if (
            value
            and not of_websocket
            and not REFERENCE.fullmatch(value)
            and (problem := address.address_problem(value, key))
        ):
            problems.add((*path, key), problem)


def _of_kind(checked: Checked, path: KeyPath, target: Target) -> None:
    """The rules of the target's kind; those of a kind that is not declared are not loaded."""
    if isinstance(target, HttpTarget):
        from pytest_prodcheck.config.rules import http

        http.check(checked, path, target)
    elif isinstance(target, models.AuthTarget):
        from pytest_prodcheck.config.rules import auth

        auth.check(checked, path, target)
    elif isinstance(target, models.GraphqlTarget):
        from pytest_prodcheck.config.rules import graphql

        graphql.check(checked, path, target)
    elif isinstance(target, models.DatabaseTarget):
        from pytest_prodcheck.config.rules import database

        database.check(checked, path, target)
    elif isinstance(target, models.CacheTarget):
        from pytest_prodcheck.config.rules import cache

        cache.check(checked, path, target)
    elif isinstance(target, models.ClusterTarget):
        from pytest_prodcheck.config.rules import cluster

        cluster.check(checked, path, target)
    elif isinstance(target, models.LogsTarget):
        from pytest_prodcheck.config.rules import logs

        logs.check(checked, path, target)
    elif isinstance(target, models.LoadTarget):
        from pytest_prodcheck.config.rules import load

        load.check(checked, path, target)
    elif isinstance(target, models.WebsocketTarget):
        from pytest_prodcheck.config.rules import websocket

        websocket.check(checked, path, target)


def _check_ids(checked: Checked) -> None:
    """No two things of one kind have the same id in a report: one result would hide the other."""
    for things in _named(checked.environment):
        seen: dict[str, KeyPath] = {}
        for identifier, path in things:
            if not identifier:
                checked.problems.add(path, "a name needs a letter or a digit from a to z")
            elif first := seen.get(identifier):
                source = checked.problems.source
                lines = f"{source.where(first)} and {source.line(source.origin(path))}"
                checked.problems.add(path, f"duplicate check id {identifier} ({lines})")
            seen.setdefault(identifier, path)


def _named(environment: Environment) -> Iterator[Iterable[tuple[str, KeyPath]]]:
    targets = [(target_id, tuple(target_id.split(".", 1)), target) for target_id, target in environment.targets.items()]
    of_databases = (("database", key) for key in ("logins", "queries", "rows", "relations"))
    of_clusters = (("cluster", key) for key in ("deployments", "statefulsets"))
    of_caches = (("cache", key) for key in ("logins", "keys", "expires"))
    for kind, key in (("http", "endpoints"), *of_databases, *of_caches, *of_clusters):
        yield [
            (check_id(target_id, name), (*path, key, name))
            for target_id, path, target in targets
            if path[0] == kind
            for name in getattr(target, key)
        ]
    yield [(slug(name), ("users", name)) for name in environment.users]


def _writes(checked: Checked) -> None:
    declared = [
        (name, f"{target_id}.{name}")
        for target_id, target in checked.environment.targets.items()
        for name, endpoint in _effectful(target)
        if endpoint.writes
    ]
    declared += [
        (name, f"load.{name}")
        for target in checked.environment.of_kind("load").values()
        for name, scenario in target.scenarios.items()
        if scenario.effect == "write"
    ]
    declared += [
        (table.round_trip.name, f"{target_id}.{table.round_trip.name}")
        for target_id, table in checked.environment.of_kind("cache").items()
        if table.round_trip
    ]
    logins = [("login", f"users.{name}.login") for name, user in checked.environment.users.items() if user.login]
    known = {name for pair in (*declared, *logins) for name in pair}
    for position, name in enumerate(checked.environment.writes):
        path = ("writes", position)
        meant = [qualified for short, qualified in declared if short == name]
        if name not in known:
            checked.problems.add(path, f"writes names no declared write{nearest(name, known)}")
        elif len(meant) > 1 or (meant and name == "login" and logins):
            checked.problems.add(path, f"writes is ambiguous: {name} could be {' or '.join(meant)}", f'"{meant[0]}"')


def _effectful(target: Target) -> Iterable[tuple[str, Effectful]]:
    """What of a target is declared to change something or not, by name."""
    if isinstance(target, HttpTarget):
        return target.endpoints.items()
    return ((step.name, step) for step in target.steps) if isinstance(target, models.WebsocketTarget) else ()


def _accepted(checked: Checked, today: date) -> None:
    for position, accepted in enumerate(checked.environment.accepted):
        path = ("accepted", position)
        if accepted.until > today + _LONGEST_ACCEPTANCE:
            latest = today + _LONGEST_ACCEPTANCE
            checked.problems.add(
                (*path, "until"), f"at most 90 days ahead: {latest} at the latest", f"until = {latest}"
            )
        if not _CODE.fullmatch(accepted.code) or accepted.code.startswith("gate."):
            text = "an accepted finding has the code of one cause, as a verdict names it; what cannot be named is none"

            checked.problems.add((*path, "code"), text, 'code = "http.headers.csp_missing"')
        if accepted.on and accepted.on not in checked.environment.targets:
            checked.problems.add((*path, "on"), f"no such target{nearest(accepted.on, checked.environment.targets)}")
