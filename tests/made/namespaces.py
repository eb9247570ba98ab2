"""Meshes of several namespaces in which chance decides what is for whom, by all means that there are."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from analyzer.mesh.load import parse_mesh
from analyzer.mesh.snapshot import MeshSnapshot

NAMESPACES = ("ns0", "ns1", "ns2", "ns3", "istio-system")
SERVICES = tuple(f"svc{n}.{namespace}" for namespace in NAMESPACES[:4] for n in range(2))
# Hosts that clients may name there, and targets.
HOSTS = (
    "svc0", "svc0.ns1", "svc1.ns2:80", "svc0.ns0.svc", "svc1.ns3.svc.cluster.local", "svc0.ns0.svc.cluster.local.",
    "pod.svc1", "pod.svc1.ns1", "a.example", "b.a.example", "plain", "plain.ns1", "ext", "ext.ns2.svc", "10.96.0.0",
    None,
)  # fmt: skip
PATHS = ("/", "/v2/x", "http://svc0/v2")

_DOMAIN = "svc.cluster.local"
_ISTIO = "networking.istio.io/v1"
_PROXIED = {"containers": [{"name": "app"}, {"name": "istio-proxy"}]}
_PORTS = [{"name": "http", "port": 80}, {"name": "tcp", "port": 90}, {"name": "tls", "port": 443}]
_ENTRY_PORTS = [
    {"number": 80, "name": "http", "protocol": "HTTP"},
    {"number": 443, "name": "tls", "protocol": "TLS"},
]

Spec = dict[str, Any]


def many_namespaces(chance: Random) -> MeshSnapshot:
    """Two clients in each of ``NAMESPACES``, ``SERVICES`` with a pod each, and rules, few enough to be told apart."""
    parts = [_settings(chance)]
    for n, namespace in enumerate(NAMESPACES):
        parts += [_pod(f"client{m}.{namespace}", f"10.1.{n}.{m}") for m in range(2)]
    for n, name in enumerate(SERVICES):
        parts += [_service(chance, name, n), _pod(f"{name.replace('.', '-0.')}", f"10.2.0.{n}", app=name[:4])]
    for kind, most in ((_route, 2), (_rule, 3), (_entry, 2), (_alias, 1), (_sidecar, 1)):
        parts += [kind(chance, n) for n in range(chance.randint(-1, most))]
    chance.shuffle(parts)
    return parse_mesh("\n---\n".join(parts))


def _told(api: str, kind: str, name: str, spec: Spec, **more: Any) -> str:
    own, _, namespace = name.partition(".")
    metadata = {"name": own, "namespace": namespace, **more.pop("metadata", {})}
    return json.dumps({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec, **more})


def _settings(chance: Random) -> str:
    names = ("defaultServiceExportTo", "defaultVirtualServiceExportTo", "defaultDestinationRuleExportTo")
    settings: Spec = {name: ["."] for name in names if chance.random() < 0.05}
    settings["outboundTrafficPolicy"] = {"mode": chance.choice(("ALLOW_ANY", "REGISTRY_ONLY"))}
    return _told("v1", "ConfigMap", "istio.istio-system", {}, data={"mesh": json.dumps(settings)})


def _pod(name: str, ip: str, **labels: str) -> str:
    status = {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}
    return _told("v1", "Pod", name, _PROXIED, metadata={"labels": labels}, status=status)


def _service(chance: Random, name: str, n: int) -> str:
    address = "None" if chance.random() < 0.2 else f"10.96.0.{n}"
    seen = {"networking.istio.io/exportTo": chance.choice((".", "ns3", "~"))} if chance.random() < 0.1 else {}
    spec = {"clusterIP": address, "selector": {"app": name[:4]}, "ports": _PORTS}
    return _told("v1", "Service", name, spec, metadata={"annotations": seen})


def _exports(chance: Random) -> Spec:
    return chance.choice([{}, {}, {}, {"exportTo": ["*"]}, {"exportTo": ["."]}, {"exportTo": ["ns1"]}])


def _route(chance: Random, n: int) -> str:
    hosts = (f"{chance.choice(SERVICES)}.{_DOMAIN}", "svc0", f"*.ns1.{_DOMAIN}", "a.example")
    source = chance.choice([{}, {}, {"sourceNamespace": "ns2"}])
    route = {"route": [{"destination": {"host": f"{chance.choice(SERVICES)}.{_DOMAIN}"}}]}
    spec = {
        "hosts": [chance.choice(hosts)],
        "http": [{"match": [{"uri": {"prefix": "/v2"}, **source}], **route}, route],
        "tcp": [{"match": [{"port": 90, **source}], **route}],
        "tls": [{"match": [{"port": 443, "sniHosts": ["svc0.ns1", "a.example"], **source}], **route}],
    }
    return _told(_ISTIO, "VirtualService", f"vs{n}.{chance.choice(NAMESPACES)}", {**spec, **_exports(chance)})


def _rule(chance: Random, n: int) -> str:
    hosts = (*(f"{name}.{_DOMAIN}" for name in SERVICES), "svc0", "svc1", "*.local", "*", "a.example")
    policies = ({"tls": {"mode": "DISABLE"}}, {"tls": {"mode": "SIMPLE"}}, {"loadBalancer": {"simple": "PASSTHROUGH"}})
    spec: Spec = {"host": chance.choice(hosts), "trafficPolicy": chance.choice(policies), **_exports(chance)}
    if chance.random() < 0.2:
        spec["workloadSelector"] = {"matchLabels": {"app": "x"}}
    return _told(_ISTIO, "DestinationRule", f"dr{n}.{chance.choice(NAMESPACES)}", spec)


def _entry(chance: Random, n: int) -> str:
    hosts = ("a.example", "*.a.example", "plain", f"svc0.ns1.{_DOMAIN}", f"x.svc1.ns1.{_DOMAIN}", "svc0.ns1")
    spec = {
        "hosts": [chance.choice(hosts)],
        "ports": _ENTRY_PORTS,
        "resolution": chance.choice(("STATIC", "NONE", "DNS")),
        "location": chance.choice(("MESH_INTERNAL", "MESH_EXTERNAL")),
        "addresses": chance.choice(([], [f"10.97.0.{n}"])),
        "endpoints": chance.choice(([], [{"address": "10.98.0.1"}])),
    }
    return _told(_ISTIO, "ServiceEntry", f"se{n}.{chance.choice(NAMESPACES)}", {**spec, **_exports(chance)})


def _alias(chance: Random, n: int) -> str:
    target = chance.choice(("a.example", *(f"{name}.{_DOMAIN}" for name in SERVICES)))
    spec = {"type": "ExternalName", "externalName": target, "ports": _PORTS[:1]}
    return _told("v1", "Service", f"{('ext', 'svc1')[n % 2]}.{chance.choice(('ns2', 'elsewhere'))}", spec)


def _sidecar(chance: Random, n: int) -> str:
    hosts = chance.choice((["./*"], ["*/*"], ["ns1/*", "istio-system/*"]))
    return _told(_ISTIO, "Sidecar", f"sidecar{n}.{chance.choice(NAMESPACES)}", {"egress": [{"hosts": hosts}]})
