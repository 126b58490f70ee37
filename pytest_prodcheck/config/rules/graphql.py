"""What must hold between the keys of a graphql target."""

from __future__ import annotations

from pytest_prodcheck.config import address, forgeries
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import GraphqlTarget
from pytest_prodcheck.config.problems import Problems
from pytest_prodcheck.config.rules.checked import Checked, refuse_unjudgeable
from pytest_prodcheck.config.secrecy import REFERENCE


def check(checked: Checked, path: KeyPath, target: GraphqlTarget) -> None:
    """Adds a problem for each key that names nobody, needs another key, or could not be judged."""
    for name in target.as_:
        checked.known_user((*path, "as"), name)
    for operation, expectation in target.expect.items():
        checked.known_user((*path, "expect", operation, "as"), expectation.as_)
        refuse_unjudgeable((*path, "expect", operation, "data"), expectation.data, checked.problems)
        refuse_unjudgeable((*path, "expect", operation, "errors"), expectation.errors, checked.problems)
    forgeries.graphql(checked.environment, path, target, checked.problems.add)
    for operation, users in target.allowed.items():
        for name in users:
            checked.known_user((*path, "allowed", operation), name)
    for operation, subscription in target.subscriptions.items():
        checked.known_user((*path, "subscriptions", operation, "as"), subscription.as_)
        refuse_unjudgeable((*path, "subscriptions", operation, "data"), subscription.data, checked.problems)
    named = {"expect": target.expect, "variables": target.variables, "allowed": target.allowed,
             "subscriptions": target.subscriptions}  # fmt: skip
    for key in [key for key, value in named.items() if value and not target.operations]:
        checked.problems.add((*path, key), f"{key} needs operations", 'operations = "graphql/*.graphql"')
    _sockets(path, target, checked.problems)
    _of_hasura(path, target, checked.problems)


def _sockets(path: KeyPath, target: GraphqlTarget, problems: Problems) -> None:
    url = target.subscriptions_url
    if url and not REFERENCE.fullmatch(url) and (problem := address.url_problem(url, ("ws", "wss"))):
        problems.add((*path, "subscriptions_url"), problem, 'subscriptions_url = "wss://api.example/graphql"')


def _of_hasura(path: KeyPath, target: GraphqlTarget, problems: Problems) -> None:
    for key in ("metadata", "row_filters"):
        if getattr(target, key) and not (target.engine == "hasura" and target.admin_secret is not None):
            text = f"{key} is judged by Hasura's own metadata: it needs the engine and its admin secret"
            problems.add((*path, key), text, 'engine = "hasura", admin_secret = "env:HASURA_ADMIN_SECRET"')
