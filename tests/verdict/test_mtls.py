"""How connections between pods were secured: by edge and port."""

from __future__ import annotations

import pytest

from analyzer.base.place import PacketPlace
from analyzer.verdict.mtls import mtls_sheet, security_of


def spoken(*talks):
    return [(talk.wire, talk.conversation) for talk in talks]


def test_a_connection_between_sidecars_is_istio_mutual_tls_and_cites_its_hello(shop, upstream, alpn):
    (edge,) = mtls_sheet(spoken(upstream().hello("outbound_.9080_._.reviews", alpn["http"])), shop()).edges

    assert (edge.client, edge.server, edge.port) == ("shop/sleep-0", "shop/reviews-0", 9080)
    assert (edge.counts, edge.share) == ((1, 0, 0, 0), 100)
    assert edge.packets[0] == (PacketPlace("a.pcap", 4),)


@pytest.mark.parametrize(
    ("tell", "expected"),
    [
        (lambda talk: talk.hello("db.example", ("h2",)), "other-tls"),
        (lambda talk: talk.ask().answer(), "plaintext"),
        (lambda talk: talk.send(b"PING"), "plaintext"),
        (lambda talk: talk.midstream_tls(), "unknown"),
    ],
)
def test_other_connections_are_what_their_first_bytes_are(upstream, tell, expected):
    assert security_of(tell(upstream()).said()) == expected


def test_opaque_bytes_from_the_middle_of_a_connection_say_nothing(upstream):
    assert security_of(upstream(opened=False).send(b"\x01\x02").said()) == "unknown"


def test_what_an_application_says_to_its_sidecar_is_not_counted(shop, app, delivery):
    assert mtls_sheet(spoken(app().ask(), delivery().ask()), shop()).edges == ()


def test_what_stays_in_a_pod_is_not_counted(shop, talk):
    within = talk("10.244.1.10:4000", "10.244.1.10:8080").ask()
    loopback = talk("127.0.0.1:4000", "127.0.0.1:8080").ask()

    assert mtls_sheet(spoken(within, loopback), shop()).edges == ()


def test_a_connection_without_a_byte_is_silent(shop, upstream):
    sheet = mtls_sheet(spoken(upstream()), shop())

    assert (sheet.edges, sheet.silent) == ((), 1)


def test_connections_of_one_edge_are_counted_together(shop, upstream, alpn):
    talks = (
        upstream(first_packet=1).hello("outbound_.9080_._.reviews", alpn["tcp"]),
        upstream("10.244.1.10:36715", first_packet=10).ask(),
        upstream("10.244.1.10:36716", first_packet=20).send(b"x"),
    )

    (edge,) = mtls_sheet(spoken(*talks), shop()).edges

    assert edge.counts == (1, 0, 2, 0)
    assert edge.packets[2] == (PacketPlace("a.pcap", 13), PacketPlace("a.pcap", 23))
    assert round(edge.share, 1) == 33.3


def test_the_address_of_a_service_is_inside_and_one_nobody_knows_is_outside(shop, upstream):
    talks = (upstream(server="203.0.113.9:443").ask(), upstream("10.244.1.10:4001", "10.96.0.11:9080").ask())

    edges = mtls_sheet(spoken(*talks), shop()).edges

    assert [(edge.server, edge.inside) for edge in edges] == [("10.96.0.11", True), ("203.0.113.9", False)]


def test_only_edges_inside_are_held_against_a_requirement(shop, upstream, alpn):
    talks = (
        upstream(server="203.0.113.9:443").ask(),
        upstream("10.244.1.10:4001").hello("outbound_.9080_._.reviews", alpn["http"]),
        upstream("10.244.2.9:4001").ask(),
    )

    sheet = mtls_sheet(spoken(*talks), shop())

    assert [edge.client for edge in sheet.below(100)] == ["legacy/naked-0"]
    assert sheet.below(0) == ()


def test_without_a_mesh_edges_have_addresses(upstream):
    (edge,) = mtls_sheet(spoken(upstream().ask()), None).edges

    assert (edge.client, edge.server, edge.inside) == ("10.244.1.10", "10.244.1.11", True)


def test_a_server_that_speaks_first_is_cited_by_its_packet(shop, upstream):
    (edge,) = mtls_sheet(spoken(upstream().reply(b"220 hello")), shop()).edges

    assert edge.packets[2] == (PacketPlace("a.pcap", 4),)
