"""PeerAuthentication (security.istio.io): which connections a workload's sidecar takes, mutual TLS or plaintext."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Node, Resource

STRICT = "STRICT"
PERMISSIVE = "PERMISSIVE"
DISABLE = "DISABLE"
UNSET = "UNSET"

_MODES = (STRICT, PERMISSIVE, DISABLE)


class MtlsSetting(Fact, frozen=True):
    """A mode (``UNSET`` where it inherits) and where it stands."""

    mode: str
    place: YamlPlace


class PeerAuthentication(Fact, frozen=True, eq=False):
    """A policy. ``selector`` is empty at mesh and namespace level; ``ports`` are workload ports."""

    resource: Resource
    selector: Mapping[str, str]
    mtls: MtlsSetting
    ports: Mapping[int, MtlsSetting]


def parse_peer_authentication(resource: Resource) -> PeerAuthentication:
    """The view of a PeerAuthentication; a port that is no number is left out."""
    spec = resource.spec
    by_port = spec.node("portLevelMtls")
    return PeerAuthentication(
        resource=resource,
        selector=spec.node("selector").mapping("matchLabels"),
        mtls=_parse_setting(spec.node("mtls")),
        ports={int(key): _parse_setting(by_port.node(key)) for key in by_port if key.isascii() and key.isdigit()},
    )


def _parse_setting(node: Node) -> MtlsSetting:
    mode = node.text("mode")
    return MtlsSetting(mode if mode in _MODES else UNSET, node.place("mode"))
