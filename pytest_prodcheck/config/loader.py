"""`prodcheck.toml` → one frozen `Environment`, or every problem of it at once. Nothing is sent, no secret resolved."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from pytest_prodcheck.config import merge
from pytest_prodcheck.config.key_path import KeyPath
from pytest_prodcheck.config.models import TARGET_MODELS, Environment, Model, Target
from pytest_prodcheck.config.problems import Problems, nearest
from pytest_prodcheck.config.slugs import check_id, slug
from pytest_prodcheck.config.source import Source
from pytest_prodcheck.errors import ConfigError

__all__ = ["check_id", "find", "load", "slug"]

FILE_NAME = "prodcheck.toml"
_OWN_KEYS = frozenset(Environment.model_fields) - {"name", "targets", "suites", "commands", "base", "setup"}
_PRODCHECK_KEYS = ("suites", "commands")
_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
_LEVELS = 64
_TOO_DEEP = f"{{}}: tables or arrays are nested deeper than {_LEVELS} levels"
_MANY_DIGITS = re.compile(r"[\d_]{4000,}")
M = TypeVar("M", bound=Model)


def find(rootdir: Path, cwd: Path, given: str | None) -> Path:
    """The configuration file: `given`, or `prodcheck.toml` in `rootdir`, then in `cwd` and upward (interface.md §1).

    Raises ConfigError that lists every place that was looked at.
    """
    if given is not None:
        places = [cwd / Path(given).expanduser()]
    else:
        places = list(dict.fromkeys(folder / FILE_NAME for folder in (rootdir, cwd, *cwd.parents)))
    for place in places:
        if place.is_file():
            return place.absolute()
    shown = ", ".join([str(place) for place in places[:2]] + (["and its parents"] if len(places) > 2 else []))
    raise ConfigError(f"{places[0].name} not found; looked in: {shown}; next: prodcheck init")


def load(path: Path, environment: str, today: date | None = None, *, pinning: bool = False) -> Environment:
    """The environment called `environment`, with `extends`, families and defaults merged in and paths made absolute.

    `today` (default: this day) bounds `accepted.until`; `pinning`: the contracts may still be missing. Raises
    ConfigError with all problems, one a line, each as `prodcheck.toml:LINE: key.path: what is wrong; did you mean X?;
    example: …`, and never with a value that could be a secret.
    """
    source = _parsed(path)
    problems = Problems(source)
    names = _chain(source, environment, problems)
    problems = _following(problems, names)
    raw = merge.extended(source.document["env"], names)
    with _among_ourselves():
        loaded = _validated(raw, environment, problems)
    problems.raise_if_any()
    _check_relations(loaded, problems, today or date.today(), pinning)
    problems.raise_if_any()
    return loaded


@contextmanager
def _among_ourselves() -> Iterator[None]:
    """pydantic looks through all that is installed for plugins, and hands them what it validates: they would see every
    address and header of the configuration (docs.pydantic.dev, Plugins). A model keeps what it was built without."""
    before = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PLUGINS]
        else:
            os.environ[_PLUGINS] = before


def _following(problems: Problems, names: tuple[str, ...]) -> Problems:
    """The same problems, with keys looked up in `names`; those of the file alone come first and end the loading."""
    problems.raise_if_any()
    source = problems.source
    return Problems(Source(source.path, source.text, source.document, names))


def _parsed(path: Path) -> Source:
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path.name}:{line}: not UTF-8 at byte {error.start}") from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_syntax(path, text, str(error))) from None
    except RecursionError:
        raise ConfigError(_TOO_DEEP.format(path.name)) from None
    except ValueError:  # Python's own bound on the digits of an integer
        line = text[: found.start()].count("\n") + 1 if (found := _MANY_DIGITS.search(text)) else 1
        raise ConfigError(f"{path.name}:{line}: not TOML: a number has too many digits") from None
    if _deeper(document, _LEVELS):
        raise ConfigError(_TOO_DEEP.format(path.name))
    return Source(path, text, document)


def _deeper(document: object, levels: int) -> bool:
    """Whether tables and arrays are nested deeper than that; level by level, for recursion is what it protects."""
    here = [document]
    for _ in range(levels):
        tables = [one.values() if isinstance(one, dict) else one for one in here if isinstance(one, dict | list)]
        here = [value for table in tables for value in table]
    return any(isinstance(one, dict | list) for one in here)


def _syntax(path: Path, text: str, message: str) -> str:
    """tomllib's words with our place. They name keys and characters, never a value."""
    reason, _, place = message.partition(" (at ")
    line = place[5:].partition(",")[0] if place.startswith("line ") else str(text.count("\n") + 1)
    hint = '; text stands in quotes: key = "value"' if reason == "Invalid value" else ""
    return f"{path.name}:{line}: not TOML: {reason[:1].lower()}{reason[1:]}{hint}"


