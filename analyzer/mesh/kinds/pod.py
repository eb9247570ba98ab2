"""Pods (v1): whose Envoy it is, under which addresses, and whether there is one at all."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.mesh.resource import Node, Resource

PROXY_CONTAINER = "istio-proxy"


class ContainerPort(Fact, frozen=True):
    """A declared port of a container; only named target ports ever look at it.

    ``protocol`` as written: the API server always writes it, and istiod finds no named port where it is absent.
    """

    name: str
    port: int
    protocol: str


class Container(Fact, frozen=True):
    """A container. ``sidecar`` marks an init container that keeps running (restartPolicy Always)."""

    name: str
    ports: tuple[ContainerPort, ...]
    args: tuple[str, ...]
    environment: Mapping[str, str]
    init: bool = False
    sidecar: bool = False


class Pod(Fact, frozen=True, eq=False):
    """A pod. ``ips`` begins with its first address; ``service_account`` is ``default`` where none is named.

    ``host_ips`` are the addresses of its ``node``, which is empty where it is not known. ``terminating``: it was asked
    to end.
    """

    resource: Resource
    ips: tuple[str, ...]
    service_account: str
    phase: str
    ready: bool
    host_network: bool
    hostname: str
    subdomain: str
    containers: tuple[Container, ...]
    proxy: Container | None
    host_ips: tuple[str, ...] = ()
    node: str = ""
    terminating: bool = False

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self.resource.namespace

    @property
    def name(self) -> str:
        """Its name."""
        return self.resource.name

    @property
    def full_name(self) -> str:
        """``namespace/name``."""
        return self.resource.full_name

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return self.resource.labels

    @property
    def annotations(self) -> Mapping[str, str]:
        """Its annotations."""
        return self.resource.annotations

    @property
    def has_ended(self) -> bool:
        """Its containers have ended for good."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def is_gateway(self) -> bool:
        """Its Envoy runs as ``proxy router``: it has no sidecar and no iptables."""
        return self.proxy is not None and _runs_as("router", self.proxy.args)

    @property
    def is_waypoint(self) -> bool:
        """Its Envoy runs as ``proxy waypoint``, for pods of the ambient mesh."""
        return self.proxy is not None and _runs_as("waypoint", self.proxy.args)

    @property
    def has_sidecar(self) -> bool:
        """It has an ``istio-proxy`` that runs beside an application."""
        return self.proxy is not None and not (self.is_gateway or self.is_waypoint or self.host_network)


def _runs_as(role: str, args: tuple[str, ...]) -> bool:
    return any(args[i : i + 2] == ("proxy", role) for i in range(len(args)))


def parse_pod(resource: Resource) -> Pod:
    """The view of a Pod."""
    spec, status = resource.spec, resource.body.node("status")
    containers = [_parse_container(node) for node in spec.nodes("containers")]
    containers += [_parse_container(node, init=True) for node in spec.nodes("initContainers")]
    return Pod(
        resource=resource,
        ips=_addresses(status, "podIP"),
        service_account=spec.text("serviceAccountName") or "default",
        phase=status.text("phase"),
        ready=any(c.text("type") == "Ready" and c.text("status") == "True" for c in status.nodes("conditions")),
        host_network=spec.boolean("hostNetwork"),
        hostname=spec.text("hostname"),
        subdomain=spec.text("subdomain"),
        containers=tuple(containers),
        proxy=next((c for c in containers if c.name == PROXY_CONTAINER and (not c.init or c.sidecar)), None),
        host_ips=_addresses(status, "hostIP"),
        node=spec.text("nodeName"),
        terminating=bool(resource.body.node("metadata").text("deletionTimestamp")),
    )


def _addresses(status: Node, key: str) -> tuple[str, ...]:
    """The addresses of a field that has a plural (``podIP`` and ``podIPs``), the first one first, once each."""
    listed = [node.address("ip") for node in status.nodes(f"{key}s")]
    return tuple(dict.fromkeys(ip for ip in [status.address(key), *listed] if ip))


def _parse_container(node: Node, *, init: bool = False) -> Container:
    ports = (
        ContainerPort(port.text("name"), port.integer("containerPort"), port.text("protocol"))
        for port in node.nodes("ports")
    )
    return Container(
        name=node.text("name"),
        ports=tuple(ports),
        args=node.texts("args"),
        environment={
            e.text("name"): e.text("value") for e in node.nodes("env") if isinstance(e.value.get("value"), str)
        },
        init=init,
        sidecar=init and node.text("restartPolicy") == "Always",
    )
