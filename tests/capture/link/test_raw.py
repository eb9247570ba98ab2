import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from analyzer.base.table import BAD_HEADER, DECODED


@pytest.mark.parametrize("link", [12, 14, 101, 228, 229])
@pytest.mark.parametrize("network", [IP(), IPv6()])
def test_the_version_is_the_packets_own(decode, link: int, network) -> None:
    packets = decode(link, bytes(network / TCP()))

    assert (packets.fate.tolist(), packets.ip_version.tolist()) == ([DECODED], [network.version])


@pytest.mark.parametrize("packet", [b"", b"\x50" + bytes(60)])
def test_what_has_no_version_is_bad(decode, packet: bytes) -> None:
    assert decode(101, packet).fate.tolist() == [BAD_HEADER]
