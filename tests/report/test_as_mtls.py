"""The mTLS sheet as text, JSON Lines and CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest

from analyzer.base.place import PacketPlace
from analyzer.report.as_mtls import mtls_csv, mtls_jsonl, render_mtls
from analyzer.verdict.mtls import MtlsSheet, SecuredEdge


def places(*packets, capture="a.pcap"):
    return tuple(PacketPlace(capture, packet) for packet in packets)


@pytest.fixture
def sheet():
    return MtlsSheet(
        (
            SecuredEdge("shop/web-0", "shop/db-0", 5432, (places(3), (), places(*range(10, 15)), ())),
            SecuredEdge("shop/web-0", "fd00::1", 443, ((), places(99), (), places(7)), inside=False),
        ),
        silent=2,
    )


def test_the_headline_has_the_share_inside_the_mesh(sheet):
    text = render_mtls(sheet, width=120)

    assert text.startswith("6 connections inside the mesh, 16.6 % Istio mutual TLS; 2 connections without a byte")


def test_each_edge_has_its_counts_and_its_share(sheet):
    lines = [line.split() for line in render_mtls(sheet).splitlines()]

    assert ["shop/web-0", "shop/db-0:5432", "1", "·", "5", "·", "16.6", "%"] in lines
    assert ["shop/web-0", "[fd00::1]:443", "·", "1", "·", "1", "-"] in lines


def test_packets_are_cited_the_first_of_them(sheet):
    text = render_mtls(sheet)

    assert "a.pcap packets 10–12 and 2 more" in text
    assert text.index("plaintext") < text.index("Istio mutual TLS\n")


def test_a_share_is_a_hundred_only_where_nothing_is_missing():
    edge = SecuredEdge("a", "b", 1, (places(*range(1, 2000)), (), places(2000), ()))

    assert "100 %" not in render_mtls(MtlsSheet((edge,)))


def test_nothing_to_show_is_said():
    assert render_mtls(MtlsSheet(())) == "No connections between pods in what was captured.\n"


def test_as_lines_each_edge_has_its_counts_and_packets(sheet):
    run, edge, outside = map(json.loads, mtls_jsonl(sheet))

    assert (run["kind"], run["connections"], run["istio_mtls"], run["silent"]) == ("run", 6, 1, 2)
    assert (edge["istio_mtls"], edge["plaintext"], edge["share"]) == (1, 5, 16.67)
    assert edge["packets"]["istio_mtls"] == ["a.pcap:3"]
    assert outside["inside"] is False


def test_as_rows_each_edge_has_its_counts_and_packets(sheet):
    rows = list(csv.DictReader(io.StringIO(b"".join(mtls_csv(sheet)).decode())))

    assert [row["server"] for row in rows] == ["shop/db-0", "fd00::1"]
    assert rows[0]["plaintext_packets"].split() == [f"a.pcap:{n}" for n in range(10, 15)]


def test_names_from_outside_are_shown_and_not_obeyed(hostile_names):
    edges = tuple(SecuredEdge(name, name, 1, (places(1, capture=name), (), (), ())) for name in hostile_names)
    hostile = MtlsSheet(edges)

    text = render_mtls(hostile) + b"".join(mtls_jsonl(hostile)).decode() + b"".join(mtls_csv(hostile)).decode()

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in csv.reader(io.StringIO(text)) for cell in row[:1])
