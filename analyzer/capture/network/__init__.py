"""What stands between link and transport: tags, IP, its extension headers, tunnels of IP. All in visible lists."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analyzer.capture.frames import IPV4, IPV6, LLC, MPLS, Layer
from analyzer.capture.link.ethernet import decode_ethernet
from analyzer.capture.network.erspan import decode_erspan_ii, decode_erspan_iii
from analyzer.capture.network.gre import decode_gre
from analyzer.capture.network.ipv4 import decode_ipv4
from analyzer.capture.network.ipv4_tcp import decode_ipv4_tcp
from analyzer.capture.network.ipv6 import decode_authentication, decode_fragment, decode_ipv6, decode_options
from analyzer.capture.network.llc import decode_llc
from analyzer.capture.network.mpls import decode_mpls
from analyzer.capture.network.pppoe import decode_pppoe
from analyzer.capture.network.vlan import decode_vlan

# EtherTypes: https://www.iana.org/assignments/ieee-802-numbers
NETWORKS: Mapping[int, Layer] = MappingProxyType(
    {
        LLC: decode_llc,
        IPV4: decode_ipv4_tcp,
        0x6558: decode_ethernet,  # a frame inside GRE or Geneve
        0x8100: decode_vlan,  # 802.1Q
        IPV6: decode_ipv6,
        MPLS: decode_mpls,
        0x8848: decode_mpls,  # with a label that the upstream assigned
        0x8864: decode_pppoe,
        0x22EB: decode_erspan_iii,
        0x88BE: decode_erspan_ii,
        0x88A8: decode_vlan,  # 802.1ad
        0x9100: decode_vlan,  # stacked tags before 802.1ad
    }
)

# IP inside IP: https://www.iana.org/assignments/protocol-numbers
ENCAPSULATIONS: Mapping[int, Layer] = MappingProxyType(
    {
        4: decode_ipv4,  # RFC 2003
        41: decode_ipv6,  # RFC 4213
        47: decode_gre,
    }
)

# IPv6 extension headers: https://www.iana.org/assignments/ipv6-parameters
EXTENSIONS: Mapping[int, Layer] = MappingProxyType(
    {
        0: decode_options,  # hop-by-hop
        43: decode_options,  # routing
        44: decode_fragment,
        51: decode_authentication,
        60: decode_options,  # destination options
        135: decode_options,  # mobility
    }
)
