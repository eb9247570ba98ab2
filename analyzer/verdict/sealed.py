"""A sidecar's own connection, seen without the application's: what it alone proves.

The SNI of Istio's mutual TLS is the cluster's name, so the client's decision is read, not predicted; the server's is
predicted as for any arrival. A plaintext upstream connection proves only what the server's sidecar refuses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.mesh.policy.authorization import policies_of
from analyzer.verdict.arrival import Arrival
from analyzer.verdict.asking import APP_LEG_UNSEEN
from analyzer.verdict.call import Call
from analyzer.verdict.decide import class_of_cluster
from analyzer.verdict.decision import DROPPED, Decision, Inbound, Outbound, Step
from analyzer.verdict.inbound import decide_inbound
from analyzer.verdict.reasons import UPSTREAM_TLS
from analyzer.verdict.roles import cluster_of_sni

if TYPE_CHECKING:
    from analyzer.mesh.kinds.pod import Pod
    from analyzer.mesh.snapshot import MeshSnapshot

_ARRIVAL_PROTOCOL = {"http/1.0": "http/1.0", "http/1.1": "http", "h2": "http2"}


def decide_sealed(mesh: MeshSnapshot, call: Call, target: Pod | None) -> Decision | None:
    """The decision that the connection proves, or None where it proves none."""
    cluster = cluster_of_sni(call.said.sni) if call.said.istio_mtls else None
    if cluster is not None and call.said.client_tls != "mtls":
        # A sidecar has a certificate: it shows none where it does not accept the server's.
        step = Step("the sidecar breaks the handshake off before it shows its certificate")
        return Decision(None, None, (UPSTREAM_TLS.name,), _outbound(cluster), steps=(*_read(call, cluster), step))
    met = target is not None and target.has_sidecar and _is_known(call)
    arrived = decide_inbound(mesh, _arrival(call, target, mesh)) if target is not None and met else None
    inbound = arrived.inbound if arrived else None
    steps = (*_read(call, cluster), *(arrived.steps if arrived else ()))
    if arrived is not None and arrived.dropped:
        return Decision(DROPPED, arrived.reason, (), _outbound(cluster), None, inbound, steps)
    found = class_of_cluster(mesh, cluster) if cluster is not None else None
    if found is None:
        return None
    if arrived is not None and arrived.undetermined:
        return Decision(None, None, arrived.undetermined, _outbound(cluster), None, inbound, steps)
    if target is not None and not _ends_tls(target, inbound):
        step = Step(f"{target.full_name} does not end the mutual TLS that the client's proxy starts")
        return Decision(None, None, (UPSTREAM_TLS.name,), _outbound(cluster), None, inbound, (*steps, step))
    gateway = _gateway_with_policies(mesh, call) if call.said.carries_tcp else None
    if gateway is not None:
        # It connects upstream as soon as it is called; the policy is asked when the client speaks (rbac_filter.cc).
        step = Step(f"whether the policies of {gateway.full_name} let pass what came to it does not show")
        return Decision(None, None, (APP_LEG_UNSEEN.name,), _outbound(cluster), None, inbound, (*steps, step))
    return Decision(*found, (), _outbound(cluster), None, inbound, steps)


def _gateway_with_policies(mesh: MeshSnapshot, call: Call) -> Pod | None:
    """The gateway that opened a connection, where it may have refused what that was opened for; else None."""
    source = mesh.pod_at(call.said.wire.client.ip)
    if source is None or not source.is_gateway:
        return None
    return source if policies_of(mesh, source) else None


def _ends_tls(target: Pod, inbound: Inbound | None) -> bool:
    """Whether the mesh's mutual TLS has its other end in a pod; gateways have it wherever a server asks for it."""
    return target.is_gateway or target.is_waypoint or (inbound is not None and inbound.mtls)


def _is_known(call: Call) -> bool:
    """Whether it was seen to be TLS, and whether the mesh's own, or not to be: that decides what takes it."""
    said = call.said.conversation
    if said.tls is not None:
        return said.tls.client_hello is not None
    spoken = said.sniffable and call.said.wire.connection.client_bytes > 0
    return spoken or call.request is not None


def _arrival(call: Call, target: Pod, mesh: MeshSnapshot) -> Arrival:
    server = next((s for s in call.said.wire.servers if s.ip in target.ips), call.said.wire.connection.server)
    source = mesh.pod_at(call.said.wire.client.ip)
    request = call.request
    return Arrival(
        pod=target,
        address=server.ip,
        port=server.port,
        tls=call.said.client_tls,
        alpn=call.said.alpn,
        sni=call.said.sni,
        protocol=_ARRIVAL_PROTOCOL[request.version] if request else "tcp",
        inspected=call.said.conversation.inspected,
        head_cut=request is not None and not request.whole,
        refused=request.refused if request else None,
        host=request.host if request else None,
        path=request.target if request else "/",
        method=request.method if request else "GET",
        headers=request.headers if request else (),
        peer=source,
        server_first=call.said.conversation.server_first,
        client_silent=call.said.wire.connection.client_bytes == 0,
        sealed=call.said.istio_mtls,
        client=call.said.wire.client.ip,
    )


def _outbound(cluster: str | None) -> Outbound | None:
    return Outbound(cluster=cluster) if cluster else None


def _read(call: Call, cluster: str | None) -> tuple[Step, ...]:
    if cluster is None:
        return ()
    return (Step(f"the SNI of Istio's mutual TLS, {call.said.sni}, names the cluster {cluster}"),)
