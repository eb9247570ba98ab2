"""Files of one recording are one capture."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from analyzer.capture import rings
from analyzer.capture.reader import read_capture_bytes
from analyzer.capture.rings import join_rings, read_ring, ring_name
from analyzer.capture.sources import find_captures
from analyzer.pipeline import analyze_paths

SLEEP = Path(__file__).resolve().parents[2] / "captures" / "shop-default" / "pods" / "shop_sleep-0.any.pcap"


@pytest.fixture
def ring(tmp_path, write_pcap):
    """Writes files of two packets each, by name, the seconds of the first ones being as they are given."""

    def write(**names: int) -> list[Path]:
        paths = []
        for name, second in names.items():
            path = tmp_path / name.replace("__", "-").replace("_", ".")
            path.write_bytes(write_pcap([(second, 0, b"x" * 60), (second + 1, 0, b"y" * 60)]))
            paths.append(path)
        return paths

    return write


def parts_of(data: bytes, count: int) -> list[bytes]:
    """A pcap file cut between records into files of about the same length."""
    parts, at, begin = [], 24, 24
    while at < len(data):
        at += 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        if at - begin > len(data) / count or at >= len(data):
            parts.append(data[:24] + data[begin:at])
            begin = at
    return parts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.pcap", "a.pcap1"),
        ("a.pcap9", "a.pcap10"),
        ("a.pcap00", "a.pcap01"),
        ("a.pcap", "a.pcap.1"),
        ("a.pcap1.gz", "a.pcap2.gz"),
        ("a-20261121143000.pcap", "a-20261121153000.pcap"),
        ("a_2026-11-21_14:30:00.pcap", "a_2026-11-21_15:30:00.pcap"),
        ("a.1795258435.pcap", "a.1795258495.pcap"),
    ],
)
def test_names_that_tcpdump_gives_one_after_the_other_are_of_one_ring(one, other) -> None:
    assert ring_name(one) == ring_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("shop_web-0.any.pcap", "shop_web-1.any.pcap"),
        ("a.pcap", "b.pcap"),
        ("a.pcap", "a.pcapng"),
        ("a.lo.pcap", "a.eth0.pcap"),
        ("web-5d4f8.pcap", "web-7c9b2.pcap"),
    ],
)
def test_names_of_different_captures_are_not(one, other) -> None:
    assert ring_name(one) != ring_name(other)


def test_files_are_ordered_by_their_packets_not_by_their_names(ring) -> None:
    paths = ring(a_pcap0=400, a_pcap1=500, a_pcap2=300)

    assert join_rings(paths) == [[paths[2], paths[0], paths[1]]]


def test_ten_comes_after_nine(ring) -> None:
    paths = ring(a_pcap10=1000, a_pcap9=900, a_pcap=0)

    assert join_rings(paths) == [[paths[2], paths[1], paths[0]]]


def test_files_that_begin_at_the_same_time_are_copies(ring) -> None:
    paths = ring(a_pcap=100, a_pcap1=100)

    assert join_rings(paths) == [[paths[0]], [paths[1]]]


def test_files_of_other_links_are_no_ring(ring, write_pcap) -> None:
    paths = ring(a_pcap=100, a_pcap1=200)
    paths[1].write_bytes(write_pcap([(200, 0, b"x" * 60)], link=276))

    assert len(join_rings(paths)) == 2


def test_files_without_packets_are_no_ring(ring, write_pcap) -> None:
    paths = ring(a_pcap=100, a_pcap1=200)
    paths[1].write_bytes(write_pcap([]))

    assert len(join_rings(paths)) == 2


def test_files_in_different_folders_are_no_ring(tmp_path, ring) -> None:
    paths = ring(a_pcap=100, a_pcap1=200)
    (tmp_path / "b").mkdir()
    moved = paths[1].rename(tmp_path / "b" / "a.pcap1")

    assert len(join_rings([paths[0], moved])) == 2


def test_more_than_memory_should_hold_is_read_file_by_file(ring, monkeypatch) -> None:
    monkeypatch.setattr(rings, "MAX_RING", 300)

    assert len(join_rings(ring(a_pcap=100, a_pcap1=200))) == 2


def test_standard_input_stays_where_it_is(ring) -> None:
    (path,) = ring(a_pcap=100)

    assert join_rings([None, path]) == [[None], [path]]


def test_packets_are_numbered_on_from_file_to_file(ring) -> None:
    capture = read_ring(ring(a_pcap=100, a_pcap1=200), name="a")

    assert (len(capture.records), len(capture.interfaces), capture.complete) == (4, 1, True)
    assert (capture.records.time_ns // 1_000_000_000).tolist() == [100, 101, 200, 201]


def test_a_record_that_is_cut_at_the_end_of_a_file_is_left_out(ring) -> None:
    paths = ring(a_pcap=100, a_pcap1=200)
    paths[0].write_bytes(paths[0].read_bytes()[:-5])

    assert len(read_ring(paths, name="a").records) == 3


def test_sections_of_pcapng_are_joined(tmp_path, pcapng) -> None:
    one = pcapng()
    path = tmp_path / "a.pcapng"
    path.write_bytes(one.section() + one.interface() + one.enhanced(b"x" * 60))

    assert len(read_ring([path, path], name="a").records) == 2


def test_compressed_files_are_joined(ring) -> None:
    paths = ring(a_pcap1_gz=100, a_pcap2_gz=200)
    for path in paths:
        path.write_bytes(gzip.compress(path.read_bytes()))

    assert join_rings(paths) == [paths]
    assert len(read_ring(paths, name="a").records) == 4


def test_connections_that_cross_from_file_to_file_are_one(tmp_path) -> None:
    data = SLEEP.read_bytes()
    for number, part in enumerate(parts_of(data, 4)):
        # The ring was begun anew: the oldest files have the highest numbers.
        (tmp_path / f"shop_sleep-0.any.pcap{(number + 2) % 4}").write_bytes(part)

    (source,) = find_captures([str(tmp_path)])
    joined, plain = analyze_paths([str(tmp_path)]), analyze_paths([str(SLEEP)])

    assert source.name == "shop_sleep-0.any.pcap2+3"
    assert source.pod_hint == ("shop", "sleep-0")
    assert len(source.read().records) == len(read_capture_bytes(data, name="a").records)
    assert [c.uid for c in joined.calls] == [c.uid for c in plain.calls]
    assert [[span[1:] for span in c.packets] for c in joined.calls] == [
        [span[1:] for span in c.packets] for c in plain.calls
    ]
