"""Every key is explained once, and the editor's schema, the documentation and the models agree."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import pytest_prodcheck
from pytest_prodcheck.config import keys, models, schema

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
LOADED = {"name", "targets", "suites", "commands", "base", "setup"}
MODELS = [
    model
    for model in (getattr(models, name) for name in models.__all__)
    if isinstance(model, type) and issubclass(model, models.Model) and model.__module__.startswith(models.__name__)
]
TABLES = [model for model in MODELS if model.__name__ not in ("Model", "Owned", "Target", "WebTarget")]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """The shipped schema, itself valid."""
    document = schema.config()
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


def as_json(toml: str) -> Any:
    """A TOML document as an editor's validator sees it."""
    return json.loads(json.dumps(tomllib.loads(toml), default=str))


def test_every_table_has_its_words() -> None:
    """The models and the tables of words are the same."""
    assert {model.__name__ for model in TABLES} == set(keys.KEYS)


@pytest.mark.parametrize("model", TABLES, ids=lambda model: model.__name__)
def test_every_key_is_explained_in_the_models_terms(model: type[models.Model]) -> None:
    """No key without words and example, no words without a key."""
    known = {info.alias or name for name, info in model.model_fields.items()}
    if model is models.Environment:
        known -= LOADED
    assert set(keys.KEYS[model.__name__]) == known


def test_every_key_has_a_row_in_the_documentation() -> None:
    """docs/configuration.md shows each key with its meaning and example, in the same order."""
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    rows = [
        f"| `{key}` | {meaning} | `{example}` |"
        for table in keys.KEYS.values()
        for key, (meaning, example) in table.items()
    ]
    at = 0
    for row in rows:
        at = text.find(row, at)
        assert at >= 0, f"docs/configuration.md lacks, or has in another place: {row}"


def test_every_example_is_toml() -> None:
    """What an error message proposes can be pasted."""
    for table in keys.KEYS.values():
        for key, (_, example) in table.items():
            assert key == "accepted" or tomllib.loads(example)


@pytest.mark.parametrize("file", ["interface.toml", "init_template.toml", "demo/prodcheck.toml"])
def test_shipped_files_keep_the_schema(file: str, validator: jsonschema.Draft202012Validator) -> None:
    """The interface's example (the parts of this version), what `prodcheck init` writes, and the demo's."""
    folder = HERE if file == "interface.toml" else Path(pytest_prodcheck.__file__).parent
    assert list(validator.iter_errors(as_json((folder / file).read_text("utf-8")))) == []


@pytest.mark.parametrize("case", ["fg-config-key-typo", "unknown-target", "unknown-environment-key", "kind-typo"])
def test_the_editor_underlines_what_the_loader_refuses(case: str, validator: jsonschema.Draft202012Validator) -> None:
    """Misspelt keys and values are errors of the schema too."""
    cases = {entry["id"]: entry["toml"] for entry in yaml.safe_load((HERE / "bad_files.yaml").read_text("utf-8"))}
    assert list(validator.iter_errors(as_json(cases[case])))
