"""What trimming tells: sizes before and after."""

from __future__ import annotations

import json

from analyzer.report.as_trim import TrimmedFile, render_trim, trim_json

FILES = (
    TrimmedFile("a.pcap", "a.pcap.gz", (1000, 800), (100_000, 25_000)),
    TrimmedFile("b\x1b.pcap", "b\x1b.pcap.gz", (0, 0), (0, 0)),
)


def test_the_sum_comes_first_and_then_every_file() -> None:
    text = render_trim(FILES, 7)

    assert "100.0 kB are 25.0 kB now (25 %)." in " ".join(text.split())
    assert "a.pcap.gz" in text
    assert "b\\x1b.pcap.gz" in text


def test_every_capture_is_an_object() -> None:
    found = json.loads(trim_json(FILES, 7))

    assert found["calls"] == 7
    assert found["captures"][0] == {
        "capture": "a.pcap",
        "file": "a.pcap.gz",
        "packets": 1000,
        "kept_packets": 800,
        "bytes": 100_000,
        "new_bytes": 25_000,
    }