def _chain(source: Source, name: str, problems: Problems) -> tuple[str, ...]:
    """What `name` is merged from. Raises ConfigError where there is no such environment to run."""
    for key in source.document.keys() - {"env", "prodcheck"}:
        problems.at((key,), f"unknown key {key}{nearest(key, ('env', 'prodcheck'))}", "[env.staging]")
    environments = source.document.get("env")
    if not isinstance(environments, Mapping) or not environments:
        problems.whole("declares no environment; next: prodcheck init")
        problems.raise_if_any()
        return ()
    runnable = [key for key, table in environments.items() if isinstance(table, Mapping) and not key.startswith("_")]
    if name in environments and isinstance(environments[name], Mapping):
        if name.startswith("_"):
            problems.at(("env", name), f"{name} is only a base; run what extends it{nearest(name, runnable)}")
        return merge.chain(environments, name, problems)
    if name.partition(":")[0] == "demo":
        problems.whole("demo is built in and in no file; only the gate runs it: pytest --prodcheck=demo")
        problems.raise_if_any()
    close = nearest(name, runnable)
    place = ("env", close[15:-1]) if "did you mean" in close else ("env",)
    known = f" known: {', '.join(runnable)}" if "did you mean" in close else ""
    problems.whole(f"unknown environment {name}{close}{known}", place)
    problems.raise_if_any()
    return ()


def _validated(raw: dict[str, Any], name: str, problems: Problems) -> Environment:
    """The models of a merged environment; what does not fit is reported, and left out."""
    from pytest_prodcheck.config import later, secrecy

    secrecy.check(raw, problems)
    later.take_tables(raw, problems)
    targets: dict[str, Target] = {}
    for target in merge.targets(raw, problems):
        later.take_keys(target, problems)
        if model := _model(TARGET_MODELS[target.kind], target.table, target.path, problems):
            targets[target.id] = model
    if not any(kind in raw for kind in TARGET_MODELS):
        place: KeyPath = ("env", name)
        problems.whole(f"environment {name} declares no target", place)
    own = merge.without_targets(raw)
    problems.unknown_keys((), own, [*_OWN_KEYS, *TARGET_MODELS, *merge.DEFAULTS, *merge.HTTP_DEFAULTS, "extends"])
    own = _with_http_target({key: value for key, value in own.items() if key in _OWN_KEYS}, targets)
    own |= _setup(own, problems)
    own |= {"name": name, "targets": targets, "base": str(problems.source.path.absolute().parent)}
    environment = _model(Environment, own | _prodcheck(problems), (), problems)
    problems.raise_if_any()
    if environment is None:
        raise ConfigError(f"{problems.source.path.name}: environment {name} is invalid")
    environment._source = problems.source.bare
    return environment


