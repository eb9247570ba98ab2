"""VirtualServices that a gateway merges, where the older one takes what the younger one asks for."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.gateway_merges import find_gateway_merges

API = {"uri": {"prefix": "/api"}}
API_V2 = {"uri": {"prefix": "/api/v2"}}


def vs(make, name: str, *matches, created: int = 1, host: str = "a.com", **spec):
    rules = [make.rule("cart", match) if match else make.rule("cart") for match in matches]
    return make.virtual_service(name, [host], rules, created=created, **{"gateways": ["edge/g"], **spec})


def test_an_older_prefix_takes_a_younger_longer_one(make, lint):
    found = lint(find_gateway_merges, vs(make, "a/old", API), vs(make, "b/young", API_V2, created=2))

    assert [(each.code.name, each.resource) for each in found] == [("shadowed-at-gateway", "VirtualService b/young")]
    assert found[0].sentence == (
        "VirtualService b/young: http[0] (prefix /api/v2) is never reached for a.com on edge/g: "
        "VirtualService a/old, http[0] (prefix /api), comes first"
    )


def test_of_two_defaults_the_older_counts(make, lint):
    found = lint(find_gateway_merges, vs(make, "a/old", API, None), vs(make, "b/young", None, created=2))

    assert [each.resource for each in found] == ["VirtualService b/young"]
    assert "(no condition) is never reached" in found[0].sentence


@pytest.mark.parametrize(
    ("old", "young"),
    [
        ([API_V2], [API]),
        ([None], [API]),
        ([API], [None]),
        ([{**API, "gateways": ["mesh"]}], [API_V2]),
        ([{**API, "port": 80}], [{**API, "port": 443}]),
    ],
)
def test_routes_that_leave_something_shadow_nothing(make, codes, old, young):
    assert codes(find_gateway_merges, vs(make, "a/old", *old), vs(make, "b/young", *young, created=2)) == []


@pytest.mark.parametrize(
    "spec", [{"host": "b.com"}, {"gateways": ["edge/h"]}, {"gateways": ["mesh"]}, {"exportTo": ["."]}]
)
def test_what_is_not_merged_shadows_nothing(make, codes, spec):
    assert codes(find_gateway_merges, vs(make, "a/old", API), vs(make, "b/young", API_V2, created=2, **spec)) == []


def test_a_single_one_is_the_matter_of_another_analyser(make, codes):
    assert codes(find_gateway_merges, vs(make, "a/old", API, API_V2)) == []
