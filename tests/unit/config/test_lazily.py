"""Patterns that are compiled when they are first used."""

from __future__ import annotations

import re

import pytest

from pytest_prodcheck.config.lazily import compiled


def test_it_does_what_a_pattern_does() -> None:
    pattern = compiled(r"(a+)b", re.IGNORECASE)
    found = pattern.search("xxAAB")
    assert found is not None
    assert found[1] == "AA"
    assert pattern.sub("-", "ab aab") == "- -"
    assert pattern.pattern == r"(a+)b"


def test_bytes_have_patterns_too() -> None:
    assert compiled(rb"\d+").findall(b"1 and 22") == [b"1", b"22"]


def test_nothing_is_compiled_before_its_use() -> None:
    broken = compiled("(")
    with pytest.raises(re.error, match="unterminated subpattern"):
        broken.match("")
