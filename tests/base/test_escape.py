"""What others wrote cannot steer a terminal, a spreadsheet or a reader's eye."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.escape import csv_cell, inert_json, shorten, visible, without_surrogates

RAW = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("plain.example", "plain.example"),
        ("\x1b]0;pwned\x07", r"\x1b]0;pwned\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("a\r\nHost: b\tc", r"a\x0d\x0aHost: b\x09c"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u2028x\ufeff", r"\u2028x\ufeff"),
        ("\udcff.example", r"\xff.example"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("münchen 例え", "münchen 例え"),
    ],
)
def test_what_steers_or_hides_is_shown_as_an_escape(sent, shown):
    assert visible(sent) == shown


@given(st.text(st.characters(exclude_categories=[])))
@settings(max_examples=100, deadline=None)
def test_visible_text_is_one_line_of_harmless_characters(text):
    assert not RAW.search(visible(text))
    visible(text).encode()


@given(st.text(st.characters(exclude_categories=[])))
@settings(max_examples=100, deadline=None)
def test_showing_twice_changes_nothing_more(text):
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    "sent", ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1", "\n=1", "  =1", "＝1"]
)
def test_a_cell_that_would_be_a_formula_starts_with_an_apostrophe(sent):
    assert csv_cell(sent).startswith("'")


@pytest.mark.parametrize("sent", ["", "a=b", "shop/web-0", "10.96.0.11", " "])
def test_an_ordinary_cell_stays_as_it_is(sent):
    assert csv_cell(sent) == sent


@given(st.lists(st.text(st.characters(exclude_categories=[])), min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_cells_make_one_row_whatever_they_hold(cells):
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow([csv_cell(cell) for cell in cells])
    rows = list(csv.reader(io.StringIO(out.getvalue())))
    assert rows == [[csv_cell(cell) for cell in cells]]


def test_shortened_text_says_that_it_was_cut():
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("abcd", 4) == "abcd"


def test_a_character_beyond_the_basic_plane_is_a_pair_of_escapes():
    assert inert_json('"\U000e0041"'.encode()) == b'"\\udb40\\udc41"'


@given(st.text(st.characters(exclude_categories=["Cs"])))
@settings(max_examples=100, deadline=None)
def test_inert_json_means_the_same_and_holds_nothing_invisible(text):
    encoded = inert_json(json.dumps(text, ensure_ascii=False).encode())
    assert json.loads(encoded) == text
    assert not RAW.search(encoded.decode())


def test_lone_surrogates_become_visible_at_any_depth():
    assert without_surrogates({"a": ["\udcff", 1, ("\ud800",)]}) == {"a": [r"\xff", 1, [r"\ud800"]]}
