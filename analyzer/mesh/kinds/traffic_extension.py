"""WasmPlugin and TrafficExtension (extensions.istio.io): code of the user's own inside an Envoy."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.authorization_policy import TargetRef, parse_targets
from analyzer.mesh.resource import Node, Resource

CLIENT = "CLIENT"
SERVER = "SERVER"
CLIENT_AND_SERVER = "CLIENT_AND_SERVER"
HTTP = "HTTP"
NETWORK = "NETWORK"


class TrafficSelector(Fact, frozen=True):
    """One of ``match``: the side of the call that the workload is on, and ports (none: all)."""

    mode: str
    ports: tuple[int, ...]

    def takes(self, mode: str, port: int) -> bool:
        """Whether it takes a call on ``port`` where the workload is ``CLIENT`` or ``SERVER`` (a gateway: client)."""
        return self.mode in (mode, CLIENT_AND_SERVER) and (not self.ports or port in self.ports)


class TrafficExtension(Fact, frozen=True, eq=False):
    """An extension of either kind. ``layer`` is ``HTTP`` or ``NETWORK``; without ``traffic`` it takes every call."""

    resource: Resource
    selector: Mapping[str, str]
    targets: tuple[TargetRef, ...]
    layer: str
    traffic: tuple[TrafficSelector, ...]
    place: YamlPlace


def parse_traffic_extension(resource: Resource) -> TrafficExtension:
    """The view of a WasmPlugin, or of a TrafficExtension, whose ``wasm`` holds what a WasmPlugin has in its spec."""
    spec = resource.spec
    wasm = spec.node("wasm")
    layer = (wasm if wasm else spec).text("type")
    return TrafficExtension(
        resource=resource,
        selector=spec.node("selector").mapping("matchLabels"),
        targets=parse_targets(spec),
        layer=NETWORK if layer == NETWORK else HTTP,
        traffic=tuple(_parse_selector(node) for node in spec.nodes("match")),
        place=resource.place("metadata", "name"),
    )


def _parse_selector(node: Node) -> TrafficSelector:
    mode = node.text("mode")
    ports = tuple(port.port("number") for port in node.nodes("ports"))
    return TrafficSelector(mode if mode in (CLIENT, SERVER) else CLIENT_AND_SERVER, ports)
