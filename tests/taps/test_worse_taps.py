"""Taps that see less give the same verdicts, or none and the reason for that; never another verdict."""

import pytest

EPHEMERAL, ETHERNET = 32768, 1
SYN, FIN, RST = 2, 1, 4

WAYS = {
    **{f"{size} bytes of each packet": (lambda tap, size=size: tap.snapped(size)) for size in (68, 96, 110, 128, 200)},
    **{f"loss of {p} %": (lambda tap, p=p: tap.losing(p / 100, seed=p)) for p in (2, 10, 30)},
    "no packet of a client": lambda tap: tap.without(lambda packet: packet.ports[0] >= EPHEMERAL),
    "no packet of a server": lambda tap: tap.without(lambda packet: packet.ports[1] >= EPHEMERAL),
    "nothing towards the sidecar": lambda tap: tap.without(lambda packet: 15001 in packet.ports),
    "only what goes towards the sidecar": lambda tap: tap.without(lambda packet: 15001 not in packet.ports),
    "nothing into the sidecar": lambda tap: tap.without(lambda packet: 15006 in packet.ports),
    "no SYN": lambda tap: tap.without(lambda packet: packet.flags & SYN),
    "only SYNs": lambda tap: tap.without(lambda packet: not packet.flags & SYN),
    "no FIN and no RST": lambda tap: tap.without(lambda packet: packet.flags & (FIN | RST)),
    "no payload": lambda tap: tap.without(lambda packet: packet.payload),
    "no first words": lambda tap: tap.without_first_words,
    "no packet that only acknowledges": lambda tap: tap.without(
        lambda packet: packet.is_tcp and not packet.payload and not packet.flags & (SYN | FIN | RST)
    ),
    "only lo": lambda tap: lambda packets: tap.on_link(ETHERNET)([each for each in packets if each.on_lo]),
    "only eth0": lambda tap: lambda packets: tap.on_link(ETHERNET)([each for each in packets if not each.on_lo]),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_tap_did_not_see_is_never_told_otherwise(tap, recording, tmp_path, way) -> None:
    found = recording.calls(tmp_path, WAYS[way](tap))

    assert tap.untrue(recording, found) == []


@pytest.mark.parametrize("tenth", [1, 3, 5, 7, 9])
def test_a_capture_that_begins_late_or_ends_early_tells_the_same_or_less(tap, recording, tmp_path, tenth) -> None:
    begin, end = recording.span_ns
    at = begin + (end - begin) * tenth // 10
    (tmp_path / "late").mkdir()
    (tmp_path / "early").mkdir()

    late = recording.calls(tmp_path / "late", tap.without(lambda packet: packet.time_ns < at))
    early = recording.calls(tmp_path / "early", tap.without(lambda packet: packet.time_ns >= at))

    assert tap.untrue(recording, late) == []
    assert tap.untrue(recording, early) == []


@pytest.mark.parametrize("part", [0, 1])
def test_captures_of_some_pods_tell_the_same_or_less(tap, recording, tmp_path, part) -> None:
    for name in sorted(recording.taps)[part::2]:
        (tmp_path / name).write_bytes(tap.as_pcap(recording.taps[name]))

    assert tap.untrue(recording, tap.calls_in(tmp_path, recording.folder / "mesh")) == []


@pytest.mark.parametrize("part", [0, 1])
def test_captures_of_which_some_begin_late_and_others_end_early_tell_the_same_or_less(
    tap, recording, tmp_path, part
) -> None:
    begin, end = recording.span_ns
    middle = (begin + end) // 2
    for n, (name, packets) in enumerate(sorted(recording.taps.items())):
        late = n % 2 == part
        kept = [packet for packet in packets if (packet.time_ns >= middle) is late]
        (tmp_path / name).write_bytes(tap.as_pcap(kept))

    assert tap.untrue(recording, tap.calls_in(tmp_path, recording.folder / "mesh")) == []
