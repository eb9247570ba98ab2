"""Meshes told in few words: resources as Python values, printed as the YAML that kubectl would give."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analyzer.mesh.load import parse_mesh
from analyzer.mesh.snapshot import MeshSnapshot

GROUPS = {
    "Namespace": "v1", "Pod": "v1", "Service": "v1", "ConfigMap": "v1", "Secret": "v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "PeerAuthentication": "security.istio.io/v1", "AuthorizationPolicy": "security.istio.io/v1",
    "RequestAuthentication": "security.istio.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1", "GRPCRoute": "gateway.networking.k8s.io/v1",
    "TLSRoute": "gateway.networking.k8s.io/v1", "TCPRoute": "gateway.networking.k8s.io/v1",
    "GatewayClass": "gateway.networking.k8s.io/v1", "ReferenceGrant": "gateway.networking.k8s.io/v1beta1",
}  # fmt: skip
ISTIO = "networking.istio.io/v1"


class World:
    """Collects resources; ``mesh()`` reads them as a snapshot. Every resource is younger than the one before it."""

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []
        self.addresses = 10

    def add(
        self,
        kind: str,
        name: str,
        spec: dict[str, Any] | None = None,
        *,
        namespace: str = "shop",
        labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None,
        api: str = "",
        **rest: Any,
    ) -> World:
        created = f"2026-01-01T{len(self.documents) // 60:02}:{len(self.documents) % 60:02}:00Z"
        metadata = {
            "name": name, "namespace": namespace, "labels": labels or {}, "annotations": annotations or {},
            "creationTimestamp": created,
        }  # fmt: skip
        document = {"apiVersion": api or GROUPS.get(kind, ISTIO), "kind": kind, "metadata": metadata}
        self.documents.append({**document, **({"spec": spec} if spec is not None else {}), **rest})
        return self

    def pod(
        self,
        name: str = "web-0",
        *,
        namespace: str = "shop",
        labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None,
        ip: str = "",
        proxy: list[str] | None = None,
        sidecar: bool = True,
        ports: list[dict[str, Any]] | None = None,
        env: list[dict[str, str]] | None = None,
        **spec: Any,
    ) -> World:
        """A pod with a sidecar, or none, or a gateway where ``proxy`` gives the proxy's arguments."""
        self.addresses += 1
        containers: list[dict[str, Any]] = [{"name": "app", "ports": ports or []}]
        if sidecar or proxy:
            containers.append({"name": "istio-proxy", "args": proxy or ["proxy", "sidecar"], "env": env or []})
        address = ip or f"10.0.0.{self.addresses}"
        status = {"podIP": address, "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        if labels is None:
            labels = {"app": name.partition("-")[0]}
        if sidecar and not proxy:
            labels = {"security.istio.io/tlsMode": "istio", **labels}
        whole = {"containers": containers, "serviceAccountName": name.partition("-")[0], **spec}
        return self.add(
            "Pod", name, whole, namespace=namespace, labels=labels, annotations=annotations, status=status
        )  # fmt: skip

    def service(
        self, name: str = "web", *ports: dict[str, Any], namespace: str = "shop", ip: str = "", **spec: Any
    ) -> World:
        """A Service that selects ``app: NAME``; headless where ``ip`` is ``None`` as text."""
        self.addresses += 1
        address = ip or f"10.96.0.{self.addresses}"
        whole = {"clusterIP": address, "ports": list(ports), "selector": {"app": name}, **spec}
        return self.add("Service", name, whole, namespace=namespace)

    def settings(self, **config: Any) -> World:
        """MeshConfig, as the ConfigMap that holds it."""
        return self.add("ConfigMap", "istio", namespace="istio-system", data={"mesh": json.dumps(config)})

    def mesh(self) -> MeshSnapshot:
        return parse_mesh("\n---\n".join(json.dumps(document) for document in self.documents))


@pytest.fixture
def world() -> World:
    return World()
