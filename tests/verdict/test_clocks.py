"""How far clocks are apart: what is the same both ways is skew, the rest is time under way."""

from __future__ import annotations

import pytest

from analyzer.verdict.clocks import estimate_clocks
from analyzer.verdict.wires import gather_wires

MS = 1_000_000


@pytest.fixture
def seen(upstream):
    """A function that gives one connection as two captures saw it: the second ``skew`` ms ahead, ``way`` ms away."""

    def tell(one="a.pcap", other="b.pcap", *, skew=0.0, way=0.5, client="10.244.1.10:36714", answered=True):
        near, far = (upstream(client, capture=c, at=a) for c, a in ((one, 1), (other, 1 + way + skew)))
        near.send(b"ping", at=10)
        far.send(b"ping", at=10 + way + skew)
        if answered:
            near.reply(b"pong", at=20)
            far.reply(b"pong", at=20 - way + skew)
        return near.sighting, far.sighting

    return tell


@pytest.mark.parametrize("skew", [0, 1500, -1500])
def test_the_skew_is_what_both_directions_share(seen, skew) -> None:
    found = estimate_clocks(gather_wires(seen(skew=skew))).skew("b.pcap", "a.pcap")

    assert (found.offset_ns, found.error_ns, found.connections) == (skew * MS, MS // 2, 1)


def test_the_other_way_about_it_is_the_negative(seen) -> None:
    clocks = estimate_clocks(gather_wires(seen(skew=40)))

    assert clocks.skew("a.pcap", "b.pcap").offset_ns == -40 * MS
    assert clocks.skew("a.pcap", "a.pcap").offset_ns == 0


def test_over_a_third_capture_skews_add_up(seen) -> None:
    wires = gather_wires([*seen(skew=40), *seen("b.pcap", "c.pcap", skew=2, client="10.244.1.10:5")])

    found = estimate_clocks(wires).skew("c.pcap", "a.pcap")

    assert (found.offset_ns, found.error_ns) == (42 * MS, MS)


def test_captures_that_share_nothing_are_not_compared(seen) -> None:
    clocks = estimate_clocks(gather_wires([*seen(), *seen("c.pcap", "d.pcap", client="10.244.1.10:5")]))

    assert clocks.skew("c.pcap", "a.pcap") is None


def test_one_direction_alone_tells_nothing(seen) -> None:
    assert estimate_clocks(gather_wires(seen(answered=False))).skew("b.pcap", "a.pcap") is None


def test_a_packet_that_took_long_spoils_nothing(seen) -> None:
    quick = [seen(client=f"10.244.1.10:{n}", skew=40) for n in range(1, 4)]
    slow = seen(client="10.244.1.10:9", skew=40, way=3)

    found = estimate_clocks(gather_wires([*sum(quick, ()), *slow])).skew("b.pcap", "a.pcap")

    assert (found.offset_ns, found.error_ns) == (40 * MS, MS // 2)
