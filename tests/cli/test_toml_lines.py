"""On which lines of a TOML file its keys stand."""

from __future__ import annotations

from analyzer.cli.toml_lines import key_lines

TEXT = """\
# settings
color = "never"
mesh = [
  "a",
]
[analyze]   # of one command
fail-on = "dropped"
"no-progress" = true
tool.deep = 1
[[many]]
a = 1
= 3
[a b]
"""


def test_every_key_and_table_has_its_line() -> None:
    assert key_lines(TEXT) == {
        ("color",): 2,
        ("mesh",): 3,
        ("analyze",): 6,
        ("analyze", "fail-on"): 7,
        ("analyze", "no-progress"): 8,
        ("analyze", "tool", "deep"): 9,
        ("many",): 10,
        ("many", "a"): 11,
    }


def test_of_a_key_that_stands_twice_the_first_line_is_told() -> None:
    assert key_lines("a = 1\na = 2\n") == {("a",): 1}


def test_an_empty_file_has_no_lines() -> None:
    assert key_lines("") == {}
