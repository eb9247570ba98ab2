import csv
import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.address import format_address
from analyzer.base.fact import replace
from analyzer.base.table import (
    BAD_HEADER,
    DECODED,
    FATE_NAMES,
    NESTED_TOO_DEEP,
    NOT_IP,
    OTHER_TRANSPORT,
    PROTOCOL_TCP,
    UNKNOWN_LINK,
    PacketTable,
    RecordTable,
)
from analyzer.capture.decode import (
    LAYERS,
    MAX_PACKET_LEN,
    ROWS_AT_ONCE,
    PacketLog,
    blank_table,
    decode_packets,
    decode_stretch,
    decoding_oddities,
)
from analyzer.capture.frames import IP_PROTOCOL, LINK_TYPE, UDP_PORT
from analyzer.capture.link import LINKS
from analyzer.capture.network import ENCAPSULATIONS, EXTENSIONS, NETWORKS
from analyzer.capture.reader import read_capture
from analyzer.capture.records import RecordPart, Stretch
from analyzer.capture.transport import TRANSPORTS
from analyzer.capture.tunnel import TUNNELS

# What the records of tshark are compared by, and how we say the same.
TSHARK_FIELDS = (
    "ip.src", "ip.dst", "tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.window_size_value",
    "tcp.flags", "tcp.len", "tcp.options.timestamp.tsval",
)  # fmt: skip


def columns(packets: PacketTable) -> dict[str, list[int]]:
    return {name: getattr(packets, name).tolist() for name in PacketTable.__struct_fields__}


def as_tshark_says_it(packets: PacketTable, row: int) -> list[str]:
    numbers = (packets.src_port, packets.dst_port, packets.seq, packets.ack, packets.window)
    return [
        format_address(packets.src_hi[row], packets.src_lo[row]),
        format_address(packets.dst_hi[row], packets.dst_lo[row]),
        *(str(column[row]) for column in numbers),
        f"0x{packets.tcp_flags[row] & 0x1FF:04x}",
        str(packets.payload_wire_len[row]),
        str(packets.tsval[row]) if packets.tcp_flags[row] & 0x8000 else "",
    ]


def test_every_row_is_decoded_on_its_own(decode, http_packet: bytes) -> None:
    frames = [b"\x08\x00", b"\x08\x06", b"\x86\xdd"]
    packets = [bytes(12) + frame + http_packet for frame in frames] * 3

    together = columns(decode(1, *packets))
    alone = [columns(decode(1, packet)) for packet in packets]

    for name, column in together.items():
        if name != "payload_off":
            assert column == [table[name][0] for table in alone], name


def test_more_rows_than_are_decoded_at_once_are_all_decoded(decode, http_packet: bytes) -> None:
    packets = decode(101, *[http_packet] * (ROWS_AT_ONCE + 5))

    assert packets.fate.tolist() == [DECODED] * (ROWS_AT_ONCE + 5)
    assert len(np.unique(packets.payload_off)) == ROWS_AT_ONCE + 5


def test_no_records_give_an_empty_table(decode) -> None:
    assert len(decode(1)) == 0


def test_what_follows_but_is_not_known_decides_the_fate(decode, ipv4) -> None:
    assert decode(1, bytes(12) + b"\x88\xcc" + bytes(40)).fate.tolist() == [NOT_IP]
    assert decode(101, ipv4(bytes(40), protocol=132)).fate.tolist() == [OTHER_TRANSPORT]


def test_a_link_type_beside_known_ones_is_unknown(pcapng, read, http_packet: bytes) -> None:
    writer = pcapng()
    blocks = writer.enhanced(http_packet) + writer.enhanced(http_packet, interface=1)

    packets = decode_packets(read(writer.section() + writer.interface(147) + writer.interface(101) + blocks))

    assert packets.fate.tolist() == [UNKNOWN_LINK, DECODED]


def test_tunnels_are_followed_up_to_a_limit(decode, ipv4, tcp) -> None:
    def nested(depth: int, packet: bytes) -> bytes:
        return nested(depth - 1, ipv4(packet, protocol=4)) if depth else packet

    packets = decode(101, *(nested(depth, ipv4(tcp(b"GET"))) for depth in (0, 4, 5, 1)))

    assert packets.fate.tolist() == [DECODED, DECODED, NESTED_TOO_DEEP, DECODED]
    assert [str(oddity) for oddity in decoding_oddities("x", packets)] == [
        "x: packet 3: 1 packets are nested in more tunnels or headers than are followed"
    ]


def test_packets_that_nest_as_nodes_do_are_not_odd(decode, http_packet: bytes) -> None:
    assert decoding_oddities("x", decode(101, http_packet)) == []


def test_no_two_tables_claim_one_number() -> None:
    tables = (NETWORKS, EXTENSIONS, ENCAPSULATIONS, TRANSPORTS, LINKS, TUNNELS)

    assert len(LAYERS) == sum(map(len, tables))
    assert max(NETWORKS) < IP_PROTOCOL < LINK_TYPE < UDP_PORT


def test_a_record_that_holds_more_than_was_sent_is_read_whole(decode, http_packet: bytes) -> None:
    assert decode(101, (1, 0, http_packet, 10)).payload_len.tolist() == [3]


def test_a_record_that_claims_gigabytes_is_not_believed(decode, ipv4, tcp) -> None:
    packet = ipv4(tcp(b"GET"), total_len=0)

    packets = decode(101, (1, 0, packet, 2**32 - 1))

    assert packets.payload_wire_len.tolist() == [MAX_PACKET_LEN - 40]


