"""What stands between link and transport: VLAN tags, IP, and its extension headers, in visible lists."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analyzer.capture.frames import IPV4, IPV6, Layer
from analyzer.capture.network.ipv4 import decode_ipv4
from analyzer.capture.network.ipv6 import decode_authentication, decode_fragment, decode_ipv6, decode_options
from analyzer.capture.network.vlan import decode_vlan

# EtherTypes: https://www.iana.org/assignments/ieee-802-numbers
NETWORKS: Mapping[int, Layer] = MappingProxyType(
    {
        IPV4: decode_ipv4,
        0x8100: decode_vlan,  # 802.1Q
        IPV6: decode_ipv6,
        0x88A8: decode_vlan,  # 802.1ad
        0x9100: decode_vlan,  # stacked tags before 802.1ad
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
