"""Every code can be looked up, alone or in the list."""

from __future__ import annotations

from analyzer.base.oddity import Family
from analyzer.report.as_codes import FAMILY_TITLES, render_codes, render_codes_markdown


def test_every_family_has_a_title():
    assert set(FAMILY_TITLES) == set(Family)


def test_the_list_has_each_code_once_under_its_family(codes):
    text = render_codes(codes, width=80)
    assert [text.count(f"  {code.name} ") for code in codes] == [1] * len(codes)
    assert text.index("Reasons of a verdict") < text.index("no-route") < text.index("Findings")


def test_a_code_in_full_says_what_it_means_and_what_to_do(codes):
    text = render_codes(codes[:2], width=100, full=True)
    assert text.splitlines()[0] == "no-route  reason, warning"
    assert "Envoy found the virtual host, and none of its routes takes this path" in text
    assert "What to do: Add a catch-all route" in text


def test_a_code_without_advice_gives_none(codes):
    assert "What to do" not in render_codes(codes[-1:], full=True)


def test_the_page_has_a_part_per_code_with_its_markup_escaped(codes):
    page = render_codes_markdown(codes)
    assert page.count("\n### `") == len(codes)
    assert "no route of virtual host \\{virtual\\_host\\} matches" in page
    assert "*Compare with `istioctl proxy-config routes`.*" in page
