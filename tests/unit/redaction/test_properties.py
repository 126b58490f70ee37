"""The redactor against random secrets, random cuts, threads, processes and long texts."""

from __future__ import annotations

import pickle
import random
import string
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from leaks import leftovers
from spellings import spellings

from pytest_prodcheck.config.redaction import Redactor

_LETTERS = string.ascii_letters + string.digits
_MARKS = _LETTERS + "-_.+/=@:#%&!$^*()[]{}|?<>\"'\\ äßé日"
_WORDS = [
    "request",
    "to",
    "api",
    "orders",
    "returned",
    "status",
    "200",
    "after",
    "12.5",
    "ms",
    "id",
    "4711",
    "name",
    "value",
    "list",
    "user",
    "refused",
    "by",
    "host",
]


def _secret(number: int) -> str:
    chance = random.Random(number)
    body = "".join(chance.choices(_MARKS if number % 2 else _LETTERS, k=chance.randint(10, 40)))
    return f"q{body.strip()}7"


@pytest.mark.parametrize("number", range(200))
def test_no_spelling_of_a_random_secret_survives(number: int) -> None:
    """Whatever characters a secret holds, each spelling of it is masked."""
    secret = _secret(number)
    redactor = Redactor()
    assert redactor.add(secret, "env:X") is None
    for form, text in spellings(secret):
        scrubbed = redactor.scrub(text)
        assert "[redacted env:X]" in scrubbed, (form, secret, text)
        assert not leftovers(scrubbed, secret), (form, secret, scrubbed)


@pytest.mark.parametrize("number", range(100))
def test_cut_pieces_are_masked(number: int) -> None:
    """A beginning before a cut, an end after one, and a long piece anywhere are masked."""
    chance = random.Random(number)
    secret = "".join(chance.choices(_LETTERS, k=chance.randint(14, 60)))
    redactor = Redactor()
    redactor.add(secret, "env:X")
    size = chance.randint(6, len(secret) - 1)
    for cut in (
        f"said {secret[:size]}",
        f"{secret[:size]}… more",
        f"a {secret[:size]}[truncated]",
        f"b {secret[:size]}... c",
    ):
        assert not leftovers(redactor.scrub(cut), secret), cut
    for cut in (f"{secret[-size:]} said", f"…{secret[-size:]} more"):
        assert not leftovers(redactor.scrub(cut), secret), cut
    start = chance.randint(0, len(secret) - 12)
    assert not leftovers(redactor.scrub(f"x {secret[start : start + 12]} y"), secret)


@pytest.fixture
def twenty() -> Redactor:
    """A redactor of twenty random secrets."""
    chance = random.Random(1)
    return Redactor.of((f"env:S{number}", "".join(chance.choices(_LETTERS, k=24))) for number in range(20))


def test_innocent_texts_are_the_identical_object(twenty: Redactor) -> None:
    """Numbers, ids, hex, base64 and escapes that hold no secret are left alone."""
    chance = random.Random(2)
    texts = [" ".join(chance.choices(_WORDS, k=80)) for _ in range(50)]
    texts += [f"{chance.getrandbits(128):032x} {chance.random()} {chance.getrandbits(60)}" for _ in range(200)]
    texts += ["".join(chance.choices(_LETTERS + "+/", k=400)) for _ in range(50)]
    texts += ["%20%C3%A4 &amp; \\u00e4 \x1b[1mbold\x1b[0m\nE   assert 1", "", "abc", "…", "..."]
    assert all(twenty.scrub(text) is text for text in texts)
    assert not any(twenty.contains(text) for text in texts)


def test_terms_shared_with_a_secret_stay_readable() -> None:
    """A secret made of the field's terms does not mask the names of headers and keys, nor prose with blanks in it."""
    redactor = Redactor()
    redactor.add("dummy-admin-secret-5hJ2", "env:A")
    redactor.add("dummy-client-secret-Zz91", "env:B")
    redactor.add("correcthorse77battery", "env:C")
    for text in (
        "x-hasura-admin-secret is missing",
        "the client-secret is wrong",
        "correct horse 77 battery",
        "dummy data",
    ):
        assert redactor.scrub(text) is text


