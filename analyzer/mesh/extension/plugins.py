"""WasmPlugins and TrafficExtensions on a call's way (pilot/pkg/model/extensions.go matchTrafficSelectors)."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.mesh.extension.selected import traffic_extensions
from analyzer.mesh.extension.spot import SIDECAR_INBOUND, Spot
from analyzer.mesh.kinds.traffic_extension import CLIENT, HTTP, SERVER, TrafficExtension
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.snapshot import MeshSnapshot


def plugins_at(mesh: MeshSnapshot, proxy: Proxy, spot: Spot) -> Iterator[TrafficExtension]:
    """The extensions that a call passes in a proxy. What their code does is not known: any of them could answer."""
    mode = SERVER if spot.context == SIDECAR_INBOUND else CLIENT
    for each in traffic_extensions(mesh, proxy):
        if each.layer == HTTP and not spot.http:
            continue
        if not each.traffic or any(selector.takes(mode, spot.traffic_port) for selector in each.traffic):
            yield each
