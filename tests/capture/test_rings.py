"""Files of one recording are one capture."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace
from analyzer.base.mapped_files import MappedFiles
from analyzer.capture import reader, rings
from analyzer.capture.capture import Capture
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture_bytes
from analyzer.capture.rings import join_rings, read_ring, ring_name
from analyzer.capture.sources import find_captures
from analyzer.pipeline import analyze_paths
from made.rings import write_ring

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


@pytest.fixture
def mapped(request, monkeypatch):
    """Whether the files of a ring are mapped; else they are copied into memory."""
    if request.param:
        monkeypatch.setattr(reader, "MAPPED_FROM", 1)


def joined_and_mapped(test: Callable[..., None]) -> Callable[..., None]:
    ways = pytest.mark.parametrize("mapped", [False, True], indirect=True, ids=["joined", "mapped"])
    return pytest.mark.usefixtures("mapped")(ways(test))


def facts(capture: Capture) -> tuple[object, ...]:
    """All but where in its buffer a capture's bytes lie."""
    records = capture.records
    places = zip(records.data_off.tolist(), records.captured_len.tolist(), strict=True)
    return (
        capture.format, capture.interfaces, capture.oddities, capture.complete, capture.error,
        records.time_ns.tolist(), records.wire_len.tolist(), records.interface.tolist(), records.link.tolist(),
        [bytes(capture.buffer[begin : begin + size]) for begin, size in places],
    )  # fmt: skip


def payloads(capture: Capture) -> list[bytes]:
    packets = decode_packets(capture)
    places = zip(packets.payload_off.tolist(), packets.payload_len.tolist(), strict=True)
    return [bytes(capture.buffer[begin : begin + size]) for begin, size in places]


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


def test_files_of_any_size_are_one_ring(ring, monkeypatch) -> None:
    monkeypatch.setattr(rings, "MAX_JOINED", 300)

    assert len(join_rings(ring(a_pcap=100, a_pcap1=200))) == 1


def test_more_than_memory_should_hold_is_read_file_by_file_where_it_cannot_be_mapped(ring, monkeypatch) -> None:
    monkeypatch.setattr(rings, "MAX_JOINED", 300)
    monkeypatch.setattr(rings, "can_map_files", lambda: False)

    assert len(join_rings(ring(a_pcap=100, a_pcap1=200))) == 2


def test_more_compressed_files_than_memory_should_hold_are_read_one_by_one(ring, monkeypatch) -> None:
    monkeypatch.setattr(rings, "MAX_JOINED", 1)
    paths = ring(a_pcap1_gz=100, a_pcap2_gz=200)
    for path in paths:
        path.write_bytes(gzip.compress(path.read_bytes()))

    assert len(join_rings(paths)) == 2


def test_standard_input_stays_where_it_is(ring) -> None:
    (path,) = ring(a_pcap=100)

    assert join_rings([None, path]) == [[None], [path]]


@joined_and_mapped
def test_packets_are_numbered_on_from_file_to_file(ring) -> None:
    capture = read_ring(ring(a_pcap=100, a_pcap1=200), name="a")

    assert (len(capture.records), len(capture.interfaces), capture.complete) == (4, 1, True)
    assert (capture.records.time_ns // 1_000_000_000).tolist() == [100, 101, 200, 201]


@joined_and_mapped
def test_a_record_that_is_cut_at_the_end_of_a_file_is_left_out_and_told(ring) -> None:
    paths = ring(a_pcap=100, a_pcap1=200)
    paths[0].write_bytes(paths[0].read_bytes()[:-5])

    capture = read_ring(paths, name="a")

    assert (capture.records.time_ns // 1_000_000_000).tolist() == [100, 200, 201]
    assert capture.error == "a: packet 2: record claims 60 bytes; 55 are left in the file"
    assert not capture.complete


@joined_and_mapped
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34])
@pytest.mark.parametrize("order", ["<", ">"])
def test_files_of_any_variant_are_read_as_one_file(tmp_path, write_pcap, order, magic) -> None:
    packets = [(second, 5, bytes([second]) * second) for second in range(1, 9)]
    how = {"order": order, "magic": magic}
    paths = [tmp_path / "a.pcap", tmp_path / "a.pcap1", tmp_path / "a.pcap2"]
    for path, some in zip(paths, (packets[:3], packets[3:4], packets[4:]), strict=True):
        path.write_bytes(write_pcap(some, **how))

    assert facts(read_ring(paths, name="a")) == facts(read_capture_bytes(write_pcap(packets, **how), name="a"))


