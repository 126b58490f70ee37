"""Values are known by their form alone."""

from __future__ import annotations

import base64

import pytest

from pytest_prodcheck.observe import value_form
from pytest_prodcheck.observe.value_form import flaws, of_literal, services, uses

TEXT = base64.b64encode(b"canary-database-password\n")
KEY = base64.b64encode(bytes(range(200, 250)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b" \n", (value_form.BLANK,)),
        (b"https://a.test\n", (value_form.LINE_BREAK,)),
        (b"hunter2\r\n", (value_form.LINE_BREAK,)),
        (b" x", (value_form.SPACE,)),
        (b"'x'", (value_form.QUOTED,)),
        (b"<your-host>", (value_form.PLACEHOLDER,)),
        (b"changeme", (value_form.PLACEHOLDER,)),
        (b"${DB_HOST}", (value_form.PLACEHOLDER,)),
        (b"https://<your-domain>/graphql", (value_form.PLACEHOLDER,)),
        (b"https://undefined/graphql", (value_form.PLACEHOLDER,)),
        (b'"CHANGEME"\n', (value_form.LINE_BREAK, value_form.QUOTED, value_form.PLACEHOLDER)),
        (b"http://localhost:8080/v1/graphql", (value_form.LOCALHOST,)),
        (b"postgres://app:pw@127.0.0.1:5432/plan", (value_form.LOCALHOST,)),
        (b"http://api.plan.example/v1", (value_form.NOT_HTTPS,)),
        (b"https:///v1/graphql", (value_form.BAD_URL,)),
        (b"https://api.plan.example:80a/", (value_form.BAD_URL,)),
        (TEXT, (value_form.TWICE,)),
    ],
)
def test_a_flaw_of_form_is_seen(value: bytes, expected: tuple[str, ...]) -> None:
    """What most often goes wrong when a value is written by hand or by a pipeline (A13, A14, B5)."""
    assert flaws(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        b"https://a.test", b"", b"line one\nline two\n", b"\xff\xfe", b"change-me-if-you-can", b"hunter2hunter2", KEY,
        b"http://hasura:8080/v1/graphql", b"http://hasura.plan-prod.svc.cluster.local", b"abcdefghabcdefghabcdefgh",
        b"file:///etc/app.json", b"none", b"x" + "ä".encode() * 500_000,
    ],
)  # fmt: skip
def test_a_sound_value_has_none(value: bytes) -> None:
    """Documents may end with a line break; bytes are no text; a megabyte is looked at in part."""
    assert flaws(value) == ()


def test_a_literal_may_take_up_other_variables() -> None:
    """`$(NAME)` is no placeholder of a person's, `$$(NAME)` is no variable."""
    text = "postgres://app:$(PASSWORD)@postgres:5432/$$(HOME)"
    assert (of_literal(text), uses(text)) == ((), ("PASSWORD",))
    assert of_literal("$(ONLY)") == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres", ("postgres",)),
        ("postgres.plan-prod.svc:5432", ("postgres",)),
        ("postgres.plan-prod.svc.cluster.local", ("postgres",)),
        ("postgres://app:pw@Postgres:5432/plan", ("postgres",)),
        ("hasura:8080,postgres:5432", ("hasura", "postgres")),
        ("postgres.other.svc", ()),
        ("https://postgres.example/", ()),
        ("canary-value", ()),
        ("a\npostgres", ()),
        ("", ()),
    ],
)
def test_only_services_that_there_are_are_named(text: str, expected: tuple[str, ...]) -> None:
    """Of an address, a DSN, a list; nothing else of a value is kept (T8)."""
    assert services(text, {"postgres", "hasura"}, "plan-prod") == expected
