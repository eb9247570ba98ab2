"""Connections told as talks: who sent which bytes when, and what a parser would say of them."""

from __future__ import annotations

import json

import pytest

from analyzer.flow.connection import Endpoint
from analyzer.mesh.load import parse_mesh
from analyzer.verdict.decision import Decision, Inbound, LocalResponse, Outbound
from analyzer.verdict.record import CallRecord, Leg, Observed
from made.talk import H2_ALPN, HTTP_ALPN, TCP_ALPN, Talk, app_leg, delivery_leg, upstream_leg


@pytest.fixture(scope="session")
def talk():
    """The class that tells connections."""
    return Talk


@pytest.fixture(scope="session")
def app():
    return app_leg


@pytest.fixture(scope="session")
def upstream():
    return upstream_leg


@pytest.fixture(scope="session")
def delivery():
    return delivery_leg


@pytest.fixture(scope="session")
def alpn():
    """What sidecars offer in their ClientHello, by what they carry."""
    return {"http": HTTP_ALPN, "h2": H2_ALPN, "tcp": TCP_ALPN}


def pod_yaml(name: str, ip: str, *, sidecar=True, router=False, labels="", annotations="") -> str:
    namespace, _, own = name.partition("/")
    containers = "\n  - name: app"
    if sidecar or router:
        containers += "\n  - name: istio-proxy" + ("\n    args: [proxy, router]" if router else "")
    return f"""
apiVersion: v1
kind: Pod
metadata:
  name: {own}
  namespace: {namespace}
  labels: {{{labels or f"app: {own}"}}}
  annotations: {{{annotations}}}
spec:
  containers:{containers}
status: {{phase: Running, podIP: {ip}, podIPs: [{{ip: {ip}}}], conditions: [{{type: Ready, status: "True"}}]}}
"""


def service_yaml(name: str, ip: str, *, port=9080, target=9080, port_name="http", selector="", endpoints=()) -> str:
    namespace, _, own = name.partition("/")
    listed = "\n".join(f"- {{addresses: [{each}], conditions: {{ready: true}}}}" for each in endpoints)
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: {own}, namespace: {namespace}}}
spec:
  clusterIP: {ip}
  selector: {{{selector or f"app: {own}"}}}
  ports: [{{name: {port_name}, port: {port}, targetPort: {target}, protocol: TCP}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {{name: {own}-s, namespace: {namespace}, labels: {{kubernetes.io/service-name: {own}}}}}
addressType: IPv4
ports: [{{name: {port_name}, port: {target}, protocol: TCP}}]
endpoints:
{listed or "[]"}
"""


STRICT_YAML = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
"""


def small_mesh(*extra: str):
    """Pods ``shop/sleep-0`` (10.244.1.10, port 5432 excluded) and ``shop/reviews-0`` (10.244.1.11) with sidecars,
    ``legacy/naked-0`` (10.244.2.9) without, ``edge/gateway-0`` (10.244.3.5), and service reviews at 10.96.0.11:9080."""
    parts = (
        pod_yaml("shop/sleep-0", "10.244.1.10", annotations='traffic.sidecar.istio.io/excludeOutboundPorts: "5432"'),
        pod_yaml("shop/reviews-0", "10.244.1.11", labels="app: reviews"),
        pod_yaml("legacy/naked-0", "10.244.2.9", sidecar=False),
        pod_yaml("edge/gateway-0", "10.244.3.5", router=True),
        service_yaml("shop/reviews", "10.96.0.11", endpoints=("10.244.1.11",)),
        *extra,
    )
    return parse_mesh("---".join(parts))


@pytest.fixture(scope="session")
def shop():
    """A function that gives a small mesh, with more YAML where it is asked for."""
    return small_mesh


@pytest.fixture(scope="session")
def resource():
    """A function that gives a resource as text, from its kind, ``namespace/name`` and spec."""

    def tell(api: str, kind: str, name: str, spec, **rest) -> str:
        namespace, _, own = name.rpartition("/")
        metadata = {"name": own, "namespace": namespace}
        return f"\n{json.dumps({'apiVersion': api, 'kind': kind, 'metadata': metadata, 'spec': spec, **rest})}\n"

    return tell


@pytest.fixture(scope="session")
def security(resource):
    """A function that gives a resource of Istio's security, by default in the namespace of the sidecars."""
    return lambda kind, spec, name="shop/own": resource("security.istio.io/v1", kind, name, spec)


@pytest.fixture(scope="session")
def strict_yaml() -> str:
    """Mutual TLS is required in the whole mesh."""
    return STRICT_YAML


@pytest.fixture(scope="session")
def pod_text():
    return pod_yaml


@pytest.fixture(scope="session")
def service_text():
    return service_yaml


REVIEWS_CLUSTER = "outbound|9080||reviews.shop.svc.cluster.local"


def decided(
    verdict="service-matched", reason="service", *, cluster=REVIEWS_CLUSTER, code=None, flag=None, refused=None,
    undetermined=(), gateway=None, steps=(),
) -> Decision:  # fmt: skip
    """A decision; with ``flag`` the client's Envoy answers by itself, with ``refused`` (0 for a close) the server's."""
    response = LocalResponse(code, flag) if flag or code else None
    inbound = None
    if refused is not None:
        inbound = Inbound("shop/reviews-0", "virtualInbound", None, response=LocalResponse(refused or None, None))
    outbound = Outbound(cluster=cluster, response=response) if cluster or response else None
    return Decision(verdict, reason, tuple(undetermined), outbound, gateway, inbound, tuple(steps))


@pytest.fixture(scope="session")
def decision():
    """A function that gives decisions."""
    return decided


OWN_LEG = Leg("app-to-sidecar", "a.pcap", Endpoint("10.244.1.10", 48172), Endpoint("10.96.0.11", 9080), 2, 9)


def recorded(decision: Decision | None = None, **fields) -> CallRecord:
    """A record of ``shop/sleep-0`` asking for reviews."""
    values = {
        "id": "1", "captures": ("a.pcap",), "packets": (("a.pcap", 2, 9),), "pod": "shop/sleep-0",
        "client": Endpoint("10.244.1.10", 48172), "server": Endpoint("10.96.0.11", 9080), "server_pod": None,
        "request": 1, "protocol": "http/1.1", "host": "reviews", "method": "GET", "path": "/", "sni": None, "alpn": (),
        "decision": decision or decided(), "observed": Observed(), "legs": (OWN_LEG,),
        "first_ns": 1_000, "last_ns": 2_000,
        "uid": "C1", "community_id": "1:abc", "conn_state": "SF", "history": "ShADadfF",
    }  # fmt: skip
    return CallRecord(**{**values, **fields})


@pytest.fixture(scope="session")
def record():
    """A function that gives call records."""
    return recorded
