"""Transport headers, by IP protocol number. ``TRANSPORTS`` lists them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analyzer.base.table import PROTOCOL_TCP, PROTOCOL_UDP
from analyzer.capture.frames import Layer
from analyzer.capture.transport.tcp import decode_tcp
from analyzer.capture.transport.udp import decode_udp

TRANSPORTS: Mapping[int, Layer] = MappingProxyType({PROTOCOL_TCP: decode_tcp, PROTOCOL_UDP: decode_udp})
