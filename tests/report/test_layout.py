"""Text fits its width and shows what it was given, obeying none of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from analyzer.report.layout import Column, Long, Page, cut_middle, fit, wrap_name


def test_nothing_is_read_as_markup():
    page = Page(width=80, colour=True)
    page.prose("[bold red]x[/bold red] :smile: [/]")
    assert page.render() == "[bold red]x[/bold red] :smile: [/]\n"


def test_colour_is_there_only_when_asked_for():
    for colour in (False, True):
        page = Page(width=80, colour=colour)
        page.line(("x", "red"))
        assert ("\x1b[" in page.render()) is colour


def test_columns_that_may_shrink_give_way_widest_first():
    columns = [Column("A", 4), Column("B"), Column("C", 4)]
    assert fit(columns, [["a" * 30, "b" * 10, "c" * 8]], 30) == [8, 10, 8]


def test_columns_stop_at_their_least():
    assert fit([Column("", 6), Column("")], [["a" * 30, "b" * 10]], 10) == [6, 10]


def test_a_cut_text_keeps_both_ends():
    assert cut_middle("istio-system/istio-ingressgateway-0", 15) == "istio-s…teway-0"
    assert cut_middle("short", 15) == "short"
    assert cut_middle("abc", 1) == "…"


@given(st.text(max_size=60), st.integers(1, 20))
@settings(max_examples=100, deadline=None)
def test_a_cut_text_fits(text, width):
    assert cell_len(cut_middle(text, width)) <= width


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("short", ["short"]),
        ("outbound|80|v1|reviews.shop", ["outbound|80|", "v1|reviews.", "shop"]),
        ("abcdefghijklmn", ["abcdefghijkl", "mn"]),
        ("a.bcdefghijklmn", ["a.bcdefghijk", "lmn"]),
    ],
)
def test_a_long_name_parts_behind_its_signs(name: str, pieces: list[str]) -> None:
    assert wrap_name(name, 12) == pieces


@pytest.mark.parametrize(
    ("long", "shown"),
    [(Long.CUT_START, "…89"), (Long.CUT_MIDDLE, "0…9"), (Long.CUT_END, "01…")],
)
def test_a_column_says_which_part_of_a_long_text_is_lost(long: Long, shown: str) -> None:
    page = Page(width=60, colour=False)

    page.table([Column("A"), Column("B", 3, long=long)], [["x" * 53, "0123456789"]])

    assert page.render().splitlines()[1].split()[1] == shown


def test_a_column_that_wraps_goes_on_below_itself() -> None:
    page = Page(width=60, colour=False)

    page.table([Column("A"), Column("B", 12, long=Long.WRAP)], [["x" * 44, ("one.two.three.four", "bold")], ["y", "z"]])

    assert [line.split() for line in page.render().splitlines()] == [
        ["A", "B"],
        ["x" * 44, "one.two."],
        ["three.four"],
        ["y", "z"],
    ]


@given(st.lists(st.text(max_size=120), min_size=3, max_size=3), st.integers(60, 140))
@settings(max_examples=100, deadline=None)
def test_no_line_is_wider_than_the_page(texts, width):
    page = Page(width=width, colour=False)
    page.heading("TITLE")
    page.line(texts)
    page.prose(texts, indent=4, label="* ")
    page.items(texts, indent=6)
    page.pairs([("name", texts[0])])
    page.table([Column("A", 10), Column("B", 10, right=True), Column("C", 10, long=Long.CUT_END)], [texts])
    assert max(cell_len(line) for line in page.render().splitlines()) <= width


def test_items_break_only_between_two_of_them():
    page = Page(width=60, colour=False)
    page.items(["a" * 30, "b" * 30, "c" * 10], indent=2)
    assert page.render() == f"  {'a' * 30}\n  {'b' * 30} · {'c' * 10}\n"


def test_a_paragraph_hangs_under_its_first_word():
    page = Page(width=60, colour=False)
    page.prose("word " * 20, indent=2, label="12  ")
    lines = page.render().splitlines()
    assert lines[0].startswith("  12  word")
    assert [line[:7] for line in lines[1:]] == ["      w"] * (len(lines) - 1)


def test_sections_share_their_widths():
    page = Page(width=80, colour=False)
    page.sections([Column("A"), Column("B")], [("one", [["x", "y"]]), ("two", [["longer", "y"]])])
    assert page.render() == "    A       B\n  one\n    x       y\n  two\n    longer  y\n"


def test_a_page_is_never_narrower_than_sixty():
    assert Page(width=5, colour=False).width == 60


def test_in_a_notebook_text_is_written_all_the_same(monkeypatch) -> None:
    shell = type("ZMQInteractiveShell", (), {})
    monkeypatch.setattr("builtins.get_ipython", shell, raising=False)
    page = Page(width=80, colour=False)

    page.line("a line")

    assert page.render() == "a line\n"
