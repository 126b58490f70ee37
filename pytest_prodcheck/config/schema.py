"""The JSON Schema of `prodcheck.toml`, for editors: made from the models, with the words of `keys`.

Looser than the loader where a key may be inherited: a table that `extends` another, or has shared defaults beside
it, need not repeat what it inherits. Every key is known, so a misspelt one is still underlined.
"""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from pytest_prodcheck.config import keys, merge
from pytest_prodcheck.config.models import ADDRESS_KEYS, TARGET_MODELS, Endpoint, Environment, Model

Schema = dict[str, Any]

_LOADED = ("name", "targets", "suites", "commands", "base", "setup")
"""Fields of an environment that its table does not have: the loader fills them in."""
_BASED_ON = "#/$defs/"
_REMOVES: Schema = {"const": False, "description": "Removes what is inherited."}


def config() -> Schema:
    """The schema of a whole file: `[prodcheck]` and `[env.NAME]`, families included (draft 2020-12)."""
    models: list[type[Model]] = [Environment, *TARGET_MODELS.values(), Endpoint]
    _, generated = models_json_schema([(model, "validation") for model in models], by_alias=True)
    definitions: dict[str, Schema] = generated["$defs"]
    for name, definition in definitions.items():
        _described(name, definition)
    _shorten_endpoints(definitions)
    _list_scenarios(definitions)
    environment = _environment(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "prodcheck.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "prodcheck": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "suites": {"type": "array", "items": {"type": "string"}, "description": "The team's own tests."},
                    "commands": {"type": "boolean", "description": "Whether `cmd:` references may run."},
                },
            },
            "env": {"type": "object", "minProperties": 1, "additionalProperties": environment},
        },
        "required": ["env"],
        "$defs": definitions,
    }


def _described(name: str, definition: Schema) -> None:
    """Adds what each key means; drops `required`, because any key may be inherited; lets `false` remove it."""
    definition.pop("required", None)
    for key, value in definition.get("properties", {}).items():
        described = keys.KEYS.get(name, {}).get(key)
        value.pop("title", None)
        _as_written(value)
        definition["properties"][key] = {"anyOf": [value, _REMOVES]} | (
            {"description": f"{described[0]} Example: {described[1]}"} if described else {}
        )


def _as_written(value: Schema) -> None:
    """The forms that validators accept before pydantic's own: one item for a list, text for a duration."""
    for part in [value, *value.get("anyOf", [])]:
        if part.get("type") == "array" and "items" in part:
            items = part.pop("items")
            part.pop("type")
            part["anyOf"] = [items, {"type": "array", "items": items}]
        if part.pop("secret", False):
            part["pattern"] = r"^((env|file|cmd|demo):|\{(env|file|demo):)"
        if part.get("type") == "string":
            for bound in ("minimum", "maximum"):
                part.pop(bound, None)
        part.pop("default", None)


def _shorten_endpoints(definitions: dict[str, Schema]) -> None:
    endpoints = definitions["HttpTarget"]["properties"]["endpoints"]["anyOf"][0]
    endpoints["additionalProperties"] = {"anyOf": [{"type": "string"}, {"$ref": _BASED_ON + "Endpoint"}, _REMOVES]}


def _list_scenarios(definitions: dict[str, Schema]) -> None:
    text: Schema = {"type": "string"}
    written = definitions["LoadTarget"]["properties"]["scenarios"]["anyOf"]
    written[0]["additionalProperties"] = {"anyOf": [text, {"$ref": _BASED_ON + "LoadScenario"}, _REMOVES]}
    written += [text, {"type": "array", "items": text}]


def _environment(definitions: dict[str, Schema]) -> Schema:
    environment = definitions.pop("Environment")
    properties: Schema = environment["properties"]
    properties["containers"]["anyOf"][0]["properties"] = {"setup": properties["setup"]}
    for name in _LOADED:
        properties.pop(name, None)
    target = definitions[TARGET_MODELS["http"].__name__]["properties"]
    properties |= {key: target[key] for key in (*merge.DEFAULTS, *merge.HTTP_DEFAULTS)}
    properties |= {kind: _target(kind, definitions) for kind in TARGET_MODELS}
    properties["revision"]["anyOf"].append({"enum": ["image", "argocd"]})
    properties["extends"] = {"type": "string", "description": "The environment that this one is merged over."}
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _target(kind: str, definitions: dict[str, Schema]) -> Schema:
    """A target, or a family: the same keys as shared defaults, and further tables that are the targets."""
    name = TARGET_MODELS[kind].__name__
    target = {"$ref": _BASED_ON + name}
    properties = definitions[name]["properties"]
    shared = {key: value for key, value in properties.items() if key not in ADDRESS_KEYS[kind]}
    family = {"type": "object", "properties": shared, "additionalProperties": {"anyOf": [target, _REMOVES]}}
    return {"anyOf": [target, family, _REMOVES]}
