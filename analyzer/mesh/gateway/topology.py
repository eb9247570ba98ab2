"""What stands in front of a gateway (ProxyConfig.gatewayTopology)."""

from __future__ import annotations

from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.proxy_settings import proxy_setting
from analyzer.mesh.snapshot import MeshSnapshot

_MAX_TRUSTED = 2**32


def trusted_proxies(mesh: MeshSnapshot, pod: Pod) -> int:
    """How many proxies before the gateway are trusted to write X-Forwarded-For; the pod's own setting comes first.

    Envoy's ``xff_num_trusted_hops``. Numbers that are out of range count as none.
    """
    found = proxy_setting(mesh, pod, "gatewayTopology", "numTrustedProxies")
    return found if isinstance(found, int) and 0 < found < _MAX_TRUSTED else 0
