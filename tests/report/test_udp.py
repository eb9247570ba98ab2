"""A sentence about UDP."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.flow.connection import Endpoint
from analyzer.flow.udp import UdpFlow
from analyzer.report.udp import udp_phrase


def flow(client, server, protocol="udp", sni=None):
    return UdpFlow(Endpoint("10.0.0.1", client), Endpoint("192.0.2.1", server), protocol, 1, 1, 1, 1, 0, 0, sni)


def test_flows_are_counted_by_where_they_go(shop):
    flows = (flow(1, 443, "quic", "a.example"), flow(2, 443, "quic", "a.example"), flow(3, 53, "dns"))

    said = udp_phrase([replace(shop.captures[0], udp=flows)])

    assert said == "3 flows: 2 quic to a.example:443, 1 dns to 192.0.2.1:53"


def test_a_flow_that_two_captures_saw_counts_once(shop):
    one = replace(shop.captures[0], udp=(flow(1, 9),))

    assert udp_phrase([one, replace(one, name="other")]) == "1 flow: 1 udp to 192.0.2.1:9"


def test_many_targets_are_cut_short(shop):
    many = tuple(flow(n, n) for n in range(1, 9))

    assert udp_phrase([replace(shop.captures[0], udp=many)]).endswith(", 3 to others")


def test_no_udp_is_no_sentence(shop):
    assert udp_phrase(shop.captures) == ""
