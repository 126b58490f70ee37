"""Data, object trees and excerpts without secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from pytest_prodcheck.config.redaction import Redactor

_S = "dummy-Pg-Pa55word-7Qx9"
_M = "[redacted env:PW]"


@pytest.fixture
def redactor() -> Redactor:
    """A redactor that knows one password."""
    redactor = Redactor()
    redactor.add(_S, "env:PW")
    return redactor


def test_json_like_data_is_copied_without_secrets(redactor: Redactor) -> None:
    """Keys and values are scrubbed, what a secret's key names is masked whole, all else is equal."""
    data = {
        "a": [1, 2.5, None, True, f"x {_S}"],
        _S: ("t", b"pw=" + _S.encode()),
        "password": "other1",
        "token": None,
        "n": {"api_key": 7},
    }
    assert redactor.scrub_value(data) == {
        "a": [1, 2.5, None, True, f"x {_M}"],
        _M: ("t", b"pw=" + _M.encode()),
        "password": "[redacted]",
        "token": None,
        "n": {"api_key": "[redacted]"},
    }
    assert data["a"][-1] == f"x {_S}"  # type: ignore[index]
    assert redactor.scrub_value({"password": "env:PW", "secret": _M}) == {"password": "env:PW", "secret": _M}


class _Slotted:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


@dataclass(frozen=True)
class _Frozen:
    text: str


class _Report:
    def __init__(self) -> None:
        self.sections = [("stdout", f"pw {_S}")]
        self.user_properties = [("key", _S)]
        self.parts: dict[str, Any] = {_S: {_S}, "slotted": _Slotted(_S), "frozen": (_Frozen(_S),), "own": self}
        self.duration = 0.5


def test_an_object_tree_is_scrubbed_in_place(redactor: Redactor) -> None:
    """Attributes, slots, frozen data, tuples, sets, keys and cycles: no string keeps the secret."""
    report = _Report()
    slotted, frozen = report.parts["slotted"], report.parts["frozen"][0]
    assert redactor.scrub_in_place(report)
    assert report.sections == [("stdout", f"pw {_M}")]
    assert report.user_properties == [("key", _M)]
    assert report.parts[_M] == {_M}
    assert (slotted.text, frozen.text, report.duration) == (_M, _M, 0.5)
    assert not redactor.scrub_in_place(report)


def test_a_deep_tree_ends(redactor: Redactor) -> None:
    """A tree deeper than any report does not exhaust the stack."""
    tree: list[Any] = []
    for _ in range(5000):
        tree = [tree]
    assert not redactor.scrub_in_place(tree)


def test_a_pytest_report_is_scrubbed_in_place(redactor: Redactor, request: pytest.FixtureRequest) -> None:
    """The long representation of a real failure, with its locals, holds no secret afterwards."""
    with pytest.raises(ValueError, match="bad") as caught:
        _fails(_S)
    representation = caught.getrepr(showlocals=True, style="long")
    assert _S in str(representation)
    assert redactor.scrub_in_place(representation)
    assert _S not in str(representation)
    assert _M in str(representation)


def _fails(password: str) -> None:
    raise ValueError(f"bad {password}")


def test_an_excerpt_holds_no_control_characters(redactor: Redactor) -> None:
    """Terminal sequences, bidi overrides and NULs go, also where they split a secret; lines and tabs stay."""
    said = f"a\x1b]0;title\x07b\u202ec\x1b[31mred\x00\t{_S[:9]}\x1b[0m{_S[9:]}\r\nx\x9b2Jy"
    assert redactor.clean(said) == f"abcred\t{_M}\nxy"


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (f"pw {_S}".encode(), ""),
        (f"pw {_S}".encode("utf-16"), "text/plain"),
        (f"pw {_S}".encode("utf-16-le"), "text/plain; charset=utf-16le"),
        (f"pw {_S}".encode("utf-16-le"), "text/plain"),
        (f"pw {_S}".encode(), "text/html; charset=no-such"),
        (f"pw {_S}".encode(), 'text/html; charset="hex"'),
    ],
)
def test_a_body_is_read_in_its_charset(redactor: Redactor, data: bytes, content_type: str) -> None:
    """Whatever charset a body has or claims, the excerpt is readable and holds no secret."""
    assert redactor.clean_bytes(data, content_type) == f"pw {_M}"


