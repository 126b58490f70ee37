"""JSON that two readers could read differently is no JSON: nobody could say what was promised about it."""

from __future__ import annotations

import pytest

from pytest_prodcheck.observe import strict_json


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"status": "unhealthy", "status": "healthy"}', "key 'status' twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "key 'b' twice"),
        (b'{"\\u0061": 1, "a": 2}', "key 'a' twice"),
        (b'{"n": 1e999}', "beyond every double"),
        (b"-1e999", "beyond every double"),
        (b'{"n": NaN}', "NaN is not JSON"),
        (b"Infinity", "Infinity is not JSON"),
        (b'{"n": 1}{"n": 2}', "Extra data"),
        (b"", "Expecting value"),
    ],
)
def test_ambiguous_document(body, reason):
    """A key given twice, a number beyond every double and Python's own extensions are refused, with the reason."""
    with pytest.raises(ValueError, match=reason):
        strict_json.parse(body)


@pytest.mark.parametrize(
    "body", [b'{"a": {"b": 1}, "c": {"b": 2}}', b'\xef\xbb\xbf{"a": 1e308}', b"[1, 1]", b"12345678901234567890"]
)
def test_plain_document(body):
    """Equal keys in different objects, a byte order mark and great numbers are read."""
    assert strict_json.parse(body)