def test_regex_characters_are_literal() -> None:
    """A secret of regex metacharacters matches itself alone."""
    redactor = Redactor()
    redactor.add(r"dummy.*+?[x](y)$|^\d", "env:API_KEY")
    assert redactor.scrub(r"key dummy.*+?[x](y)$|^\d!") == "key [redacted env:API_KEY]!"
    assert redactor.scrub("dummyAAAx y 5") == "dummyAAAx y 5"


@pytest.mark.parametrize(
    "text",
    [
        "%41" * 333_000,
        "%25" * 333_000,
        "\\" * 1_000_000,
        "&a" * 500_000,
        "..." * 333_000,
        "\x1b]" * 500_000,
        "\n0000 ab cd " * 90_000,
        "=\n" * 500_000,
        "password='" * 100_000,
        "<input name=token " * 55_000,
        "http://a:" * 110_000,
        "-----BEGIN PRIVATE KEY-----" * 37_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_hostile_megabyte_takes_linear_time(twenty: Redactor, text: str) -> None:
    """A megabyte made to be slow is scrubbed in about a second; the bound is generous for a busy machine."""
    started = time.process_time()
    twenty.scrub_patterns(twenty.scrub(text))
    assert time.process_time() - started < 4


def test_innocent_text_costs_little(twenty: Redactor) -> None:
    """2 kB without a secret take some 70 µs; the bound is generous for a busy machine."""
    text = " ".join(random.Random(3).choices(_WORDS, k=500))[:2000]
    best = min(_seconds(twenty, text) for _ in range(20))
    assert best < 0.001


def _seconds(redactor: Redactor, text: str) -> float:
    started = time.perf_counter()
    redactor.scrub(text)
    return time.perf_counter() - started


def test_secrets_may_be_added_while_others_scrub() -> None:
    """Threads that add and threads that scrub do not disturb each other, and what was added is scrubbed."""
    redactor = Redactor()

    def work(number: int) -> bool:
        secret = _secret(number * 2)
        redactor.add(secret, f"env:S{number}")
        return secret not in redactor.scrub(f"x {secret} y")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(100)))
    assert len(redactor.secrets()) == 100


def test_a_redactor_is_rebuilt_from_its_secrets() -> None:
    """A worker gets the pairs and scrubs the same; adding a known secret changes nothing."""
    redactor = Redactor()
    redactor.add(b"dummy-Pa55word-7Qx9\n", "file:pw")
    assert redactor.add("dummy-Pa55word-7Qx9", "file:pw") is None
    assert redactor.secrets() == [("file:pw", "dummy-Pa55word-7Qx9")]
    for copy in (Redactor.of(redactor.secrets()), pickle.loads(pickle.dumps(redactor))):
        assert copy.scrub("x dummy-Pa55word-7Qx9") == "x [redacted file:pw]"


def test_a_hex_dump_is_masked_in_both_columns() -> None:
    """Offsets and the text column do not hide a secret that runs over the lines of a hex dump."""
    secret = "dummy-Pg-Pa55word-7Qx9"
    redactor = Redactor()
    redactor.add(secret, "env:PW")
    data = f"postgresql://app:{secret}@db/shop".encode()
    lines = [data[start : start + 16] for start in range(0, len(data), 16)]
    dump = "\n".join(f"{16 * number:08x}: {line.hex(' ', 2):<39}  {line.decode()}" for number, line in enumerate(lines))
    scrubbed = redactor.scrub(dump)
    assert "Pg-Pa5" not in scrubbed
    assert "word-7" not in scrubbed
    assert secret[:6].encode().hex(" ", 2) not in scrubbed
