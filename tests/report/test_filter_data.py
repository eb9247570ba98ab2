"""What the page's filter box may ask of its rows."""

from __future__ import annotations

import json

from analyzer.report.filter_data import PAGE_FIELDS, facts_of, filter_data

NAMES = [field.name for field in PAGE_FIELDS]


def told(*rows):
    data = json.loads(filter_data(map(facts_of, rows)))
    parts = [[data["words"][number] for number in part] for part in data["parts"]]
    return [[[value for part in call for value in parts[part]] for call in row] for row in data["rows"]]


def test_a_row_has_the_fields_that_its_calls_share_once(shop) -> None:
    one, alike, other = shop.calls[0], shop.calls[0], shop.calls[1]

    ((first, second),) = told([one, alike, other])

    assert (first[NAMES.index("host")], first[NAMES.index("port")]) == ("reviews", 9080)
    assert (first[NAMES.index("path")], second[NAMES.index("path")]) == ("/reviews/7", "/reviews/8")


def test_values_keep_their_types(shop) -> None:
    (((*values,),),) = told([shop.calls[0]])
    by_name = dict(zip(NAMES, values, strict=True))

    assert by_name["inbound.mtls"] is True
    assert by_name["sni"] is None
    assert by_name["captures"] == list(shop.calls[0].captures)


def test_what_each_call_has_of_its_own_is_left_out() -> None:
    assert {"id", "uid", "first_ns", "client.port"}.isdisjoint(NAMES)


def test_nothing_in_it_ends_the_element_that_holds_it(hostile) -> None:
    assert not set("<>&") & set(filter_data([facts_of(hostile.calls)]))
