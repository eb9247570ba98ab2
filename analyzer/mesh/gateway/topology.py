"""What stands in front of a gateway (ProxyConfig.gatewayTopology)."""

from __future__ import annotations

import json

from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot

# Injection writes annotation `proxy.istio.io/config`, as JSON, into this variable of the proxy.
_PROXY_CONFIG = "PROXY_CONFIG"
_TOPOLOGY, _TRUSTED = "gatewayTopology", "numTrustedProxies"
_MAX_TRUSTED = 2**32


def trusted_proxies(mesh: MeshSnapshot, pod: Pod) -> int:
    """How many proxies before the gateway are trusted to write X-Forwarded-For; the pod's own setting comes first.

    Envoy's ``xff_num_trusted_hops``. Numbers that are out of range count as none.
    """
    own = _own(pod.proxy.environment.get(_PROXY_CONFIG, "") if pod.proxy else "")
    found = mesh.config.node.node("defaultConfig").node(_TOPOLOGY).integer(_TRUSTED) if own is None else own
    return found if 0 < found < _MAX_TRUSTED else 0


def _own(text: str) -> int | None:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError):
        return None
    topology = config.get(_TOPOLOGY) if isinstance(config, dict) else None
    trusted = topology.get(_TRUSTED) if isinstance(topology, dict) else None
    return trusted if isinstance(trusted, int) else None