def _with_http_target(own: dict[str, Any], targets: Mapping[str, Target]) -> dict[str, Any]:
    """The environment's own keys with the first http target filled in where `revision` or a login names none."""
    first = next((target_id for target_id in targets if target_id.partition(".")[0] == "http"), "")
    if isinstance(short := own.get("revision"), str) and short in ("image", "argocd"):
        own["revision"] = {"source": short}
    if isinstance(own.get("revision"), dict):
        kind = "cluster" if own["revision"].get("source", "http") != "http" else "http"
        asked = next((target_id for target_id in targets if target_id.partition(".")[0] == kind), "")
        own["revision"] = {"target": asked} | own["revision"]
    if isinstance(own.get("users"), dict):
        own["users"] = {
            name: user | {"login": {"target": first} | user["login"]}
            if isinstance(user, dict) and isinstance(user.get("login"), dict)
            else user
            for name, user in own["users"].items()
        }
    return own


def _setup(own: dict[str, Any], problems: Problems) -> dict[str, Any]:
    """`containers` without `setup`, which stands beside the containers, and `setup` by itself."""
    containers = own.get("containers")
    if not isinstance(containers, dict) or "setup" not in containers:
        return {}
    setup = containers["setup"]
    commands = [setup] if isinstance(setup, str) else setup
    if not isinstance(commands, list) or not all(isinstance(one, str) and one.strip() for one in commands):
        problems.add(("containers", "setup"), "must be a command, or a list of them", 'setup = "alembic upgrade head"')
        commands = []
    return {"containers": {name: one for name, one in containers.items() if name != "setup"}, "setup": commands}


def _prodcheck(problems: Problems) -> dict[str, Any]:
    table = problems.source.document.get("prodcheck", {})
    if not isinstance(table, Mapping):
        problems.at(("prodcheck",), "must be a table", "[prodcheck]")
        return {}
    for key in table.keys() - set(_PRODCHECK_KEYS):
        problems.at(("prodcheck", key), f"unknown key {key}{nearest(key, _PRODCHECK_KEYS)}")
    if "commands" in table and not isinstance(table["commands"], bool):
        problems.at(("prodcheck", "commands"), "must be true or false", "commands = true")
        return {}
    suites = table.get("suites", [])
    names = [suites] if isinstance(suites, str) else suites
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        problems.at(("prodcheck", "suites"), "must be a list of paths", 'suites = ["checks/"]')
        return {}
    return {"commands": table.get("commands", False), "suites": names}


def _model(model: type[M], table: dict[str, Any], path: KeyPath, problems: Problems) -> M | None:
    try:
        return model.model_validate(_absolute(table, problems.source.path.absolute().parent), context=problems.source)
    except ValidationError as error:
        from pytest_prodcheck.config import translation

        translation.report(error, model, table, path, problems)
        return None


def _absolute(table: dict[str, Any], base: Path) -> dict[str, Any]:
    """The table with the paths of contracts and certificates made absolute: they are relative to the file."""
    return table | {key: _absolute_value(key, table[key], base) for key in _PATHS & table.keys()}


_PATHS = frozenset({
    "schema", "contract", "variables", "tls", "endpoints", "client_certificate", "ca", "certificate", "key",
    "migrations", "directory", "metadata", "kubeconfig",
})  # fmt: skip


def _absolute_value(key: str, value: object, base: Path) -> object:
    if isinstance(value, str):
        keep = not value or value.startswith(("env:", "file:", "cmd:", "demo:")) or (key, value) == ("ca", "system")
        of_home = key == "kubeconfig" and value.startswith("~")
        return value if keep or of_home else os.path.normpath(base / value)
    if isinstance(value, dict) and key == "endpoints":
        return {
            name: item | {"schema": _absolute_value("schema", item["schema"], base)}
            if isinstance(item, dict) and "schema" in item
            else item
            for name, item in value.items()
        }
    return _absolute(value, base) if isinstance(value, dict) else value


def _check_relations(environment: Environment, problems: Problems, today: date, pinning: bool) -> None:
    from pytest_prodcheck.config import files, rules, users

    rules.check(environment, problems, today)
    users.check(environment, problems)
    files.check(environment, problems, pinning=pinning)