def test_an_excerpt_is_cut_behind_the_scrubbing(redactor: Redactor) -> None:
    """A long text ends in `…` within the limit, without half a secret or half a marker."""
    excerpt = redactor.clean(f"{'a ' * 995}{_S} {'b ' * 90000}")
    assert len(excerpt) <= 2000
    assert excerpt.endswith("a …")
    assert redactor.clean("short", 10) == "short"


def test_unknown_secrets_in_an_excerpt_are_masked(redactor: Redactor) -> None:
    """An excerpt is scrubbed by pattern as well as by value."""
    assert redactor.clean("password=Zx9Qw7Lm2") == "password=[redacted]"
    assert redactor.scrub_patterns("password=Zx9Qw7Lm2") == "password=[redacted]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("reader", "reader"), ("reader-", "[redacted env:DSN]"), ("reader…", "[redacted env:DSN]…")],
)
def test_a_role_that_begins_its_password(text: str, expected: str) -> None:
    """A value that is one word is no cut secret: `psql -U reader` stays a command, where the password is `reader-…`."""
    assert Redactor.of([("env:DSN", "reader-password-1")]).scrub(text) == expected


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://reader:reader-password-1@db/app",
        "postgresql://reader:0815-reader-9@db/app",
        "host=db user=reader password='reader-password-1'",
    ],
)
def test_the_user_of_a_dsn_stays_readable_where_its_password_holds_it(dsn: str) -> None:
    """Commands that a person types stay commands; what is more than the name, or was cut, is masked."""
    redactor = Redactor.of([("env:DSN", dsn)])
    for text in ("rolname = 'reader'", "GRANT SELECT ON x TO reader", "role reader", "reader may not read", "reader:"):
        assert redactor.scrub(text) is text
    password = "reader-password-1" if "password-1" in dsn else "0815-reader-9"
    for text in (password, password[:9], f"role {password[:-1]}", f"'{password[1:]}'"):
        assert "[redacted env:DSN]" in redactor.scrub(text)
        assert text not in redactor.scrub(text)


@pytest.mark.parametrize("text", ["reader…", "to reader...", "to reader-", "to reader-p"])
def test_a_password_that_was_cut_behind_its_users_name_is_masked(text: str) -> None:
    """Nothing tells it from the beginning of the password."""
    assert "reader" not in Redactor.of([("env:DSN", "postgresql://reader:reader-password-1@db/app")]).scrub(text)


@pytest.mark.parametrize(
    ("dsn", "text"),
    [("postgresql://app_reader:app_reader@db/app", "app_reader"), ("postgresql://u:app_reader-9@db/app", "app_reader")],
)
def test_a_password_that_is_its_users_name_is_masked(dsn: str, text: str) -> None:
    """A whole password is a password; and the name of nobody is no name."""
    assert Redactor.of([("env:DSN", dsn)]).scrub(f"to {text}") == "to [redacted env:DSN]"


def test_a_databases_user_is_a_name_whatever_it_looks_like() -> None:
    """`-U reader2026` is typed; the user of a tracker's DSN is its key (leak-tracker-dsn)."""
    assert Redactor.of([("env:DSN", "postgresql://reader2026:Zx9Qw7Lm2p@db/app")]).scrub("-U reader2026 -d app") == (
        "-U reader2026 -d app"
    )
    assert "reader2026" not in Redactor.of([("env:DSN", "https://reader2026:x@sentry.example/1")]).scrub(
        "-U reader2026"
    )
