"""Every row of every classifier, and the words that servers really say."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import yaml

from pytest_prodcheck.diagnosis import bodies, hasura, jwt, libpq, oidc, sqlstate, transport
from pytest_prodcheck.observe.observation import ERROR_CLASSES

TEXTS = yaml.safe_load((Path(__file__).parent / "texts.yaml").read_text())
BODIES = [(row["body"], row["code"]) for row in yaml.safe_load((Path(__file__).parent / "bodies.yaml").read_text())]
TABLES = [
    *((sqlstate.classify, key, code) for key, code in sqlstate.SQLSTATES.items()),
    *((hasura.classify, key, code) for key, code in hasura.CODES.items()),
    *((oidc.classify, key, code) for key, code in oidc.ERRORS.items()),
    *((jwt.classify, key, code) for key, code in jwt.EXCEPTIONS.items()),
    *((transport.gateway, key, code) for key, code in transport.STATUSES.items()),
]


@pytest.mark.parametrize(("classify", "key", "code"), TABLES)
def test_a_row_gives_its_code(classify, key, code) -> None:
    """A listed state, code or class gives the cause of its row."""
    assert classify(key) == code


@pytest.mark.parametrize(("text", "code"), TEXTS["libpq"].items())
def test_connection_texts(text: str, code: str) -> None:
    """A failed connection is classified from its words, or from the verbose form in any language."""
    assert libpq.classify(text) == code


@pytest.mark.parametrize(("text", "code"), TEXTS["bodies"].items())
def test_error_bodies(text: str, code: str) -> None:
    """An error body gives the reason that it names, and none where it names none."""
    reason = bodies.reveal(text)
    assert (reason.code if reason else "") == code


@pytest.mark.parametrize(("body", "code"), BODIES)
def test_only_what_a_body_states_counts(body: str, code: str) -> None:
    """Frameworks' pages and drivers' JSON give their reason; a blog, an article, a postal code give none."""
    reason = bodies.reveal(body)
    assert (reason.code if reason else "") == code


@pytest.mark.parametrize("body", ["[" * 2000, '{"error":' * 300 + "1", "<pre>" * 300, "<!--", '{"error": "\\"'])
def test_a_hostile_body_states_nothing(body: str) -> None:
    """What is nested without end, or cut in its middle, is read without harm."""
    assert bodies.reveal(body) is None


def test_a_silent_open_port_is_another_service() -> None:
    """A time-out after TCP connected is a port that does not speak PostgreSQL."""
    assert libpq.classify("connection timeout expired", connected=True) == "database.port.wrong_service"


def test_a_state_needs_no_known_words() -> None:
    """The SQLSTATE beside a text decides where the text says nothing."""
    assert libpq.classify("irgendwas", "3D000") == "database.name.not_found"


@pytest.mark.parametrize("kind", ["http", "graphql", "auth", "database"])
@pytest.mark.parametrize("error", ERROR_CLASSES)
def test_every_error_class_has_a_cause(error: str, kind: str) -> None:
    """No failed exchange is unknown, whatever the target."""
    assert transport.classify(error, kind) != "unknown"


@pytest.mark.parametrize(("text", "code"), TEXTS["hasura"].items())
def test_hasura_messages(text: str, code: str) -> None:
    """A message says more than its code."""
    assert hasura.classify("invalid-jwt", text) == code


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in hasura.MESSAGES])
def test_every_hasura_pattern_has_a_text(pattern: str) -> None:
    """No pattern stands in the table without a message that it fits."""
    assert any(re.search(pattern, text, re.IGNORECASE) for text in TEXTS["hasura"])


def test_names_in_a_body_are_read() -> None:
    """User and table that an error names travel with the cause."""
    assert bodies.reveal('password authentication failed for user "app"').data == {"user": "app"}
    assert bodies.reveal('relation "user_goals" does not exist').data["table"] == "user_goals"


@pytest.mark.parametrize(("body", "code"), [
    ("no healthy upstream", "http.upstream.none"),
    ("upstream connect error or disconnect/reset . reset reason: connection failure", "http.upstream.wrong_port"),
    ("upstream connect error or disconnect/reset . reset reason: connection termination", "http.upstream.crashed"),
    ("upstream request timeout", "http.upstream.timeout"),
    ("We are down for maintenance", "http.application.in_maintenance"),
    ("<h1>503 Service Temporarily Unavailable</h1>", "http.upstream.none"),
])  # fmt: skip
def test_gateway_bodies(body: str, code: str) -> None:
    """What a gateway writes is more exact than its status."""
    assert transport.gateway(503, body) == code


@pytest.mark.parametrize("text", ["A", "a.", "x:", "fetch ", "error ", "function f(", "\\", "null value in column "])
def test_no_body_takes_long(text: str) -> None:
    """As long as bodies are read; what makes a pattern begin anew at each character took half a minute."""
    body = text * (16_000 // len(text))
    begun = time.process_time()
    bodies.reveal(body)
    assert time.process_time() - begun < 2.0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("psycopg.errors.UndefinedTable: x", "database.schema.table_missing"),
        ("(psycopg.errors.UndefinedTable) x", "database.schema.table_missing"),
        ("failed: psycopg.errors.UndefinedTable", "database.schema.table_missing"),
        ("x=(a.InvalidSignatureError", "auth.token.signature_invalid"),
        ("it was redis.UndefinedTable", "database.schema.table_missing"),
        ("we saw UndefinedTable", ""),
        ("APP_SESSION_password string too short", "auth.session_secret.too_short"),
    ],
)
def test_a_class_is_named_with_its_path(text: str, code: str) -> None:
    """At the start of a statement, behind a bracket in its own word, or beside a driver; not in a sentence."""
    reason = bodies.reveal(text)
    assert (reason.code if reason else "") == code
