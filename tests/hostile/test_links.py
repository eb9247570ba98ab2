"""Links, tunnels and IP headers that were made to break a reader."""

import struct

import pytest

OUTER = ("192.168.0.1", "192.168.0.2")
MAC = bytes(6)
SNAP = b"\xaa\xaa\x03\0\0\0\x08\0"

LINKS = {
    "802.3 with LLC and SNAP": (1, lambda ip: bytes(12) + struct.pack(">H", 8 + len(ip)) + SNAP + ip),
    "PPP": (9, lambda ip: b"\xff\x03\0\x21" + ip),
    "PPPoE": (1, lambda ip: bytes(12) + b"\x88\x64\x11\0\0\1" + struct.pack(">H", len(ip) + 2) + b"\0\x21" + ip),
    "Cisco HDLC": (104, lambda ip: b"\x0f\0\x08\0" + ip),
    "ARCNET": (129, lambda ip: b"\1\2\0\0\xd4\0\0\1" + ip),
    "NFLOG": (239, lambda ip: b"\2\0\0\0" + struct.pack("<HH", 4 + len(ip), 9) + ip),
    "802.11 with radiotap": (127, lambda ip: b"\0\0\x08\0\0\0\0\0\x08\1\0\0" + MAC * 3 + b"\0\0" + SNAP + ip),
    "MPLS": (1, lambda ip: bytes(12) + b"\x88\x47\0\1\0\x40\0\1\1\x40" + ip),
    "VLAN in VLAN": (1, lambda ip: bytes(12) + b"\x88\xa8\0\1\x81\0\0\2\x08\0" + ip),
    "OpenBSD loopback": (108, lambda ip: b"\0\0\0\2" + ip),
    **{f"raw IP, {link}": (link, lambda ip: ip) for link in (12, 14, 101, 228)},
}


@pytest.fixture(scope="module")
def talk(make) -> list[bytes]:
    """The IP packets of a plain call."""
    tap = make.Tap(wrap=lambda ip: ip)
    tap.talk().open().ask(make.get()).answer().close()
    return tap.frames


@pytest.fixture(scope="module")
def tunnels(make):
    def udp(port: int, inside: bytes) -> bytes:
        datagram = struct.pack(">HHHH", 50000, port, 8 + len(inside), 0) + inside
        return make.ipv4(datagram, OUTER, protocol=17)

    return {
        "VXLAN": lambda ip: udp(4789, b"\x08\0\0\0\0\0\5\0" + make.ethernet(ip)),
        "Geneve": lambda ip: udp(6081, b"\0\0\x65\x58\0\0\5\0" + make.ethernet(ip)),
        "GRE": lambda ip: make.ipv4(b"\0\0\x08\0" + ip, OUTER, protocol=47),
        "ERSPAN": lambda ip: make.ipv4(
            b"\x10\0\x88\xbe\0\0\0\1\x10\1\0\x0a\0\0\0\0" + make.ethernet(ip), OUTER, protocol=47
        ),
        "IP in IP": lambda ip: make.ipv4(ip, OUTER, protocol=4),
    }


@pytest.mark.parametrize("link", LINKS)
def test_b05_a_call_is_found_on_any_link(make, talk, hear, link: str) -> None:
    number, wrap = LINKS[link]

    heard = hear(make.Tap(link=number).pcap(map(wrap, talk)))

    assert (heard.hosts, heard.flows) == (["a.example"], 1)


@pytest.mark.parametrize(("link", "head"), [(113, ">HHH8sH"), (276, ">HHIHBB8s")])
def test_b01_and_b02_a_packet_seen_on_two_interfaces_counts_once(make, talk, hear, link: int, head: str) -> None:
    def cooked(ip: bytes, kind: int) -> bytes:
        fields = (kind, 1, 6, bytes(8), 0x800) if link == 113 else (0x800, 0, kind + 1, 1, kind, 6, bytes(8))
        return struct.pack(head, *fields) + ip

    heard = hear(make.Tap(link=link).pcap(cooked(ip, kind) for ip in talk for kind in (4, 0)))

    assert (heard.hosts, heard.flows) == (["a.example"], 1)
    assert "8 packets were captured twice and counted once" in heard.odd


def test_b07_and_b08_packets_that_a_network_card_was_to_cut_reach_to_the_end_of_their_record(make, hear) -> None:
    tap = make.Tap()
    body = b"POST / HTTP/1.1\r\nHost: big.example\r\nContent-Length: 69000\r\n\r\n" + bytes(69_000)
    talk = tap.talk().open().ask(make.get(), total=0).answer(total=0)
    talk.ask(body + make.get("tail.example"), total=0).answer().answer().close()

    heard = hear(tap.pcap())

    assert heard.hosts == ["a.example", "big.example", "tail.example"]


def test_b10_headers_that_contradict_themselves_are_counted_and_stepped_over(make, hear) -> None:
    tap = make.Tap()
    tap.talk().open().ask(make.get()).answer().close()
    short = make.ipv4(make.tcp_segment((1, 2), 0, 0, make.SYN), OUTER, total=5)
    heads = (b"", b"\x40" + bytes(30), b"\x44" + bytes(40), b"\x4f" + bytes(30), short)
    tap.frames[3:3] = [b"", b"\x45", *map(make.ethernet, heads)]

    heard = hear(tap.pcap())

    assert heard.hosts == ["a.example"]
    assert heard.of("capture")[0]["fates"] == {"decoded": 8, "bad-header": 7}


