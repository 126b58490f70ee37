"""What must hold between the keys of a compose project, and its files."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_prodcheck.config import grammar
from pytest_prodcheck.config.compose.reader import read
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import ClusterTarget, Target
from pytest_prodcheck.config.models.compose import ComposeTarget
from pytest_prodcheck.config.problems import nearest
from pytest_prodcheck.config.rules.checked import Checked
from pytest_prodcheck.errors import ConfigError

_OWN = frozenset(ComposeTarget.model_fields) - frozenset(Target.model_fields)
_SHARED = frozenset(ComposeTarget.model_fields)


def check(checked: Checked, path: KeyPath, target: ClusterTarget) -> None:
    """Adds a problem for each key that a compose project has not, for its files, and for services that they lack."""
    add = checked.problems.add
    for key in target.model_fields_set - _SHARED:
        add((*path, key), f"{key} is of a Kubernetes cluster, and this target is a compose project: two targets", "")
    for key in ("memory", "cpu"):
        limit = grammar.comparison(getattr(target, key) or "")
        if limit is not None and limit.unit != "%":
            add((*path, key), "is a share of the limit", f'{key} = "< 90%"')
    if not target.compose:
        return
    try:
        file = read([Path(checked.environment.base) / name for name in target.compose], os.environ, target.project)
    except ConfigError as problem:
        add((*path, "compose"), str(problem), 'compose = "docker-compose.yml"')
        return
    for position, name in enumerate(target.services):
        if name not in file.services:
            text = f"{', '.join(file.names)} declares no service {name}{nearest(name, file.services)}"
            add((*path, "services", position), text, f"services = {[*file.services][:3]}".replace("'", '"'))
    if not file.project:
        add(path, "the project has no name: its folder has no letter or digit", 'project = "plan"')


def refuse(checked: Checked, path: KeyPath, target: ClusterTarget) -> None:
    """What is of a compose project, on a target that is none."""
    for key in target.model_fields_set & _OWN:
        text = f"{key} is of a compose project, and this target is a Kubernetes cluster"
        checked.problems.add((*path, key), text, 'compose = "docker-compose.yml"')
