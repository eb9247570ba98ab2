"""What a capture is, and how well it could be read."""

from __future__ import annotations

import json

from analyzer.base.fact import replace
from analyzer.report.as_info import info_json, render_info


def test_every_capture_has_its_block(shop):
    text = render_info(shop.captures, width=80)
    assert [line for line in text.splitlines() if line and not line.startswith(" ")] == [c.name for c in shop.captures]


def test_health_skipped_records_and_oddities_are_told(shop):
    text = render_info(shop.captures, width=80)
    assert "4 not-ip, 2 cut-header" in text
    assert "! packet 18: header cut at 54 bytes" in text
    assert "ends inside packet 231" in text


def test_a_capture_cut_short_without_an_error_is_told(shop):
    assert "cut short" in render_info((replace(shop.captures[0], complete=False),))


def test_an_empty_capture_has_no_time(shop):
    text = render_info((replace(shop.captures[0], records=0, pod=None, vantage="", link_types=()),))
    assert "begins    -" in text
    assert "not known" in text


def test_many_oddities_are_counted(shop):
    text = render_info((replace(shop.captures[0], oddities=("odd",) * 25),))
    assert text.count("! odd") == 20
    assert "! and 5 more" in text


def test_as_json_each_capture_has_its_fields(shop, empty):
    captures = json.loads(info_json(shop.captures))["captures"]
    assert [(c["name"], c["complete"]) for c in captures] == [(c.name, c.complete) for c in shop.captures]
    assert json.loads(info_json(empty.captures)) == {"captures": []}
