"""How long each step of the packet path takes by itself: ``pytest benchmarks/kernels.py`` (with pytest-benchmark).

The input is made once, large enough that kernels are compiled; what is measured is a warm run of one step.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("pytest_benchmark")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from traffic import Town, write_capture

from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.compact import compact
from analyzer.flow.connections import describe
from analyzer.flow.traffic import read_traffic
from analyzer.protocol.conversation import parse_conversation

PACKETS, SERVICES, CONNECTIONS = 200_000, 50, 1_000


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("kernels") / "lo.pcap"
    write_capture(file, Town(SERVICES), PACKETS)
    return file


@pytest.fixture(scope="module")
def capture(path):
    return read_capture(path, name=path.name)


@pytest.fixture(scope="module")
def traffic(capture):
    return read_traffic(decode_packets(capture), capture.records)


@pytest.fixture(scope="module")
def found(capture, traffic):
    return describe(capture.name, capture.buffer, traffic)[:CONNECTIONS]


def test_records_are_found(benchmark, path) -> None:
    assert len(benchmark(read_capture, path, name=path.name).records) == PACKETS


def test_packets_are_decoded(benchmark, capture) -> None:
    assert len(benchmark(decode_packets, capture)) == PACKETS


def test_packets_are_sorted_into_connections(benchmark, capture) -> None:
    packets = decode_packets(capture)

    assert len(benchmark(read_traffic, packets, capture.records).lanes)


def test_connections_are_described(benchmark, capture, traffic) -> None:
    assert benchmark(describe, capture.name, capture.buffer, traffic)


def test_what_was_said_is_read(benchmark, found) -> None:
    assert benchmark(lambda: [parse_conversation(c.from_client, c.from_server) for c in found])


def test_connections_are_made_compact(benchmark, found) -> None:
    assert benchmark(lambda: [compact(c) for c in found])
