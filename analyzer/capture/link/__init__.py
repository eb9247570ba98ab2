"""One file per link layer: where the IP packet of a record begins. ``LINKS`` lists them by LINKTYPE_ number."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analyzer.base.fact import Fact
from analyzer.capture.frames import NO_LINK_HEADER, Layer, LinkHeader
from analyzer.capture.link.arcnet import decode_arcnet_bsd, decode_arcnet_linux
from analyzer.capture.link.cisco_hdlc import decode_cisco_hdlc
from analyzer.capture.link.cooked import decode_cooked
from analyzer.capture.link.cooked2 import decode_cooked2
from analyzer.capture.link.ethernet import decode_ethernet
from analyzer.capture.link.loopback import decode_loopback
from analyzer.capture.link.nflog import decode_nflog
from analyzer.capture.link.pktap import decode_pktap
from analyzer.capture.link.ppp import decode_ppp
from analyzer.capture.link.raw import decode_raw
from analyzer.capture.link.wifi import decode_radiotap, decode_wifi
from analyzer.capture.network.pppoe import decode_pppoe


class Link(Fact, frozen=True):
    """A link layer that is decoded: its LINKTYPE_ name, the layer that reads its header, and that header if plain."""

    name: str
    decode: Layer
    header: LinkHeader | None = None


# Numbers and names: https://www.tcpdump.org/linktypes.html
LINKS: Mapping[int, Link] = MappingProxyType(
    {
        0: Link("NULL", decode_loopback),
        1: Link("ETHERNET", decode_ethernet, LinkHeader(14, ethertype_at=12)),
        7: Link("ARCNET_BSD", decode_arcnet_bsd),
        9: Link("PPP", decode_ppp),
        12: Link("RAW", decode_raw),  # DLT_RAW of most systems, written without translation
        14: Link("RAW", decode_raw),  # DLT_RAW of OpenBSD
        50: Link("PPP_HDLC", decode_ppp),
        51: Link("PPP_ETHER", decode_pppoe),
        101: Link("RAW", decode_raw, NO_LINK_HEADER),
        104: Link("C_HDLC", decode_cisco_hdlc),
        105: Link("IEEE802_11", decode_wifi),
        108: Link("LOOP", decode_loopback),
        113: Link("LINUX_SLL", decode_cooked),
        127: Link("IEEE802_11_RADIOTAP", decode_radiotap),
        129: Link("ARCNET_LINUX", decode_arcnet_linux),
        228: Link("IPV4", decode_raw),
        229: Link("IPV6", decode_raw),
        239: Link("NFLOG", decode_nflog),
        258: Link("PKTAP", decode_pktap),
        276: Link("LINUX_SLL2", decode_cooked2, LinkHeader(20, ethertype_at=0, packet_type_at=10, ifindex_at=4)),
    }
)


def link_name(number: int) -> str:
    """The LINKTYPE_ name of a link type; its number where it is not one that is decoded."""
    link = LINKS.get(number)
    return link.name if link else f"LINKTYPE {number}"