def fragments(make, segment: bytes, *borders: int) -> list[bytes]:
    starts, ends = (0, *borders), (*borders, len(segment))
    more = [0x2000] * len(borders) + [0]
    return [
        make.ipv4(segment[a:b], ("10.0.0.1", "10.0.0.2"), ident=7, fragment=flag | a // 8)
        for a, b, flag in zip(starts, ends, more, strict=True)
    ]


def fragmented(make, hear, change):
    """A call whose request came in fragments, after ``change`` of these."""
    tap = make.Tap()
    talk = tap.talk().open()
    segment = make.tcp_segment((40000, 8080), *talk.next, make.PSH | make.ACK, make.get())
    for each in change(segment):
        tap.packet(each)
    talk.ask(make.get(), skip=True).answer().close()
    return hear(tap.pcap())


def test_b11_a_request_is_joined_though_its_tcp_header_is_split(make, hear) -> None:
    assert fragmented(make, hear, lambda segment: fragments(make, segment, 8, 24)).hosts == ["a.example"]
    assert fragmented(make, hear, lambda segment: fragments(make, segment, 8, 24)[::-1]).hosts == ["a.example"]


def test_b11_fragments_that_overlap_in_part_give_no_name(make, hear) -> None:
    def overlapping(segment: bytes) -> list[bytes]:
        evil = segment.replace(b"a.example", b"e.example")
        return [*fragments(make, evil, 24, 48)[:2], fragments(make, segment, 32)[1]]

    heard = fragmented(make, hear, overlapping)

    assert (heard.hosts, heard.flows) == ([None], 1)
    assert heard.of("capture")[0]["fates"]["fragment-conflict"] > 0


def test_b11_a_fragment_that_came_already_changes_nothing(make, hear) -> None:
    """Linux drops it unseen, whatever it holds (net/ipv4/inet_fragment.c)."""

    def twice(segment: bytes) -> list[bytes]:
        first, middle, last = fragments(make, segment, 24, 48)
        return [first, middle, fragments(make, segment.replace(b"a.ex", b"e.ex"), 24, 48)[1], last]

    assert fragmented(make, hear, twice).hosts == ["a.example"]


def test_b11_a_later_fragment_is_never_read_as_a_tcp_header(make, hear) -> None:
    segment = make.tcp_segment((1, 2), 0, 0, make.SYN, make.tcp_segment((3, 4), 0, 0, make.SYN))
    tap = make.Tap()
    tap.packet(fragments(make, segment, 24)[1])

    heard = hear(tap.pcap())

    assert (heard.flows, heard.of("capture")[0]["fates"]) == (0, {"ip-fragment": 1})


def test_b14_wrong_checksums_are_accepted(make, hear) -> None:
    tap = make.Tap()
    tap.talk().open().ask(make.get(), checksum=0xDEAD).answer().close()

    assert hear(tap.pcap()).hosts == ["a.example"]


@pytest.mark.parametrize("name", ["VXLAN", "Geneve", "GRE", "ERSPAN", "IP in IP"])
def test_b16_the_call_inside_a_tunnel_is_the_one_that_counts(make, talk, tunnels, hear, name: str) -> None:
    heard = hear(make.Tap().pcap(make.ethernet(tunnels[name](ip)) for ip in talk))

    assert (heard.hosts, heard.of("flow")[0]["orig_h"]) == (["a.example"], "10.0.0.1")


def test_b16_ipv6_inside_ipv4_is_read(make, talk, hear) -> None:
    def sixth(ip: bytes) -> bytes:
        prefix = bytes.fromhex("20010db8") + bytes(8)
        head = struct.pack(">IHBB", 6 << 28, len(ip) - 20, 6, 64)
        return make.ethernet(make.ipv4(head + prefix + ip[12:16] + prefix + ip[16:], OUTER, protocol=41))

    heard = hear(make.Tap().pcap(map(sixth, talk)))

    assert (heard.hosts, heard.of("flow")[0]["orig_h"]) == (["a.example"], "2001:db8::a00:1")


@pytest.mark.parametrize(("depth", "hosts"), [(4, ["a.example"]), (5, []), (200, [])])
def test_b16_tunnels_are_followed_to_a_depth_that_is_told(make, talk, tunnels, hear, depth: int, hosts) -> None:
    def nested(ip: bytes) -> bytes:
        for _ in range(depth):
            ip = tunnels["IP in IP"](ip)
        return make.ethernet(ip)

    heard = hear(make.Tap().pcap(map(nested, talk)))

    assert (heard.hosts, len(heard.limits)) == (hosts, 0 if hosts else 1)


@pytest.mark.parametrize("offset", [0, 4, 15])
def test_b17_a_data_offset_that_cannot_be_brings_no_byte(make, hear, offset: int) -> None:
    tap = make.Tap()
    talk = tap.talk().open()
    tap.packet(make.ipv4(make.tcp_segment((40000, 8080), 1001, 5001, 24, b"evil", offset=offset), talk.ends))
    talk.ask(make.get()).answer().close()

    heard = hear(tap.pcap())

    assert (heard.hosts, heard.of("capture")[0]["fates"]["bad-header"]) == (["a.example"], 1)


@pytest.mark.parametrize("options", [b"\x08\0\1\1", b"\x08\xff\1\1", b"\x02\1\0\0", b"\xff" * 40])
def test_b17_options_that_never_end_do_not_hold_a_reader(make, hear, options: bytes) -> None:
    tap = make.Tap()
    tap.talk().open().ask(make.get(), options=options).answer().close()

    assert hear(tap.pcap()).hosts == ["a.example"]


def test_b19_a_host_that_talks_to_itself_from_one_port_is_one_flow(make, hear) -> None:
    tap = make.Tap()
    tap.talk(8080, ends=("10.0.0.1", "10.0.0.1")).open().ask(make.get()).answer().close()

    assert hear(tap.pcap()).flows == 1
