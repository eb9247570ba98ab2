"""Captures on their way to connections."""

from __future__ import annotations

from pathlib import Path

from analyzer.base.watch import Watch
from analyzer.capture.reader import read_capture
from analyzer.capture.sources import find_captures
from analyzer.flow.compact import compact
from analyzer.opening import connections_of, open_all, open_capture, open_read, read_packets
from analyzer.protocol.keylog import parse_key_log

ROOT = Path(__file__).resolve().parents[1]
PODS = ROOT / "captures" / "shop-default" / "pods"
NAKED = PODS / "legacy_naked-0.any.pcap"


def test_captures_are_opened_in_their_order() -> None:
    sources = find_captures([str(PODS)])

    assert [each.record.name for each in open_all(sources, None)] == [source.name for source in sources]


def test_a_capture_that_cannot_be_read_has_a_record_with_its_error(tmp_path) -> None:
    (tmp_path / "a.pcap").write_bytes(b"no capture")

    (opened,) = open_all(find_captures([str(tmp_path)]), None)

    assert opened.record.error == "a.pcap: not a capture: it begins with 6e 6f 20 63; expected pcap or pcapng"
    assert (opened.connections, opened.record.records) == ((), 0)


def test_a_name_tells_the_pod_where_nothing_else_does() -> None:
    opened = open_capture(read_capture(NAKED, name=NAKED.name), ("legacy", "naked-0"), None)

    assert opened.record.pod == "legacy/naked-0"
    assert opened.record.connections == len(opened.connections) > 0


def test_who_waits_hears_of_every_capture() -> None:
    heard: list[tuple[str, float]] = []
    sources = find_captures([str(PODS)])

    open_all(sources, None, Watch(lambda what, done, _: heard.append((what, done)), sum(s.size for s in sources)))

    assert {what.partition(":")[0] for what, _ in heard} == {source.name for source in sources}
    assert [done for _, done in heard] == sorted(done for _, done in heard)


def test_a_connection_whose_words_are_known_is_not_read_again() -> None:
    opened = open_capture(read_capture(NAKED, name=NAKED.name), None, None)

    assert all(connection.said is None for connection in opened.connections)
    assert all(compact(connection).said is not None for connection in opened.connections)


def test_keys_open_tls_and_how_far_that_went_is_said(tls_talk, tls_capture, tmp_path) -> None:
    talk = tls_talk()
    path = tls_capture(tmp_path / "talk.pcap", talk)

    (opened,) = open_all(find_captures([str(path)]), None, keys=parse_key_log(talk.keylog.splitlines()))

    assert opened.connections[0].said.inside is not None
    assert any("opens 1 of 1 TLS connections" in said for said in opened.record.oddities)


def test_a_capture_may_bring_its_keys_itself(tls_talk, tls_capture, with_secrets, tmp_path) -> None:
    path = with_secrets(tls_capture(tmp_path / "talk.pcap", talk := tls_talk()), talk.keylog)

    (opened,) = open_all(find_captures([str(path)]), None)

    assert opened.connections[0].said.inside is not None


def test_without_the_package_a_capture_with_keys_is_read_all_the_same(
    tls_talk, tls_capture, with_secrets, tmp_path, monkeypatch
) -> None:
    path = with_secrets(tls_capture(tmp_path / "talk.pcap", talk := tls_talk()), talk.keylog)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    (opened,) = open_all(find_captures([str(path)]), None)

    assert len(opened.connections) == 1
    assert any("was not used" in said for said in opened.record.oddities)


# What was read once.


def test_a_capture_whose_packets_were_read_is_opened_as_any() -> None:
    capture = read_capture(NAKED, name=NAKED.name)
    hint = ("legacy", "naked-0")

    assert open_read(read_packets(capture), hint, None) == open_capture(capture, hint, None)


def test_the_connections_of_traffic_are_each_at_its_index() -> None:
    read = read_packets(read_capture(NAKED, name=NAKED.name))

    assert [connection.index for connection in read.connections()] == list(range(len(read.traffic.lanes)))
    assert list(connections_of(read.capture, read.traffic)) == read.connections()


def test_who_reads_packets_hears_of_packets_and_connections() -> None:
    heard: list[str] = []

    read_packets(read_capture(NAKED, name="a.pcap"), Watch(lambda what, *_: heard.append(what), 9))

    assert heard == ["a.pcap: packets", "a.pcap: connections"]
