"""Settings: name, value, and where each stands."""

from __future__ import annotations

import json

from analyzer.report.as_settings import render_settings, settings_json

ROWS = [
    ("color", "ne\x1bver", "meshverdict.toml:1", True),
    ("mesh", ("a", "b"), "MESHVERDICT_MESH", False),
    ("no-progress", True, "default", False),
    ("out", None, "default", False),
]


def test_a_line_each() -> None:
    assert render_settings(ROWS).splitlines() == [
        "SETTING      VALUE",
        "color        ne\\x1bver",
        "mesh         a, b",
        "no-progress  true",
        "out          -",
    ]


def test_the_origin_says_what_goes_before_it() -> None:
    text = render_settings(ROWS, origin=True)

    assert "meshverdict.toml:1 (a variable goes before it)" in text


def test_a_long_value_goes_on_below_and_its_place_is_whole() -> None:
    rows = [("mesh", "/clones" + "/of" * 40, "../meshverdict.toml:1", True)]

    text = render_settings(rows, origin=True, width=80)

    assert "../meshverdict.toml:1 (a variable goes before it)" in text
    assert "".join(line.removeprefix("mesh").strip().split()[0] for line in text.splitlines()[1:]) == rows[0][1]


def test_nothing_is_told_too() -> None:
    assert render_settings([]) == "Nothing is set: every option has its default.\n"


def test_every_setting_is_an_object() -> None:
    found = json.loads(settings_json(ROWS))["settings"]

    assert found[1] == {"name": "mesh", "value": ["a", "b"], "origin": "MESHVERDICT_MESH", "overridden": False}
    assert [each["overridden"] for each in found] == [True, False, False, False]
