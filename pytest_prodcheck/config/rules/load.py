"""What must hold between the keys of load."""

from __future__ import annotations

from pathlib import Path

from pytest_prodcheck.config import address
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import ClusterTarget, HttpTarget, LoadTarget
from pytest_prodcheck.config.models.load import SHIPPED, LoadShape
from pytest_prodcheck.config.problems import nearest
from pytest_prodcheck.config.rules.checked import Checked
from pytest_prodcheck.config.slugs import slug


def check(checked: Checked, path: KeyPath, target: LoadTarget) -> None:
    """Adds a problem for a scenario that is not there, a shape that contradicts itself, a cap that is exceeded."""
    add = checked.problems.add
    if len(path) > 1:
        add(path, "load is one table; what scenarios have of their own stands in scenarios.NAME")
    if "latency" in target.model_fields_set:
        add((*path, "latency"), "limits of load stand in limits", 'limits = ["p95 < 500ms"]')
    hosts = checked.ids(HttpTarget)
    if target.target and target.target not in hosts:
        add((*path, "target"), f"no such http target{nearest(target.target, hosts)}")
    for position, origin in enumerate(target.hosts):
        if problem := address.address_problem(origin, "url"):
            add((*path, "hosts", position), problem)
    if not target.scenarios and "scenarios" in target.model_fields_set:
        add((*path, "scenarios"), "scenarios names no scenario", 'scenarios = ["load/browse.py"]')
    if target.memory and not checked.ids(ClusterTarget):
        add(
            (*path, "memory"), "memory is watched in a cluster of Kubernetes, and there is none: add [env.NAME.cluster]"
        )
    if len({slug(name) for name in target.scenarios}) < len(target.scenarios):
        add((*path, "scenarios"), "two scenarios have the same check id: give one another name")
    _shape(checked, path, target)
    for name in target.scenarios:
        _scenario(checked, (*path, "scenarios"), target, name)


def _scenario(checked: Checked, path: KeyPath, target: LoadTarget, name: str) -> None:
    add, scenario = checked.problems.add, target.scenarios[name]
    place = (*path, name)
    checked.known_user((*place, "as"), scenario.as_)
    if scenario.file not in SHIPPED:
        if not scenario.file.endswith(".py"):
            add((*place, "file"), f"neither a Locust file nor a shipped scenario{nearest(scenario.file, SHIPPED)}")
        elif not (Path(checked.environment.base) / scenario.file).is_file():
            add((*place, "file"), f"there is no file {scenario.file}")
    elif scenario.file == "browse" and not checked.ids(HttpTarget):
        add((*place, "file"), "browse asks declared endpoints, and there is no http target")
    elif scenario.file != "browse" and not checked.environment.of_kind(scenario.file):
        add((*place, "file"), f"{scenario.file} asks a target of that kind, and there is none")
    if scenario.effect == "write" and scenario.file in SHIPPED:
        add((*place, "effect"), "shipped scenarios only read")
    _shape(checked, place, scenario)
    shape, caps = target.of(name), target.caps
    most_users = max([shape.users or 0, *(stage.users or 0 for stage in shape.stages)])
    most_rate = max([shape.rate or 0.0, *(stage.rate or 0.0 for stage in shape.stages)])
    if most_users > caps.users:
        add(place, f"{most_users} users exceed the cap of {caps.users}", "caps = { users = 2000 }")
    if most_rate > caps.per_second:
        add(
            place,
            f"{most_rate:g} arrivals a second exceed the cap of {caps.per_second:g}",
            "caps = { per_second = 2000 }",
        )
    if target.seconds(name) > caps.duration:
        add(place, f"{target.seconds(name):g} s exceed the cap of {caps.duration:g} s", 'caps = { duration = "1h" }')
    if (shape.warm_up or 0.0) >= target.seconds(name):
        add(place, "the warm-up is as long as the run: nothing would be judged", 'warm_up = "5s"')
    if target.master and (_open(shape) or shape.pacing or shape.stages or scenario.file in SHIPPED):
        add(place, "a master elsewhere runs Locust files with users: no rate, stages, pacing or shipped scenario")
    if shape.pacing and _open(shape):
        add(place, "pacing is of users (closed model): arrivals have a rate", "rate = 50")


def _shape(checked: Checked, path: KeyPath, shape: LoadShape) -> None:
    add = checked.problems.add
    said = [key for key in ("users", "rate", "stages") if key in shape.model_fields_set]
    if len(said) > 1:
        add((*path, said[1]), f"{' and '.join(said)} contradict each other: users, a rate of arrivals, or stages")
    if shape.stages and shape.duration is not None:
        add((*path, "duration"), "stages have their own durations")
    for position, stage in enumerate(shape.stages):
        if (stage.users is None) == (stage.rate is None):
            add((*path, "stages", position), "a stage says users, or rate", '{ rate = 50, duration = "30s" }')
    if len({stage.rate is None for stage in shape.stages}) > 1:
        add((*path, "stages"), "stages are all of users, or all of a rate")
    if shape.stages and not any(stage.users or stage.rate for stage in shape.stages):
        add((*path, "stages"), "no stage has a user or an arrival")


def _open(shape: LoadShape) -> bool:
    return shape.rate is not None or any(stage.rate is not None for stage in shape.stages)
