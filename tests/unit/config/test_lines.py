"""Lines of TOML keys, whatever the spelling."""

from __future__ import annotations

import pytest

from pytest_prodcheck.config import lines
from pytest_prodcheck.config.key_path import KeyPath

DOCUMENT = '''\
# comment = [ "{" ]
top = 1.5
[env.staging]
"quoted key" = 'a # no comment'
dotted.inner . deep = true
text = """
[not.a.table]
not_a_key = 1 \\"""
"""
[env.staging.http]
list = [  # comment ]
  "one, ]",
  { name = "two", more = [1,
     2] },
]
inline = { a = 1, b = { c = "}" },
  d.e = 2 }
when = 2026-11-24 10:00:00
[[env.staging.accepted]]
code = "a"
[[env.staging.accepted]]
code = "b"
[env.staging.accepted.sub]
x = 1
[ env . "sp ace" . 'lit"eral' ]
y = \'\'\'
z = 1\'\'\'
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("env",), 3),
        (("env", "staging"), 3),
        (("env", "staging", "quoted key"), 4),
        (("env", "staging", "dotted", "inner", "deep"), 5),
        (("env", "staging", "text"), 6),
        (("env", "staging", "http"), 10),
        (("env", "staging", "http", "list", 0), 12),
        (("env", "staging", "http", "list", 1, "name"), 13),
        (("env", "staging", "http", "list", 1, "more", 1), 14),
        (("env", "staging", "http", "inline", "b", "c"), 16),
        (("env", "staging", "http", "inline", "d", "e"), 17),
        (("env", "staging", "http", "when"), 18),
        (("env", "staging", "accepted", 0, "code"), 20),
        (("env", "staging", "accepted", 1), 21),
        (("env", "staging", "accepted", 1, "code"), 22),
        (("env", "staging", "accepted", 1, "sub", "x"), 24),
        (("env", "sp ace", 'lit"eral', "y"), 26),
        (("env", "staging", "http", "missing", "deeper"), 10),
        (("not", "there"), 1),
    ],
)
def test_a_key_is_found_at_its_line(path: KeyPath, line: int) -> None:
    """Tables, dotted and quoted keys, inline tables, arrays and strings over lines; else the nearest ancestor."""
    assert lines.line(lines.index(DOCUMENT), path) == line


def test_text_inside_strings_and_comments_is_no_key() -> None:
    """A multi-line string may look like TOML."""
    index = lines.index(DOCUMENT)
    assert not [path for path in index if "not_a_key" in path or "comment" in path or "z" in path]


def test_an_empty_document_has_no_lines() -> None:
    """Nothing written, nothing found, no error."""
    assert lines.index("") == {}
