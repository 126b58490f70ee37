"""What the rules of every kind of target share: the environment that is checked, and promises that promise nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import Environment, HttpTarget, Model, Target
from pytest_prodcheck.config.problems import Problems, nearest

_EMPTY: Mapping[str, str] = {
    "tables": "schema contract names no table",
    "endpoints": "http contract names no endpoint",
    "logins": "logins contract names no login",
    "queries": "queries contract names no query",
    "rows": "rows names no table",
    "relations": "relations names no column",
    "operations": "operations contract names no document",
    "audience": "audience names nobody",
    "algorithms": "algorithms names no algorithm",
    "as_": "as names no user",
    "allowed": "allowed names no operation",
    "subscriptions": "subscriptions names no operation",
    "row_filters": "row_filters names no table",
    "security_headers": "security_headers contract names no header",
    "expect_headers": "expect_headers contract names no header",
    "status": "status names no status",
    "expect": "expect promises nothing",
    "claims": "claims contract names no claim",
    "refuses": "refuses names no token",
    "refused": "refused names no status",
    "hosts": "hosts names no host",
    "compose": "compose names no file",
    "services": "services names no service",
    "deployments": "deployments names no deployment",
    "statefulsets": "statefulsets names no stateful set",
    "daemonsets": "daemonsets names no daemon set",
    "jobs": "jobs names no job",
    "cronjobs": "cronjobs names no cron job",
    "images": "images names no workload",
    "secrets": "secrets names no secret",
    "configmaps": "configmaps names no config map",
    "certificates": "certificates names no certificate",
    "forward": "forward names no target",
    "external_secrets": "external_secrets names no external secret",
    "wiring": "wiring names no area",
    "probes": "probes names no probe",
    "resources": "resources names no request or limit",
    "usage": "usage names no resource",
    "keys": "keys names no pattern",
    "expires": "expires names no pattern",
    "hit": "hit names no header",
    "close": "close names no code",
    "steps": "steps names no step",
    "fallback": "fallback names no answer",
    "unheard_by": "unheard_by names no user",
}
"""Fields that promise nothing when they are written, and empty: all of nothing holds."""


class Checked(NamedTuple):
    """An environment, and where its problems go."""

    environment: Environment
    problems: Problems

    def ids(self, kind: type[Target]) -> list[str]:
        """Ids of the targets of one kind."""
        return [target_id for target_id, target in self.environment.targets.items() if isinstance(target, kind)]

    def known_user(self, path: KeyPath, name: str) -> None:
        """`name` is a declared user, or empty."""
        if name and name not in self.environment.users:
            close = nearest(name, self.environment.users)
            self.problems.add(path, f"as names an unknown user{close or ', which no table users.NAME declares'}")

    def http_target(self, path: KeyPath, name: str, subject: str) -> None:
        """`name` is an http target. (Without a name the loader filled in the first one.)"""
        known = self.ids(HttpTarget)
        if name and name not in known:
            self.problems.add((*path, "target"), f"no such http target{nearest(name, known)}")
        elif not known:
            self.problems.add(path, f"{subject} needs an http target", '[env.NAME.http] url = "https://app.example"')


def refuse_empty(path: KeyPath, model: Model, problems: Problems) -> None:
    """What is written, and holds nothing, promises nothing."""
    for name in model.model_fields_set & _EMPTY.keys():
        value = getattr(model, name)
        if isinstance(value, tuple | Mapping) and not value:
            key = type(model).model_fields[name].alias or name
            problems.add((*path, key), _EMPTY[name])


def refuse_blank(path: KeyPath, model: Model, name: str, problem: str, problems: Problems) -> None:
    """A text that is written, and blank, promises nothing."""
    if name in model.model_fields_set and not getattr(model, name).strip():
        problems.add((*path, name), problem)


def refuse_unjudgeable(path: KeyPath, expected: object, problems: Problems) -> None:
    """An expectation that no answer could be judged by (a bad regular expression, `age < 60`) is said now."""
    try:
        grammar.check_expectation(expected)
    except ValueError as problem:
        problems.add(path, str(problem))