@joined_and_mapped
def test_files_of_pcapng_are_read_as_one_section(tmp_path, pcapng) -> None:
    one = pcapng()
    head = one.section() + one.interface(101) + one.interface(1)
    packets = [one.enhanced(b"x" * 60, interface=number % 2, units=number) for number in range(6)]
    paths = [tmp_path / f"a.pcapng{number}" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(head + b"".join(packets[2 * number : 2 * number + 2]))

    capture = read_ring(paths, name="a")

    assert facts(capture) == facts(read_capture_bytes(head + b"".join(packets), name="a"))


@joined_and_mapped
def test_sections_of_other_orders_and_interfaces_are_joined_each_with_its_own(tmp_path, pcapng) -> None:
    data = []
    for number, order in enumerate("<><"):
        one = pcapng(order)
        packets = [one.enhanced(b"x" * 60, interface=i, units=1_000_000 * number) for i in (0, 1)]
        data.append(one.section() + one.interface(101) + one.interface(1, snaplen=number) + b"".join(packets))
    paths = [tmp_path / f"a.pcapng{number}" for number in range(3)]
    for path, section in zip(paths, data, strict=True):
        path.write_bytes(section)

    capture = read_ring(paths, name="a")

    assert capture.records.time_ns.tolist() == [0, 0, 10**9, 10**9, 2 * 10**9, 2 * 10**9]
    assert capture.records.interface.tolist() == [0, 1, 0, 2, 0, 3]
    assert [interface.snaplen for interface in capture.interfaces] == [0, 0, 1, 2]


@joined_and_mapped
def test_a_block_that_is_cut_ends_its_file_alone(tmp_path, pcapng) -> None:
    one = pcapng()
    data = one.section() + one.interface() + one.enhanced(b"x" * 60, units=1) + one.enhanced(b"x" * 60, units=2)
    paths = [tmp_path / "a.pcapng0", tmp_path / "a.pcapng1"]
    paths[0].write_bytes(data)
    paths[1].write_bytes(data[:-4])

    capture = read_ring([paths[1], paths[0]], name="a")

    assert capture.records.time_ns.tolist() == [1000, 1000, 2000]
    at = len(data) - 92
    assert capture.error == f"a: after packet 1: block at byte {at} claims 92 bytes; 88 are left in the file"


@joined_and_mapped
def test_sections_are_counted_file_by_file(tmp_path, pcapng, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.capture.pcapng.MAX_SECTIONS", 2)
    one = pcapng()
    section = one.section() + one.interface() + one.enhanced(b"x" * 60)
    paths = [tmp_path / "a.pcapng0", tmp_path / "a.pcapng1"]
    for path, count in zip(paths, (2, 3), strict=True):
        path.write_bytes(section * count)

    capture = read_ring(paths, name="a")

    assert (len(capture.records), capture.error) == (4, "a: after packet 4: more than 2 sections, the limit")


@joined_and_mapped
def test_files_that_were_appended_to_one_of_a_ring_have_their_own_interfaces(ring, write_pcap) -> None:
    paths = ring(a_pcap=100, a_pcap1=200)
    with paths[0].open("ab") as file:
        file.write(write_pcap([(150, 0, b"z" * 60)], snaplen=500))

    capture = read_ring(paths, name="a")

    assert capture.records.interface.tolist() == [0, 0, 1, 0, 0]
    assert [(o.code.name, o.place.packet) for o in capture.oddities] == [("captures-concatenated", 3)]


def test_a_file_of_a_ring_that_was_begun_otherwise_is_told(ring, monkeypatch) -> None:
    monkeypatch.setattr(reader, "MAPPED_FROM", 1)
    paths = ring(a_pcap=100, a_pcap1=200, a_pcap2=300)
    data = bytearray(paths[1].read_bytes())
    data[4] = 9
    paths[1].write_bytes(data)

    capture = read_ring(paths, name="a")

    assert (capture.records.time_ns // 1_000_000_000).tolist() == [100, 101, 300, 301]
    assert capture.error == "a: packet 3: a file of the ring does not begin with a pcap file header"


def test_a_file_of_a_ring_that_is_empty_by_now_has_become_shorter(ring, monkeypatch) -> None:
    monkeypatch.setattr(reader, "MAPPED_FROM", 1)
    paths = ring(a_pcap=100, a_pcap1=200)
    paths[0].write_bytes(b"")

    capture = read_ring(paths, name="a")

    assert (capture.records.time_ns // 1_000_000_000).tolist() == [200, 201]
    assert capture.error == "a: the file became shorter while it was read; what it has lost is missing"


@joined_and_mapped
def test_a_ring_of_which_a_file_is_gone_is_an_error(ring) -> None:
    paths = ring(a_pcap=100, a_pcap1=200)
    paths[1].unlink()

    with pytest.raises(CaptureError, match=r"^a: no such file or directory; expected a capture file$"):
        read_ring(paths, name="a")


def test_a_large_ring_is_not_copied(ring, monkeypatch) -> None:
    monkeypatch.setattr(reader, "MAPPED_FROM", 1)

    capture = read_ring(ring(a_pcap=100, a_pcap1=200), name="a")

    assert isinstance(capture.buffer.obj, MappedFiles)


def test_packets_of_a_mapped_ring_are_decoded_on_the_way(tmp_path, monkeypatch) -> None:
    paths = write_ring(tmp_path / "a.pcap", SLEEP.read_bytes(), 3)
    joined = decode_packets(read_ring(paths, name="a"))
    monkeypatch.setattr(reader, "MAPPED_FROM", 1)

    capture = read_ring(paths, name="a")

    assert capture.decoded is not None
    assert decode_packets(capture) is capture.decoded.packets
    assert capture.decoded.packets.seq.tolist() == joined.seq.tolist()
    assert payloads(capture) == payloads(replace(capture, decoded=None))


@joined_and_mapped
def test_compressed_files_are_joined(ring) -> None:
    paths = ring(a_pcap1_gz=100, a_pcap2_gz=200)
    for path in paths:
        path.write_bytes(gzip.compress(path.read_bytes()))

    assert join_rings(paths) == [paths]
    assert len(read_ring(paths, name="a").records) == 4


def test_connections_that_cross_from_file_to_file_are_one(tmp_path) -> None:
    data = SLEEP.read_bytes()
    write_ring(tmp_path / SLEEP.name, data, 4)

    (source,) = find_captures([str(tmp_path)])
    joined, plain = analyze_paths([str(tmp_path)]), analyze_paths([str(SLEEP)])

    assert source.name == "shop_sleep-0.any.pcap2+3"
    assert source.pod_hint == ("shop", "sleep-0")
    assert len(source.read().records) == len(read_capture_bytes(data, name="a").records)
    assert [c.uid for c in joined.calls] == [c.uid for c in plain.calls]
    assert [[span[1:] for span in c.packets] for c in joined.calls] == [
        [span[1:] for span in c.packets] for c in plain.calls
    ]
