"""Rows that the page's script makes: small, whole, and inert inside HTML."""

from __future__ import annotations

import json

from analyzer.base.fact import replace
from analyzer.report.row_data import MOST_BYTES, row_data
from analyzer.report.view import SHOWN_DETAILS, page_view


def bare_rows(run):
    return page_view(run, codes=(), yaml_lines={}, redacted=True).bare_rows


def test_a_row_can_be_read_back(crowd):
    told = json.loads(row_data(bare_rows(crowd)))

    words, (source, target, sent, others, verdict, _, seen, disagrees, calls, call, packets) = (
        told["words"],
        told["rows"][0],
    )
    assert len(told["rows"]) == len(crowd.calls) - SHOWN_DETAILS
    assert (words[source], words[verdict], words[seen]) == ("shop/web-0", "service-matched", "200 from app")
    assert words[target].startswith("host-")
    assert (sent, others, disagrees, calls, told["left"]) == ("GET /reviews/7", 0, 0, 1, 0)
    assert packets == "shop_web-0.any.pcap packets 11–20"
    assert call.isdecimal()


def test_no_name_from_the_wire_ends_the_element_that_holds_the_rows(crowd, hostile_names):
    names = [f"{name}{number}" for number in range(20) for name in hostile_names]
    run = replace(crowd, calls=tuple(replace(crowd.calls[0], host=name, path=name) for name in names))

    text = row_data(bare_rows(run))

    assert not {"<", ">", "&", "\x1b", "\u202e"} & set(text)
    assert any("<" in word for word in json.loads(text)["words"])


def test_what_does_not_fit_is_counted(many):
    run = many(300)
    calls = tuple(replace(run.calls[0], host=f"{number}-{'x' * 190}", path="/" + "y" * 190) for number in range(9_000))

    told = json.loads(text := row_data(bare_rows(replace(run, calls=calls))))

    assert len(text) < MOST_BYTES * 1.1
    assert len(told["rows"]) + told["left"] == 9_000 - SHOWN_DETAILS
    assert told["left"] > 0


def test_without_rows_there_is_still_an_object():
    assert json.loads(row_data(()))["rows"] == []
