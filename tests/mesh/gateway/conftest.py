"""Meshes around one gateway, told in few words."""

import pytest

API = "gateway.networking.k8s.io/v1"


class Edge:
    """A mesh with the gateway's pod ``edge/gw-0``."""

    def __init__(self, world):
        self.world = world.pod(
            "gw-0", namespace="edge", ip="10.0.9.9", proxy=["proxy", "router"], labels={"istio": "gw"}
        )

    def service(self, *ports, name="gw", namespace="edge", labels=None):
        """A Service for the gateway's pod; ports are (number, target)."""
        listed = [{"name": f"p-{a}", "port": a, "targetPort": b, "protocol": "TCP"} for a, b in ports]
        spec = {"clusterIP": "10.96.9.9", "ports": listed, "selector": {"istio": "gw"}}
        self.world.add("Service", name, spec, namespace=namespace, labels=labels)
        return self

    def gateway(self, name, *servers, namespace="edge", selector=None):
        """A Gateway of Istio; by default for the pod."""
        spec = {"selector": {"istio": "gw"} if selector is None else selector, "servers": list(servers)}
        self.world.add("Gateway", name, spec, namespace=namespace)
        return self

    def virtual_service(self, name, *hosts, gateways=("gw",), namespace="edge", **spec):
        whole = {"hosts": list(hosts), "gateways": list(gateways), **spec}
        self.world.add("VirtualService", name, whole, namespace=namespace)
        return self

    def api_gateway(self, name, *listeners, namespace="edge", annotations=None, labels=None, **spec):
        whole = {"gatewayClassName": "istio", "listeners": list(listeners), **spec}
        self.world.add("Gateway", name, whole, namespace=namespace, annotations=annotations, labels=labels, api=API)
        return self

    def route(self, kind, name, *parents, namespace="edge", **spec):
        """A route of the Gateway API; a parent is a Gateway's name, or the whole reference."""
        refs = [{"name": parent} if isinstance(parent, str) else parent for parent in parents]
        self.world.add(kind, name, {"parentRefs": refs, **spec}, namespace=namespace)
        return self

    def mesh(self):
        return self.world.mesh()


@pytest.fixture
def edge(world):
    return Edge(world)


@pytest.fixture(scope="session")
def server():
    """A function that gives a server of a Gateway."""

    def make(number=80, protocol="HTTP", *hosts, name="", **rest):
        port = {"number": number, "protocol": protocol, "name": name or f"{protocol.lower()}-{number}"}
        return {"port": port, "hosts": list(hosts or ("*",)), **rest}

    return make


@pytest.fixture(scope="session")
def listener():
    """A function that gives a listener of a Gateway API Gateway."""

    def make(name="web", port=80, protocol="HTTP", **rest):
        return {"name": name, "port": port, "protocol": protocol, **rest}

    return make


@pytest.fixture(scope="session")
def gateway_pod():
    """A function that gives the gateway's pod of a mesh."""
    return lambda mesh: mesh.pod("edge", "gw-0")
