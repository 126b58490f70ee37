"""Load: which scenarios may be run against the environment, how hard, and what they promise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pytest_prodcheck.config import grammar, load_limits
from pytest_prodcheck.config.models.base import Model, Target
from pytest_prodcheck.config.scalars import Count, Flag, Name, Names, Seconds, one_or_many

SHIPPED = ("browse", "graphql", "websocket")
"""Scenarios that are generated from what the environment declares; any other is a Locust file."""


def _limit(text: str) -> str:
    return load_limits.load_limit(text).text


def _abort(text: str) -> str:
    return load_limits.abort_limit(text).text


def _growth(text: str) -> str:
    limit = grammar.comparison(text)
    if limit is None or limit.unit != "%" or not limit.operator.startswith("<") or limit.subject or limit.value <= 0:
        raise ValueError(f"not an upper limit of a share: {text!r}; write it like '< 10%'")
    return text


LoadLimit = Annotated[str, AfterValidator(_limit)]
LoadLimits = Annotated[tuple[LoadLimit, ...], BeforeValidator(one_or_many)]
AbortLimits = Annotated[tuple[Annotated[str, AfterValidator(_abort)], ...], BeforeValidator(one_or_many)]
GrowthLimit = Annotated[str, AfterValidator(_growth)]
PerSecond = Annotated[float, Field(gt=0, le=1_000_000)]


class LoadStage(Model):
    """One stage of a shape: from where the last one ended to these users, or this rate, within this time."""

    duration: Annotated[Seconds, Field(gt=0)]
    users: Annotated[int, Field(strict=True, ge=0)] | None = None
    rate: Annotated[float, Field(ge=0)] | None = None
    step: Flag = False
    """At once, instead of in a straight line."""


class LoadCaps(Model):
    """What no scenario may exceed, whatever it says."""

    per_second: PerSecond = 1000.0
    users: Count = 1000
    duration: Annotated[Seconds, Field(gt=0)] = 1800.0


class LoadShape(Model):
    """How hard, and how long: what the whole table says holds for each scenario that does not say it itself."""

    users: Count | None = None
    spawn_rate: PerSecond | None = None
    rate: PerSecond | None = None
    stages: tuple[LoadStage, ...] = ()
    duration: Annotated[Seconds, Field(gt=0)] | None = None
    warm_up: Seconds | None = None
    pacing: Annotated[Seconds, Field(gt=0)] | None = None


class LoadScenario(LoadShape):
    """One scenario, run by itself."""

    file: Name
    """A Locust file, relative to `prodcheck.toml`, or the name of a shipped scenario."""
    effect: Literal["read", "write"] = "read"
    soak: Flag = False
    """Whether it is a long observation: `-m soak` runs it, `-m load` does not."""
    as_: str = Field("", alias="as")
    limits: LoadLimits = ()
    names: Mapping[Name, LoadLimits] = Field(default_factory=dict)
    weights: Mapping[Name, Count] = Field(default_factory=dict)
    """Of a shipped scenario: how often an endpoint or operation is taken, compared with the others (1)."""


class LoadTarget(LoadShape, Target):
    """Consent, scenarios, caps and limits."""

    consent: Flag = False
    scenarios: Mapping[Name, LoadScenario] = Field(default_factory=dict)
    limits: LoadLimits = ()
    names: Mapping[Name, LoadLimits] = Field(default_factory=dict)
    memory: GrowthLimit | None = None
    """By which share of its beginning the memory of a container may rise while load runs."""
    abort: AbortLimits = ("errors < 50%", "p95 < 10s")
    target: str = ""
    """Id of the http target that scenarios without a host of their own ask; the first one, where nothing is said."""
    hosts: Names = ()
    """Origins beyond those of the targets that scenarios may ask."""
    workers: Annotated[int, Field(strict=True, ge=1, le=64)] = 1
    port: Annotated[int, Field(strict=True, ge=1024, le=65535)] | None = None
    master: str = ""
    caps: LoadCaps = Field(default_factory=LoadCaps)

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        """Scenarios as a table by name, whichever way they were written."""
        if isinstance(data, dict) and "scenarios" in data:
            return {**data, "scenarios": named(data["scenarios"])}
        return data

    def of(self, name: str) -> LoadShape:
        """The shape of a scenario, with what the table says for all."""
        own = self.scenarios[name]
        keys = LoadShape.model_fields
        values = {key: getattr(own, key) if key in own.model_fields_set else getattr(self, key) for key in keys}
        if own.rate is not None or own.users is not None or own.stages:  # one way to say how hard replaces another
            hard = {"users", "rate", "stages"} - own.model_fields_set
            values |= {key: LoadShape.model_fields[key].default for key in hard}
        return LoadShape(**values)

    def seconds(self, name: str) -> float:
        """How long a scenario runs, warm-up included."""
        shape = self.of(name)
        return sum(stage.duration for stage in shape.stages) or shape.duration or DURATION


DURATION = 60.0
"""Seconds that a scenario runs when nothing is said."""


def named(written: object) -> object:
    """Scenarios by name: of a list, each file by its stem; of a table, each with its own keys."""
    if isinstance(written, str):
        written = [written]
    if isinstance(written, list):
        if not all(isinstance(one, str) for one in written):
            return written
        names = [PurePath(one).stem if one.endswith(".py") else one for one in written]
        if len(set(names)) < len(names):
            raise ValueError("two scenarios have the same name: write them as tables, [env.NAME.load.scenarios.browse]")
        return {name: {"file": file} for name, file in zip(names, written, strict=True)}
    if isinstance(written, dict):
        return {name: {"file": one} if isinstance(one, str) else one for name, one in written.items()}
    return written
