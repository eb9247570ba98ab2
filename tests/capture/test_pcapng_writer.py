"""Packets written as pcapng: what is read back is what was there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.capture.pcapng_writer import MAX_COMMENT, PickedPacket, write_pcapng
from analyzer.capture.reader import read_capture, read_capture_bytes

PODS = Path(__file__).resolve().parents[2] / "captures/shop-default/pods"
NAMES = {"10.244.1.10": "sleep-0.shop", "2001:db8::1": "six.shop"}


def opened(name):
    return read_capture(PODS / name, name=name)


def written(packets, names=None):
    return b"".join(write_pcapng(packets, names))


def all_of(capture, *, comments=()):
    return [PickedPacket(capture, row, comments) for row in range(len(capture.records))]


def rows_of(capture):
    records = capture.records
    return [
        (
            int(records.time_ns[i]), int(records.wire_len[i]), int(records.link[i]),
            bytes(capture.buffer[int(records.data_off[i]) :][: int(records.captured_len[i])]),
        )
        for i in range(len(records))
    ]  # fmt: skip


def test_what_is_read_back_is_what_was_there():
    capture = opened("legacy_naked-0.any.pcap")

    again = read_capture_bytes(written(all_of(capture, comments=("seen",)), NAMES), name="b.pcapng")

    assert rows_of(again) == rows_of(capture)
    assert (again.complete, again.oddities) == (True, capture.oddities)


def test_captures_keep_their_interfaces_apart():
    one, other = opened("legacy_naked-0.any.pcap"), opened("data_redis-0.any.pcap")

    again = read_capture_bytes(written([*all_of(one)[:2], *all_of(other)[:1], *all_of(one)[2:3]]), name="b.pcapng")

    assert [interface.name for interface in again.interfaces] == [one.name, other.name]
    assert again.records.interface.tolist() == [0, 0, 1, 0]


def test_an_interface_that_has_a_name_keeps_it():
    capture = opened("legacy_naked-0.any.pcap")
    again = read_capture_bytes(written(all_of(capture)[:1]), name="b.pcapng")

    twice = read_capture_bytes(written(all_of(again)), name="c.pcapng")

    assert twice.interfaces[0].name == f"b.pcapng:{capture.name}"


def test_without_packets_there_is_a_section_and_nothing_else():
    assert len(read_capture_bytes(written([]), name="b.pcapng").records) == 0


def test_the_same_packets_give_the_same_bytes():
    packets = all_of(opened("legacy_naked-0.any.pcap"), comments=("a", "b"))

    assert written(packets, NAMES) == written(packets, dict(reversed(NAMES.items())))


@given(st.lists(st.text(max_size=3 * MAX_COMMENT), max_size=3))
@settings(max_examples=50, deadline=None)
def test_any_comment_leaves_the_packets_as_they_are(comments):
    capture = opened("legacy_naked-0.any.pcap")

    again = read_capture_bytes(
        written([PickedPacket(capture, 0, tuple(comments))], dict.fromkeys(NAMES, "".join(comments))), name="b.pcapng"
    )

    assert rows_of(again) == rows_of(capture)[:1]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")
def test_wireshark_reads_packets_comments_and_names(tmp_path):
    path = tmp_path / "b.pcapng"
    path.write_bytes(written(all_of(opened("shop_sleep-0.any.pcap"), comments=("one", "two"))[:3], NAMES))
    fields = ["-T", "fields", "-e", "frame.comment", "-e", "frame.interface_name", "-e", "ip.src_host"]

    done = subprocess.run(["tshark", "-r", path, "-N", "n", *fields], capture_output=True, text=True, check=True)

    assert "one" in done.stdout
    assert "shop_sleep-0.any.pcap" in done.stdout
    assert "sleep-0.shop" in done.stdout
