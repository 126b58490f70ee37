"""The contract file: what is written is read back, by lines or as TOML, and two readers of it agree (A33)."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_prodcheck.errors import ConfigError
from pytest_prodcheck.observe import contract_file, contract_toml
from pytest_prodcheck.observe.contract import (
    ColumnFacts,
    Contract,
    FunctionFacts,
    PolicyFacts,
    RoleFacts,
    SequenceFacts,
    TableFacts,
    TypeFacts,
)

DEMO = Path(contract_file.__file__).parents[1] / "demo" / "contracts" / "database.toml"
ODD = (
    "it's",
    '"quoted"',
    "'''",
    "a\\b",
    "tab\there",
    "line\nbreak",
    "ünïcødé ☃",
    "",
    " # no comment",
    "[redacted]",
    "= x",
)
COLUMNS = {
    "plain": ColumnFacts("text"),
    "key": ColumnFacts("bigint", False, identity="by default"),
    "made": ColumnFacts("text", True, generated="lower('a)b')", stored=False),
    "said": ColumnFacts("character varying(40)", False, "' default '::text", collation="C"),
    "odd type": ColumnFacts('"my default type"', False),
    "odd.default": ColumnFacts("text", True, "'x generated always as (y) stored'::text"),
}


def whole(text: str) -> Contract:
    """A contract that says `text` wherever a text can stand."""
    table = TableFacts(
        "table", text, "forced", True, False, True, "local", text, COLUMNS, {text: text}, {text: f"btree ({text})"},
        {text: text}, {text: text}, {text: PolicyFacts("ALL", (text, "b"), False, text, text)},
        {text: ("SELECT", "UPDATE*")}, {text: {text: ("SELECT",)}}, {text: ("SELECT",)},
        {text: text}, {f"{text} of {text}": PolicyFacts("ALL", (text, "b"), False, text, text)},
    )  # fmt: skip
    return Contract(
        17,
        tables={f"public.{text}": table},
        sequences={f"public.{text}": SequenceFacts("bigint", -1, 2, -9, 9, True, text)},
        types={f"public.{text}": TypeFacts(text, (text, "x"), text, text, {text: text}, (text, "x"))},
        functions={
            f"public.{text}(text)": FunctionFacts(
                text,
                text,
                definer=True,
                search_path=text,
                body="00ff",
                strict=True,
                leakproof=True,
                parallel="safe",
                settings=(text, "a=b"),
            )
        },
        roles={text: RoleFacts(True, member_of=(text,))},
    )


@pytest.mark.parametrize("text", ODD)
def test_what_is_written_is_read_back(text: str) -> None:
    """Quotes, control characters, other scripts; and written again it is the same (A33)."""
    contract = whole(text)
    written = contract_file.written(contract, "staging")
    assert contract_file.read(written, "database.toml") == contract
    assert contract_file.written(contract_file.read(written, "database.toml"), "staging") == written
    assert contract_toml.loads(written) == tomllib.loads(written)


def test_lines_are_read_as_tomllib_reads_them() -> None:
    """The demo's contract, by lines: the same document, in the same order of columns."""
    text = DEMO.read_text("utf-8")
    assert contract_toml._by_lines(text) == tomllib.loads(text)
    columns = contract_file.read(text, "x").tables["public.tasks"].columns
    assert list(columns)[:3] == ["id", "user_id", "project_id"]


@pytest.mark.parametrize(
    "text",
    [
        "a = 1\na = 2\n",
        "[a.b]\n[a.b]\n",
        "[a.b]\n[a.b.c]\n[a.b.c]\n",
        "[a.b]\nc = 1\n[a.b.c]\n",
        "a = '''\n[b.c]\n'''\n",
        "a = [\n1,\n]\n",
        "a.b = 1\n",
        "a = 'x' # why\n",
        "a = 'x'y\n",
        "[a]\nb = 1\n",
        "a = 1\r\n",
        "# \x01\n",
        "[a.b.c]\n[a.b]\n",
    ],
)
def test_other_forms_are_tomllibs(text: str) -> None:
    """What people write otherwise is read rightly, or refused, as TOML says."""
    assert _document(contract_toml.loads, text) == _document(tomllib.loads, text)


def _document(loads: Callable[[str], dict[str, Any]], text: str) -> dict[str, Any] | str:
    try:
        return loads(text)
    except tomllib.TOMLDecodeError as error:
        return str(error)


def test_a_key_that_is_there_twice_is_said_with_its_line() -> None:
    """A merge that kept both sides is a usage error, not the second of them."""
    text = "format = 1\npostgresql = 17\n[tables.'a.b']\nrls = 'on'\nrls = 'off'\n"
    with pytest.raises(ConfigError, match=r"^database.toml:5: not TOML: cannot overwrite a value"):
        contract_file.read(text, "database.toml")
