"""Heads of HTTP messages: read as `http.client` reads them, written as it writes them."""

from __future__ import annotations

import http.client
import io

import pytest

from pytest_prodcheck.targets import head

ORDINARY = (
    b"content-type: application/json\r\ncontent-length: 2\r\n\r\n",
    b"Set-Cookie: a=1\r\nset-cookie: b=2\r\nX-Empty:\r\nx-blank: \t \r\n\r\n",
    b"x-padded:   both ends \t\r\nx-colons: a:b:c\r\n\n",
    b"x-latin: caf\xe9\r\nx-control: \x1b[31m\r\n\r\n",
    b"x-unix: lines\nend: here\n\n",
    b"\r\n",
)
STRANGE = (
    b"folded: one\r\n two\r\nnext: 1\r\n\r\n",
    b"no colon here\r\nafter: 1\r\n\r\n",
    b"spaced name : 1\r\nafter: 1\r\n\r\n",
    b": nameless\r\nafter: 1\r\n\r\n",
    b"bare: carriage\rreturn: 1\r\nafter: 1\r\n\r\n",
    b"From somebody: 1\r\nafter: 1\r\n\r\n",
    b"cut: off",
    b"cut: off\r\n",
    b"",
    b"<html><body>not a head</body></html>\r\n\r\n",
)


@pytest.mark.parametrize("answer", [*ORDINARY, *STRANGE])
def test_the_fields_of_an_answer_are_those_that_the_standard_library_reads(answer):
    """Names, values, their order and what stands behind the head, for ordinary heads and for strange ones."""
    ours, theirs = io.BytesIO(answer + b"body"), io.BytesIO(answer + b"body")
    assert head.read(ours).items() == http.client.parse_headers(theirs).items()
    assert ours.read() == theirs.read()


def test_an_ordinary_head_is_not_given_to_the_parser_of_mail(monkeypatch):
    """That parser was a third of what an exchange costs."""
    monkeypatch.delattr(http.client, "parse_headers")
    assert head.read(io.BytesIO(ORDINARY[1])).get_all("set-cookie") == ["a=1", "b=2"]


def test_a_head_is_bounded():
    """A line, and the number of lines."""
    with pytest.raises(http.client.LineTooLong, match="header line"):
        head.read(io.BytesIO(b"long: " + b"x" * 70_000))
    with pytest.raises(http.client.HTTPException, match="more than 100 headers"):
        head.read(io.BytesIO(b"one: more\r\n" * 101))


def test_a_request_is_written_as_the_standard_library_writes_it():
    """Line by line, in Latin-1."""
    fields = {"Host": head.host("example.com", 8080), "x-name": "café"}
    assert head.written("GET", "/a?b=1", fields) == (
        b"GET /a?b=1 HTTP/1.1\r\nHost: example.com:8080\r\nx-name: caf\xe9\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("name", "port", "shown"),
    [
        ("example.com", 80, "example.com"),
        ("example.com", 443, "example.com:443"),
        ("::1", 80, "[::1]"),
        ("fe80::1%eth0", 8080, "[fe80::1]:8080"),
    ],
)
def test_the_host_is_named_as_the_standard_library_names_it(name, port, shown):
    """An IPv6 address in brackets, without its zone; port 80 left out."""
    assert head.host(name, port) == shown


@pytest.mark.parametrize(
    ("target", "fields"),
    [
        ("/a b", {}),
        ("/a\r\nx: 1", {}),
        ("/caf\xe9", {}),
        ("/a", {"x": "1\r\ny: 2"}),
        ("/a", {"x": "1\ny: 2"}),
        ("/a", {"x": "1\r"}),
        ("/a", {"x\r\ny": "1"}),
        ("/a", {"x": "\u2028"}),
    ],
)
def test_nothing_ends_a_line_of_a_request_before_its_time(target, fields):
    """A line break, a blank in the target and what Latin-1 has no byte for are refused."""
    with pytest.raises((ValueError, http.client.InvalidURL)):
        head.written("GET", target, fields)