@settings(max_examples=100, deadline=None)
@given(
    link=st.sampled_from(sorted(LINKS)),
    head=st.sampled_from(
        [b"", bytes(12) + b"\x08\x00E", bytes(14) + b"\x08\x00E", b"\x45", b"\x60", bytes(12) + b"\x81\x00"]
    ),
    noise=st.lists(st.binary(max_size=120), min_size=1, max_size=4),
    lost=st.integers(0, 2**32 - 200),
)
def test_no_bytes_lead_outside_their_record(
    read, write_pcap, link: int, head: bytes, noise: list[bytes], lost: int
) -> None:
    frames = [(1, 0, head + tail, len(head + tail) + lost) for tail in noise]
    capture = read(write_pcap(frames, link=link))

    packets = decode_packets(capture)

    end = capture.records.data_off + capture.records.captured_len
    decoded = packets.fate == DECODED
    assert (packets.fate < len(FATE_NAMES)).all()
    assert (packets.payload_off[decoded] >= capture.records.data_off[decoded]).all()
    assert (packets.payload_off + packets.payload_len <= end)[decoded].all()
    assert (packets.payload_len <= packets.payload_wire_len).all()


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_and_we_read_the_same_segments(shared: Path) -> None:
    file = shared / "worlds" / "shop-default" / "pods" / "shop_sleep-0.any.pcap"
    wanted = [option for field in ("frame.number", *TSHARK_FIELDS) for option in ("-e", field)]
    command = ["tshark", "-n", "-r", str(file), "-Y", "tcp and not icmp", "-T", "fields", *wanted]
    seen = list(
        csv.reader(io.StringIO(subprocess.run(command, capture_output=True, text=True, check=True).stdout), "excel-tab")
    )

    packets = decode_packets(read_capture(file, name="x.pcap"))

    rows = np.flatnonzero((packets.fate == DECODED) & (packets.protocol == PROTOCOL_TCP))
    assert [[str(row + 1), *as_tshark_says_it(packets, row)] for row in rows] == seen


@pytest.fixture
def mapped(tmp_path: Path, write_pcap, monkeypatch: pytest.MonkeyPatch):
    """Reads packets from a mapped file in stretches of so many bytes."""

    def read_mapped(packets: list[bytes], *, block_len: int = 1 << 20):
        (tmp_path / "x.pcap").write_bytes(write_pcap(packets, link=101))
        monkeypatch.setattr("analyzer.capture.reader.MAPPED_FROM", 1)
        monkeypatch.setattr("analyzer.capture.blocks.BLOCK_LEN", block_len)
        return read_capture(tmp_path / "x.pcap", name="x.pcap")

    return read_mapped


@pytest.mark.parametrize("block_len", [200, 331, 1 << 20])
def test_packets_that_are_decoded_on_the_way_are_the_same(mapped, decode, ipv4, tcp, http_packet, block_len) -> None:
    datagram = tcp(b"in fragments" * 8)
    parts = [ipv4(datagram[:48], fragment=0x2000), ipv4(datagram[48:], fragment=6)]
    packets = [http_packet, parts[0], ipv4(ipv4(tcp(b"inside")), protocol=4), b"\x45", parts[1], http_packet] * 3

    capture = mapped(packets, block_len=block_len)

    assert capture.decoded is not None
    assert columns(decode_packets(capture)) == columns(decode(101, *packets))


def test_packets_are_decoded_anew_where_records_or_bytes_are_others(mapped, http_packet: bytes) -> None:
    capture = mapped([http_packet, http_packet])

    fewer = replace(capture, records=capture.records.part(slice(1)))
    blank = replace(capture, buffer=memoryview(bytes(len(capture.buffer))))

    assert decode_packets(fewer).fate.tolist() == [DECODED]
    assert DECODED not in decode_packets(blank).fate.tolist()


def part_of(records: RecordTable) -> RecordPart:
    """All records of a table in one part, with good times."""
    columns = {name: getattr(records, name) for name in RecordPart.__struct_fields__ if name != "time_is_bad"}
    return RecordPart(**columns, time_is_bad=np.zeros(len(records), np.bool_))


@pytest.mark.parametrize(("most", "known"), [(2, False), (3, True)])
def test_of_more_packets_than_are_used_together_none_is_decoded_on_the_way(read, write_pcap, most, known) -> None:
    data = write_pcap([b"a", b"b", b"c"])
    capture = read(data)
    log = PacketLog(most=most)

    log.expect(3)
    log.add(Stretch(part_of(capture.records), np.frombuffer(data, np.uint8), 0))

    assert (log.decoded(capture) is not None) == known


@pytest.mark.parametrize(("most", "known"), [(8, False), (9, True)])
def test_of_more_packets_than_are_used_together_none_has_space(most, known) -> None:
    log = PacketLog(most=most)

    log.expect(9)

    assert (log.space(3, 101) is not None) == known


@pytest.mark.parametrize(("link", "header"), [(1, 14), (101, 0), (276, 20), (113, None), (999, None)])
def test_there_is_space_for_packets_that_begin_plainly(link: int, header: int | None) -> None:
    space = PacketLog().space(3, link)

    assert (space and space.header.length) == header
    assert space is None or len(space.table) == 3


def test_what_is_left_of_a_stretch_is_decoded_by_layers(read, write_pcap, http_packet: bytes) -> None:
    data = write_pcap([http_packet, b"\x45", http_packet], link=101)
    records = read(data).records
    stretch = Stretch(part_of(records), np.frombuffer(data[40:], np.uint8), 40, np.array([2]))
    table = blank_table(3)

    decode_stretch(table, np.zeros(3, np.uint8), stretch, rows=3)

    assert table.fate.tolist() == [BAD_HEADER, BAD_HEADER, DECODED]
    assert table.payload_off[2] == records.data_off[2] + 40
