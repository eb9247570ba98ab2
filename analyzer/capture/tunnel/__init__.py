"""What carries frames inside UDP. ``TUNNELS`` lists them by the port that they are sent to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analyzer.capture.frames import Layer
from analyzer.capture.tunnel.geneve import decode_geneve
from analyzer.capture.tunnel.gre_in_udp import decode_gre_in_udp
from analyzer.capture.tunnel.gtp import decode_gtp
from analyzer.capture.tunnel.vxlan import decode_vxlan

TUNNELS: Mapping[int, Layer] = MappingProxyType(
    {
        2152: decode_gtp,
        4754: decode_gre_in_udp,
        4789: decode_vxlan,
        8472: decode_vxlan,  # Linux before the port was assigned; flannel's default
        6081: decode_geneve,
    }
)
