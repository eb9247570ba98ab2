"""UDP by who talks with whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection

from analyzer.base.table import PROTOCOL_UDP
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.udp import QUIC_SEALED, TOO_MANY_UDP_FLOWS, udp_flows

CORPUS = Path(__file__).resolve().parents[3] / "shared/corpora/suricata-verify/tests__ja4-rules-disabled__input.pcap"
POD, WEB, RESOLVER = "10.244.1.10:40000", "192.0.2.1:443", "10.96.0.10:53"


def hello() -> bytes:
    client = QuicConnection(
        configuration=QuicConfiguration(is_client=True, alpn_protocols=["h3"], server_name="media.example.org")
    )
    client.connect(("192.0.2.1", 443), now=0)
    return client.datagrams_to_send(now=0)[0][0]


@pytest.fixture
def datagrams(wire):
    """``(src, dst, payload)`` each as a row."""

    def write(*said):
        for src, dst, data in said:
            wire.packet(src, dst, "", data=data, protocol=PROTOCOL_UDP)
        return wire

    return write


def flows_of(wire, **options):
    return udp_flows(memoryview(bytes(wire.buffer)), wire.packets(), wire.records(), **options)


def test_both_directions_are_one_flow(datagrams) -> None:
    wire = datagrams((POD, "192.0.2.1:9999", b"ask"), ("192.0.2.1:9999", POD, b"answer"))

    (flow,), odd = flows_of(wire)

    assert (str(flow.client), str(flow.server), flow.protocol) == (POD, "192.0.2.1:9999", "udp")
    assert (flow.packets, flow.payload_bytes, flow.first_packet, flow.last_packet) == (2, 9, 1, 2)
    assert odd == []


def test_dns_is_told_by_its_port_also_where_only_the_answer_was_seen(datagrams) -> None:
    (flow,), _ = flows_of(datagrams((RESOLVER, POD, b"answer")))

    assert (str(flow.client), str(flow.server), flow.protocol) == (POD, RESOLVER, "dns")


def test_quic_shows_its_server_name(datagrams) -> None:
    (flow,), odd = flows_of(datagrams((POD, WEB, hello()), (WEB, POD, b"\xc0sealed")))

    assert (flow.protocol, flow.sni, flow.alpn) == ("quic", "media.example.org", ("h3",))
    assert odd == []


def test_quic_whose_hello_is_not_there_is_quic_all_the_same(datagrams) -> None:
    (flow,), odd = flows_of(datagrams((POD, WEB, hello()[:300])))

    assert (flow.protocol, flow.sni, odd) == ("quic", None, [])


def test_without_the_package_what_was_not_read_is_said(datagrams, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    (flow,), (odd,) = flows_of(datagrams((POD, WEB, hello())))

    assert (flow.protocol, flow.sni, odd.code) == ("quic", None, QUIC_SEALED)
    assert "cryptography" in odd.code.explanation


def test_bytes_that_only_look_like_a_long_header_are_udp(datagrams) -> None:
    (flow,), _ = flows_of(datagrams((POD, WEB, b"\xff" * 40)))

    assert flow.protocol == "udp"


def test_flows_come_in_the_order_of_their_first_packet_and_are_bounded(datagrams) -> None:
    wire = datagrams(*((f"10.0.0.{9 - n}:1000{n}", "192.0.2.1:9999", b"x") for n in range(3)))

    flows, (odd,) = flows_of(wire, most=2)

    assert [flow.first_packet for flow in flows] == [1, 2]
    assert odd.code is TOO_MANY_UDP_FLOWS


def test_tcp_is_none_of_it(wire) -> None:
    wire.packet(POD, WEB, "S")

    assert flows_of(wire) == ([], [])


@pytest.mark.skipif(not CORPUS.is_file(), reason="the corpora are not beside the repository")
def test_a_recorded_flow_is_read_as_others_read_it() -> None:
    capture = read_capture(CORPUS, name=CORPUS.name)

    (flow,), _ = udp_flows(capture.buffer, decode_packets(capture), capture.records)

    assert (flow.sni, flow.alpn, flow.client.port, flow.first_packet) == ("cloudflare-quic.com", ("h3",), 50280, 47)
