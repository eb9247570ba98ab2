"""Who stands behind PassthroughCluster and BlackHoleCluster: names for what the registry does not know, by workload."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from analyzer.base.fact import Fact, replace
from analyzer.base.place import PacketPlace
from analyzer.capture.dns import DnsAnswer
from analyzer.mesh.outbound.listener import BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER
from analyzer.mesh.registry import services_by_host
from analyzer.verdict.findings import client_of
from analyzer.verdict.record import CallRecord

if TYPE_CHECKING:
    from analyzer.mesh.kinds.pod import Pod
    from analyzer.mesh.snapshot import MeshSnapshot

# The virtual host that answers 502 for unknown hosts under REGISTRY_ONLY (Istio, httproute.go).
BLOCK_ALL = "block_all"
_UNKNOWN_TO_REGISTRY = (PASSTHROUGH_CLUSTER, BLACK_HOLE_CLUSTER)
_PORT = re.compile(r":\d{1,5}$")


class OutsideName(Fact, frozen=True):
    """Calls of one workload to one name and port that no Service and no ServiceEntry took.

    ``workload`` is ``namespace/name`` of what owns the pod, or the client's address. ``name`` is None where nothing
    names the ``addresses``; ``named_by`` is then None too, else ``host``, ``sni`` or ``dns``. ``cluster`` is
    ``PassthroughCluster``, ``BlackHoleCluster``, or ``block_all`` (HTTP under REGISTRY_ONLY). ``known`` says that the
    name or the address belongs to the mesh: a Service out of this workload's scope, or a pod that is called directly.
    ``packets`` are the calls' first packets and those of the DNS answers that name them.
    """

    workload: str
    name: str | None
    named_by: str | None
    port: int
    protocol: str
    cluster: str
    addresses: tuple[str, ...]
    known: bool
    calls: tuple[str, ...]
    packets: tuple[PacketPlace, ...]
    first_ns: int


def outside_names(calls: Iterable[CallRecord], answers: Iterable[DnsAnswer], mesh: MeshSnapshot) -> list[OutsideName]:
    """By workload, then name; calls of one workload to one name, port and protocol are told together."""
    told = _by_client(answers)
    found: dict[tuple[str, ...], OutsideName] = {}
    for call in calls:
        cluster = _cluster_of(call)
        if cluster is None:
            continue
        one = _of_call(call, cluster, told.get(call.client.ip, []), mesh)
        key = (one.workload, one.name or one.addresses[0], str(one.port), one.protocol, one.cluster)
        found[key] = _joined(found[key], one) if key in found else one
    return sorted(
        found.values(), key=lambda o: (o.workload, o.name is None, o.name or o.addresses[0], o.port, o.cluster)
    )


def workload_of(pod: Pod) -> str:
    """``namespace/name`` of what owns a pod; of a ReplicaSet its Deployment, by the hash that it adds to the name."""
    owner = next(iter(pod.resource.body.node("metadata").nodes("ownerReferences")), None)
    name = owner.text("name") if owner else ""
    if owner and owner.text("kind") == "ReplicaSet":
        name = name.removesuffix(f"-{pod.labels.get('pod-template-hash', '')}")
    return f"{pod.namespace}/{name}" if name else pod.full_name


def _cluster_of(call: CallRecord) -> str | None:
    outbound = call.decision.outbound
    if outbound is None:
        return None
    if outbound.cluster in _UNKNOWN_TO_REGISTRY:
        return outbound.cluster
    return BLOCK_ALL if outbound.virtual_host == BLOCK_ALL else None


def _by_client(answers: Iterable[DnsAnswer]) -> dict[str, list[DnsAnswer]]:
    told: dict[str, list[DnsAnswer]] = {}
    for answer in sorted(answers, key=lambda a: (-a.time_ns, a.capture, a.packet)):
        told.setdefault(answer.client, []).append(answer)
    return told


def _of_call(call: CallRecord, cluster: str, told: list[DnsAnswer], mesh: MeshSnapshot) -> OutsideName:
    pod = mesh.pod_at(call.client.ip)
    name, named_by, asked = _name_of(call, told)
    capture = call.legs[0].capture if call.legs else call.captures[0]
    first = next((first for name_, first, _ in call.packets if name_ == capture), 1)
    return OutsideName(
        workload=workload_of(pod) if pod else client_of(call),
        name=name,
        named_by=named_by,
        port=call.server.port,
        protocol=call.protocol,
        cluster=cluster,
        addresses=(call.server.ip,),
        known=_is_known(name, call, mesh),
        calls=(call.id,),
        packets=(PacketPlace(capture, first), *([PacketPlace(asked.capture, asked.packet)] if asked else ())),
        first_ns=call.first_ns,
    )


def _name_of(call: CallRecord, told: list[DnsAnswer]) -> tuple[str | None, str | None, DnsAnswer | None]:
    """The name of what was called: as the client wrote it, else the latest DNS answer before the call."""
    for text, source in ((call.host, "host"), (call.sni, "sni")):
        bare = _PORT.sub("", text or "").lower().rstrip(".")
        if bare and not _is_address(bare):
            return bare, source, None
    asked = next((a for a in told if a.time_ns <= call.first_ns and call.server.ip in a.addresses), None)
    return (asked.name, "dns", asked) if asked else (None, None, None)


def _is_known(name: str | None, call: CallRecord, mesh: MeshSnapshot) -> bool:
    if call.server_pod or mesh.pod_at(call.server.ip):
        return True
    hosts = mesh.memo("names-hosts", lambda: _spellings(mesh))
    return name in hosts


def _spellings(mesh: MeshSnapshot) -> frozenset[str]:
    """The hosts of the registry, and of Kubernetes' each way in which a pod may write it."""
    written: set[str] = set()
    for host, services in services_by_host(mesh).items():
        written.add(host)
        if any(service.kubernetes for service in services):
            labels = host.split(".")
            written |= {".".join(labels[:count]) for count in range(1, min(len(labels), 4))}
    return frozenset(written)


def _is_address(text: str) -> bool:
    try:
        ip_address(text.strip("[]"))
    except ValueError:
        return False
    return True


def _joined(one: OutsideName, other: OutsideName) -> OutsideName:
    return replace(
        one,
        addresses=tuple(sorted({*one.addresses, *other.addresses})),
        known=one.known or other.known,
        calls=(*one.calls, *other.calls),
        packets=tuple(dict.fromkeys((*one.packets, *other.packets))),
        first_ns=min(one.first_ns, other.first_ns),
    )
