"""A call's facts are names and values, in the same words for every report."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.base.place import YamlPlace
from analyzer.report.facts import call_facts, decision_sides, yaml_phrases
from analyzer.verdict.decision import Decision


def test_a_call_says_who_what_when_and_which_packets(shop):
    facts = dict(call_facts(shop.calls[0]))
    assert facts["from"] == "shop/web-0  10.244.1.9:40001"
    assert facts["sent"] == "GET reviews /reviews/7"
    assert facts["time"] == "2025-11-21T08:00:00.250000000Z, took 12.3 ms"
    assert facts["packets"] == "shop_web-0.any.pcap packets 11–20"


def test_what_a_call_does_not_have_is_not_said(shop):
    assert not dict(call_facts(shop.calls[7])).keys() & {"sni", "alpn", "place"}
    assert dict(call_facts(replace(shop.calls[7], pod=None, server_pod=None)))["to"] == "10.244.3.4:9092"


def test_an_sni_beside_a_host_is_said_too(shop):
    assert dict(call_facts(replace(shop.calls[0], sni="x")))["sni"] == "x"


def test_each_envoy_that_decides_is_a_side(shop):
    assert [title for title, _ in decision_sides(shop.calls[0].decision)] == ["client's sidecar", "server's sidecar"]
    assert [title for title, _ in decision_sides(shop.calls[8].decision)] == ["gateway", "server's sidecar"]
    assert decision_sides(Decision(None, None)) == []


def test_the_field_stands_beside_its_line():
    places = [
        YamlPlace("a.yaml", 3, 5, "spec.http[0]"),
        YamlPlace("a.yaml", 3, 5, "spec.http[0]"),
        YamlPlace("b.yaml", 1),
    ]
    assert yaml_phrases(places) == ["a.yaml:3  spec.http[0]", "b.yaml:1"]
