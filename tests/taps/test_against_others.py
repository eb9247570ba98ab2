"""Other readers of captures see the same in the recordings: tshark the names, dpkt and scapy the packets."""

import shutil
import subprocess

import dpkt
import pytest
from scapy.layers.l2 import CookedLinuxV2
from scapy.utils import PcapReader

from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture

FIELDS = ("http.host", "http2.headers.authority", "tls.handshake.extensions_server_name")
TCP = 6


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_every_name_that_tshark_sees_is_said(recording) -> None:
    options = [
        "-o",
        "tcp.try_heuristic_first:TRUE",
        "-T",
        "fields",
        *(word for field in FIELDS for word in ("-e", field)),
    ]
    shown = [
        subprocess.run(["tshark", "-r", path, *options], capture_output=True, text=True, check=True).stdout
        for path in sorted((recording.folder / "pods").glob("*.any.pcap"))
    ]

    theirs = {
        name.lower()
        for text in shown
        for line in text.split("\n")
        for part in line.split("\t")
        for name in part.split(",")
    }
    ours = {str(each.get("host")).lower() for each in recording.base}
    ours |= {str(each.get("sni")).lower() for call in recording.base for each in (call, *call["legs"])}

    assert theirs - {""} - ours == set()
    assert len(theirs) > 10


def test_dpkt_and_scapy_read_the_same_segments(recording) -> None:
    for path in sorted((recording.folder / "pods").glob("*.any.pcap")):
        capture = read_capture(path, name=path.name)
        packets = decode_packets(capture)
        ours = [
            (packets.src_port[row], packets.dst_port[row], packets.seq[row], packets.ack[row], packets.payload_len[row])
            for row in range(len(packets))
            if packets.protocol[row] == TCP and packets.ip_version[row] == 4
        ]
        with path.open("rb") as file:
            frames = [dpkt.sll2.SLL2(data).data for _, data in dpkt.pcap.Reader(file)]
        theirs = [ip.data for ip in frames if isinstance(ip, dpkt.ip.IP) and isinstance(ip.data, dpkt.tcp.TCP)]

        assert ours == [(tcp.sport, tcp.dport, tcp.seq, tcp.ack, len(tcp.data)) for tcp in theirs]


def test_scapy_reads_the_same_times_and_lengths(recording) -> None:
    path = min((recording.folder / "pods").glob("*.any.pcap"), key=lambda each: each.stat().st_size)
    records = read_capture(path, name=path.name).records

    with PcapReader(str(path)) as reader:
        theirs = [(round(float(packet.time) * 1e6), len(packet), type(packet)) for packet in reader]

    assert [
        (time // 1000, size) for time, size in zip(records.time_ns.tolist(), records.captured_len.tolist(), strict=True)
    ] == [(time, size) for time, size, _ in theirs]
    assert {kind for _, _, kind in theirs} == {CookedLinuxV2}
