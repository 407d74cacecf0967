import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.config.readers.toml_positions import find_lines

DOCUMENT = '''\
# a comment with [brackets] and key = "value"
title = "a # no comment"   # a comment

[services.billing]   # "quoted" in a comment
url = 'literal = "x"'
"quoted key" . inner = """
many lines [not.a.table]
key = 1 ""\\""""
other.'single' = \'\'\'
[no.table]
\'\'\'
allow = [  # why
  "10.0.0.0/8",   # one ]

  ["nested", { deep = 1, "d e" = [2] }],
]
when = 1979-05-27 07:32:00
inline = { a = 1, b.c = "}" }

[[servers]]
name = "first"
[servers.inner]
x = 1
[[servers]]
name = """ends in two quotes"""""
[[servers.sub]]
y = 2
'''

EXPECTED = {
    ("title",): 2,
    ("services",): 4,
    ("services", "billing"): 4,
    ("services", "billing", "url"): 5,
    ("services", "billing", "quoted key"): 6,
    ("services", "billing", "quoted key", "inner"): 6,
    ("services", "billing", "other"): 9,
    ("services", "billing", "other", "single"): 9,
    ("services", "billing", "allow"): 12,
    ("services", "billing", "allow", 0): 13,
    ("services", "billing", "allow", 1): 15,
    ("services", "billing", "allow", 1, 0): 15,
    ("services", "billing", "allow", 1, 1): 15,
    ("services", "billing", "allow", 1, 1, "deep"): 15,
    ("services", "billing", "allow", 1, 1, "d e"): 15,
    ("services", "billing", "allow", 1, 1, "d e", 0): 15,
    ("services", "billing", "when"): 17,
    ("services", "billing", "inline"): 18,
    ("services", "billing", "inline", "a"): 18,
    ("services", "billing", "inline", "b"): 18,
    ("services", "billing", "inline", "b", "c"): 18,
    ("servers",): 20,
    ("servers", 0): 20,
    ("servers", 0, "name"): 21,
    ("servers", 0, "inner"): 22,
    ("servers", 0, "inner", "x"): 23,
    ("servers", 1): 24,
    ("servers", 1, "name"): 25,
    ("servers", 1, "sub"): 26,
    ("servers", 1, "sub", 0): 26,
    ("servers", 1, "sub", 0, "y"): 27,
}


def test_every_key_is_found_on_its_line() -> None:
    found = find_lines(DOCUMENT)

    assert found == EXPECTED


def paths(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = enumerate(value) if isinstance(value, list) else value.items()
    for name, inner in items:
        yield (*above, name)
        if isinstance(inner, dict | list):
            yield from paths(inner, (*above, name))


def test_what_is_found_is_what_tomllib_reads() -> None:
    assert set(paths(tomllib.loads(DOCUMENT))) == set(find_lines(DOCUMENT))


KEYS = st.text(st.characters(min_codepoint=32, max_codepoint=300), max_size=6)
SCALARS = st.one_of(st.integers(), st.booleans(), st.text(max_size=12), st.dates())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def written(value: Any, newline: str) -> str:
    """As TOML; `newline` goes where TOML allows one."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        inner = f",{newline}".join(written(item, newline) for item in value)
        return f"[{newline}{inner}{newline}]"
    if isinstance(value, dict):
        pairs = (f"{quoted(key)} = {written(item, newline)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    return str(value)


def quoted(text: str) -> str:
    escaped = "".join(f"\\u{ord(c):04x}" if c in '"\\' or ord(c) < 32 else c for c in text)
    return '"' + "".join(c if ord(c) != 127 else "\\u007f" for c in escaped) + '"'


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.sampled_from(["", "\n", " # ] }\n"]))
def test_any_document_is_scanned_as_tomllib_reads_it(table: dict[str, Any], newline: str) -> None:
    document = "".join(
        f"{quoted(key)} = {written(value, newline)}\n" for key, value in table.items()
    )

    assert set(paths(tomllib.loads(document))) == set(find_lines(document))


@given(st.dictionaries(KEYS, SCALARS, min_size=1, max_size=5), st.integers(0, 3))
def test_keys_are_numbered_by_line(table: dict[str, Any], blank: int) -> None:
    lines = "".join(
        "\n" * blank + f"{quoted(key)} = {written(value, '')}\n" for key, value in table.items()
    )

    assert [(blank + 1) * number for number in range(1, len(table) + 1)] == [
        find_lines(lines)[(key,)] for key in table
    ]


def test_a_document_that_tomllib_would_refuse_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="tomllib would not have accepted this"):
        find_lines("= 1")
