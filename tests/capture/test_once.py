"""What was read once is there when it is asked for again."""

import pytest

from analyzer.base.errors import CaptureError
from analyzer.capture.once import ReadOnce
from analyzer.capture.reader import read_capture_bytes


def test_a_capture_is_read_once(write_pcap) -> None:
    data = [write_pcap([b"a"])]
    read = ReadOnce(lambda: read_capture_bytes(data.pop(), name="x"))

    assert read() is read()


def test_what_was_wrong_with_it_is_told_again() -> None:
    data = [b"no capture"]
    read = ReadOnce(lambda: read_capture_bytes(data.pop(), name="x"))

    for _ in range(2):
        with pytest.raises(CaptureError, match="x: not a capture"):
            read()
