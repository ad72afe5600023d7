"""Every key of a TOML text is found on its line, however the text is written."""

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomic.config.toml_lines import Path, line_of, lines_of

WHOLE = '''\
# a comment with [brackets] = "and" more
[market]  # another
ledger = "a # b [c]" # not a key = 1
per_day = "$1"

[bidders.words]
kind = "cache"
[[bidders.house.rules]]
task = "spam"
when = {subject = "re]g}ex, a = 1", "fr\\u00e9" = 'x'}
a . b.c = [
  1, # ]
  [2, {k = 1979-05-27 07:32:00}],
  """multi
 line ] \\""" = """,
  \'\'\'x''y = 1
\'\'\',
]
z = 1
[[bidders.house.rules]]
q = 2
[bidders.house.rules.when]
s = 1e5
[ "quo ted" . 'single' ]
empty = ''
table = {}
list = []
'''

EXPECTED: list[tuple[Path, int]] = [
    (("market",), 2),
    (("market", "ledger"), 3),
    (("market", "per_day"), 4),
    (("bidders",), 6),
    (("bidders", "words", "kind"), 7),
    (("bidders", "house", "rules", 0), 8),
    (("bidders", "house", "rules", 0, "task"), 9),
    (("bidders", "house", "rules", 0, "when", "subject"), 10),
    (("bidders", "house", "rules", 0, "when", "fré"), 10),
    (("bidders", "house", "rules", 0, "a", "b", "c"), 11),
    (("bidders", "house", "rules", 0, "a", "b", "c", 0), 12),
    (("bidders", "house", "rules", 0, "a", "b", "c", 1, 1, "k"), 13),
    (("bidders", "house", "rules", 0, "a", "b", "c", 2), 14),
    (("bidders", "house", "rules", 0, "a", "b", "c", 3), 16),
    (("bidders", "house", "rules", 0, "z"), 19),
    (("bidders", "house", "rules", 1), 20),
    (("bidders", "house", "rules", 1, "q"), 21),
    (("bidders", "house", "rules", 1, "when", "s"), 23),
    (("quo ted", "single", "empty"), 25),
    (("quo ted", "single", "table"), 26),
    (("quo ted", "single", "list"), 27),
]


@pytest.mark.parametrize(("path", "line"), EXPECTED, ids=[str(path) for path, _ in EXPECTED])
def test_a_key_is_found_on_its_line(path: Path, line: int) -> None:
    assert line == lines_of(WHOLE)[path]


def test_all_paths_of_the_text_are_found_and_no_others() -> None:
    assert _paths(tomllib.loads(WHOLE)) == set(lines_of(WHOLE))


def test_windows_line_ends_count_once() -> None:
    assert 3 == lines_of("[a]\r\nb = 1\r\nc = 2\r\n")["a", "c"]


def test_a_path_that_is_not_there_stands_at_the_nearest_table_above_it() -> None:
    lines = lines_of("x = 1\n[a.b]\nc = 1\n")

    assert 2 == line_of(("a", "b", "missing", 3), lines)
    assert 0 == line_of(("nothing",), lines)


# --- any document, in any of four styles --------------------------------------------------------------------

_KEYS = st.text(alphabet="ab-_1 .#\"'[]={}\\é\n", min_size=0, max_size=5)
_STRINGS = st.text(alphabet="ab #\"'[]={},\\\n\t", max_size=12)
_SCALARS = st.one_of(st.integers(-9, 9), st.booleans(), _STRINGS, st.floats(allow_nan=False, allow_infinity=False))
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=8
)


@given(
    document=st.dictionaries(_KEYS, st.dictionaries(_KEYS, _VALUES, max_size=4), max_size=4),
    style=st.sampled_from(["table", "dotted", "inline", "array"]),
)
def test_the_paths_of_any_document_are_found_in_any_style(document: dict[str, Any], style: str) -> None:
    text, expected = _written(document, style)

    lines = lines_of(text)

    assert _paths(tomllib.loads(text)) == set(lines)
    assert expected == {path: lines[path] for path in expected}


def _written(document: dict[str, Any], style: str) -> tuple[str, dict[Path, int]]:
    """The document as text, and on which lines tables and their keys must be found."""
    rows: list[str] = []
    expected: dict[Path, int] = {}
    for name, table in document.items():
        head: Path = (name, 0) if style == "array" else (name,)
        if style == "inline":
            rows.append(f"{_key(name)} = {_value(table)} # end")
            expected[head] = _line(rows)
            continue
        rows.append({"table": f" [ {_key(name)} ] # [x]", "array": f"[[{_key(name)}]]", "dotted": "# no table"}[style])
        if style != "dotted":
            expected[head] = _line(rows)
        for key, value in table.items():
            prefix = f"{_key(name)} . " if style == "dotted" else ""
            rows.append(f"{prefix}{_key(key)} = {_value(value)}")
            expected[*head, key] = _line(rows)
    return "\n".join(rows) + "\n", expected


def _line(rows: list[str]) -> int:
    """The line on which the last row begins."""
    return 1 + sum(row.count("\n") + 1 for row in rows[:-1])


def _key(name: str) -> str:
    return json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[ # [\n" + "".join(f"{_value(inner)}, # ]\n" for inner in value) + "]"
    if isinstance(value, str) and "'" not in value and "\n" in value:
        return f"'''\n{value}'''"
    return json.dumps(value)


def _paths(value: Any, path: Path = ()) -> set[Path]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return ({path} if path else set()).union(*(_paths(one, (*path, key)) for key, one in inner))
