"""Every secret of the corpus, in every spelling."""

from __future__ import annotations

import pytest
from leaks import Leak, leaks, leftovers
from spellings import spellings

from pytest_prodcheck.config.redaction import Redactor

_UNSCRUBBED = {"leak-short-secret", "leak-common-word"}
_LEAKS = [leak for leak in leaks() if leak.id not in _UNSCRUBBED]


@pytest.fixture
def redactor(leak: Leak) -> Redactor:
    """A redactor that knows the value of one case."""
    redactor = Redactor()
    assert redactor.add(leak.value, leak.reference) is None
    return redactor


@pytest.mark.parametrize("leak", _LEAKS, ids=lambda leak: leak.id)
def test_no_spelling_of_a_secret_survives(leak: Leak, redactor: Redactor) -> None:
    """In each spelling the secret is replaced by its reference's name, and no six characters of it stay."""
    for needle in leak.needles:
        for form, text in spellings(needle):
            scrubbed = redactor.scrub(text)
            assert f"[redacted {leak.reference}]" in scrubbed, (form, text)
            assert not leftovers(scrubbed, needle), (form, scrubbed)
            assert redactor.contains(text) == leak.reference, (form, text)
            assert redactor.contains(scrubbed) is None, (form, scrubbed)


@pytest.mark.parametrize("leak", _LEAKS, ids=lambda leak: leak.id)
def test_no_excerpt_ends_in_the_beginning_of_a_secret(leak: Leak, redactor: Redactor) -> None:
    """Wherever the limit or the body's cap falls, no six characters of the secret stay at the cut."""
    for needle in leak.needles:
        text = f"{'lorem ' * 10}{needle} ipsum"
        for limit in range(55, 70 + len(needle)):
            excerpt = redactor.clean(text, limit)
            assert len(excerpt) <= limit
            assert not leftovers(excerpt, needle)
            assert not leftovers(redactor.clean_bytes(text.encode()[:limit]), needle)


@pytest.mark.parametrize(
    ("value", "words", "said"),
    [
        ("731", (), "too short to scrub (3 characters)"),
        ("731902", (), "too short to scrub (6 characters, only digits)"),
        ("12:30:15", (), "only digits"),
        ("staging", (), "the value is a common word"),
        ("eu-west-prod7", ("EU-West-prod7",), "the value is a common word"),
        ("xxxxxxxx", (), "the value is a common word"),
        ("client-secret", (), "the value is a common word"),
    ],
)
def test_a_value_that_cannot_be_scrubbed_is_reported(value: str, words: tuple[str, ...], said: str) -> None:
    """Masking a short number or a common word would wreck other texts: it is said, and the texts stay right."""
    redactor = Redactor(words)
    warning = redactor.add(value, "env:PIN")
    assert warning is not None
    assert said in warning
    assert warning.startswith("env:PIN")
    text = f"port 7310, environment {value}"
    assert redactor.scrub(text) is text
    assert redactor.secrets() == []


_DSN = "postgresql://app_user:dummy%20p%40ss%3Aw%2Frd@db.test:5432/shop"


@pytest.mark.parametrize(
    ("value", "masked", "kept"),
    [
        (_DSN, ["dummy p@ss:w/rd", "dummy%20p%40ss%3Aw%2Frd"], "app_user at db.test:5432/shop"),
        ("rediss://:dummy/R3dis-8tZ@cache.test:6380/0", ["R3dis-8tZ'"], "cache.test:6380/0"),
        ("host=db.test user=app_user password='dummy Pa55'", ["dummy Pa55"], "host=db.test user=app_user"),
        ("https://api.test/v1?api_key=Zx9Qw7Lm2Kp4", ["Zx9Qw7Lm2Kp4"], "https://api.test/v1?api_key="),
        ("https://hooks.test/services/T0A1/B0C2/dummyHook17", ["T0A1/B0C2/", "dummyHook17"], "https://hooks.test/"),
        ('{"type":"HS256","key":"dummy-hs256-key!"}', ["dummy-hs256-key!"], '{"type":"HS256","key":'),
        ("https://dummytrackerkey01@errors.test/1", ["dummytrackerkey01"], "https://errors.test/1"),
        ("Basic cHJvYmU6ZHVtbXktUGE1NQ==", ["dummy-Pa55", "cHJvYmU6ZHVtbXktUGE1NQ=="], "Basic authentication"),
        ("https://api.test/v1", [], "https://api.test/v1"),
    ],
)
def test_only_the_secret_part_of_a_structured_value_is_masked(value: str, masked: list[str], kept: str) -> None:
    """Of a DSN the password, of a webhook the path, of JSON the key; hosts, users and databases stay readable."""
    redactor = Redactor()
    assert redactor.add(value, "env:URL") is None
    assert redactor.scrub(kept) is kept
    for part in masked:
        assert not leftovers(redactor.scrub(f"it said {part} there"), part)


def test_a_short_password_of_a_dsn_is_reported() -> None:
    """The warning speaks of the password's length, not of the DSN's; the pair in base64 is masked all the same."""
    redactor = Redactor()
    assert "too short to scrub (3 characters)" in str(redactor.add("postgresql://probe:abc@db.test/shop", "env:DSN"))
    assert redactor.scrub("abc Basic cHJvYmU6YWJj") == "abc Basic [redacted env:DSN]"
