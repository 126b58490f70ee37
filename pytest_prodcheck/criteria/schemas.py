"""Whether a JSON document fits its JSON Schema, in the draft that the schema names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pytest_prodcheck.observe.observation import Json

MOST_ERRORS = 5
_LONGEST = 200


class SchemaError(NamedTuple):
    """One place where a document does not fit; `path` as JSON path (`$.items[0].id`)."""

    path: str
    message: str


def errors(document: Json, schema: Mapping[str, object]) -> list[SchemaError]:
    """The first five errors, in the document's order. Draft 2020-12 where `$schema` names none.

    References are resolved inside the schema only: nothing is fetched. A schema that is none itself is an error at `$`.
    """
    from jsonschema import exceptions, validators
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    plain = dict(schema)
    validator = validators.validator_for(plain, default=validators.Draft202012Validator)
    try:
        validator.check_schema(plain)
        found = validator(plain, registry=Registry()).iter_errors(document)
        ordered = sorted(found, key=lambda error: [str(step) for step in error.absolute_path])
    except exceptions.SchemaError as problem:
        return [SchemaError("$", f"the schema itself is wrong: {problem.message[:_LONGEST]}")]
    except Unresolvable as problem:
        return [SchemaError("$", f"the schema refers to {problem.ref}, which is not in it")]
    except RecursionError:
        return [SchemaError("$", "schema or document is nested too deeply to judge")]
    return [SchemaError(error.json_path, error.message[:_LONGEST]) for error in ordered[:MOST_ERRORS]]
