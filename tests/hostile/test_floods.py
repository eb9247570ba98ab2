"""Much of one thing: what is kept is bounded, what is left out is told, and the rest is found."""

import struct

import pytest


def jumbo(packet: bytes, *, announced: bool) -> bytes:
    """An IPv4 packet's payload behind an IPv6 header of length 0, with or without the jumbo option that says it."""
    segment, ends = packet[20:], bytes(12) + packet[12:16] + bytes(12) + packet[16:20]
    option = b"\x06\0\xc2\x04" + struct.pack(">I", len(segment) + 8) if announced else b""
    return struct.pack(">IHBB", 6 << 28, 0, 0 if announced else 6, 64) + ends + option + segment


@pytest.mark.parametrize("announced", [True, False])
def test_b09_segments_beyond_64_kilobytes_are_read_over_ipv6(make, hear, announced: bool) -> None:
    tap = make.Tap(link=101, wrap=lambda ip: ip)
    body = b"POST / HTTP/1.1\r\nHost: big.example\r\nContent-Length: 69000\r\n\r\n" + bytes(69_000)
    tap.talk().open().ask(body + make.get("tail.example")).answer().answer().close()

    heard = hear(tap.pcap(jumbo(each, announced=announced) for each in tap.frames))

    assert heard.hosts == ["big.example", "tail.example"]


def test_c32_thousands_of_holes_are_one_flow_with_what_was_before_them(make, hear) -> None:
    tap = make.Tap()
    talk = tap.talk().open().ask(make.get()).answer()
    for _ in range(3000):
        talk.ask(b"x", skip=True).ask(b"y")

    heard = hear(tap.pcap())

    assert (heard.hosts[0], heard.flows) == ("a.example", 1)
    assert "3000 bytes of the client were sent but not captured" in heard.odd


@pytest.mark.parametrize("kind", [21, 22])
def test_d21_a_flood_of_empty_records_is_told(make, hear, kind: int) -> None:
    tap = make.Tap()
    talk = tap.talk().open()
    for _ in range(20):
        talk.ask(bytes((kind, 3, 1, 0, 0)) * 280)

    heard = hear(tap.pcap())

    told = "the connection begins with TLS records" if kind == 21 else "spread over too many records"
    assert (told in heard.odd, len(heard.limits)) == (True, int(kind == 22))


def asked(make, hear, head: bytes):
    tap = make.Tap()
    talk = tap.talk().open()
    for at in range(0, len(head), 1400):
        talk.ask(head[at : at + 1400])
    talk.answer().close()
    return hear(tap.pcap())


def test_e03_a_host_of_70_kilobytes_is_cut_where_it_is_shown(make, hear) -> None:
    heard = asked(make, hear, b"GET / HTTP/1.1\r\nHost: " + b"a" * 70_000 + b"\r\n\r\n")

    assert len(heard.limits) == 1
    assert max(len(each["sentence"]) for each in heard.of("call")[0]["evidence"]) < 1000


def test_e11_a_target_of_a_megabyte_is_a_limit(make, hear) -> None:
    heard = asked(make, hear, b"GET /" + b"a" * (1 << 20) + b" HTTP/1.1\r\nHost: a.example\r\n\r\n")

    assert (heard.hosts, len(heard.limits)) == ([None], 1)


def test_e11_and_e12_headers_beyond_the_limits_are_left_out_and_told(make, hear) -> None:
    lines = b"".join(b"X-%d: y\r\n" % n for n in range(5000))

    last = asked(make, hear, b"GET / HTTP/1.1\r\n" + lines + b"Host: a.example\r\n\r\n")
    endless = asked(make, hear, b"GET / HTTP/1.1\r\nHost: a.example\r\n" + b"X: " + b"y" * 300_000)

    assert (last.hosts, len(last.limits) > 0) == ([None], True)
    assert (endless.hosts, len(endless.limits) > 0) == (["a.example"], True)


def test_e17_thousands_of_requests_are_each_a_call(make, hear) -> None:
    tap = make.Tap()
    talk = tap.talk().open()
    for n in range(2000):
        talk.ask(make.get(f"h{n % 3}.example")).answer()

    heard = hear(tap.pcap())

    assert (len(heard.hosts), set(heard.hosts)) == (2000, {"h0.example", "h1.example", "h2.example"})
