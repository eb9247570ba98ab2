"""Small meshes in a few words: each maker gives one document, ``lint`` runs one analyser over several."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from analyzer.mesh.load import parse_mesh
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.finding import LintFinding

Document = dict[str, Any]
NETWORKING = "networking.istio.io/v1"
SECURITY = "security.istio.io/v1"


class Make:
    """Makers of documents. A name is ``namespace/name``; ``created`` is a day of January 2026."""

    def resource(self, api: str, kind: str, name: str, spec: Any, *, created: int = 1, **metadata: Any) -> Document:
        namespace, _, own = name.rpartition("/")
        return {
            "apiVersion": api,
            "kind": kind,
            "metadata": {
                "name": own,
                **({"namespace": namespace} if namespace else {}),
                "creationTimestamp": f"2026-01-{created:02}T00:00:00Z",
                **metadata,
            },
            **({"spec": spec} if spec is not None else {}),
        }

    def namespace(self, name: str, **labels: str) -> Document:
        return self.resource("v1", "Namespace", name, None, labels=labels)

    def pod(self, name: str, ip: str = "", *, sidecar: bool = True, router: bool = False, **labels: str) -> Document:
        containers: list[Document] = [{"name": "app"}]
        if sidecar or router:
            args = ["proxy", "router"] if router else ["proxy", "sidecar"]
            containers.append({"name": "istio-proxy", "args": args})
        if sidecar and not router:
            labels = {**labels, "security.istio.io/tlsMode": "istio"}
        made = self.resource("v1", "Pod", name, {"containers": containers}, labels=labels)
        made["status"] = {
            "phase": "Running",
            "podIP": ip or "10.1.0.1",
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        return made

    def service(
        self, name: str, ports: Iterable[Document] = (), *, ip: str = "10.2.0.1", created: int = 1, **selector: str
    ) -> Document:
        spec = {"clusterIP": ip, "selector": selector, "ports": list(ports) or [{"name": "http", "port": 80}]}
        return self.resource("v1", "Service", name, spec, created=created)

    def external_name(self, name: str, target: str) -> Document:
        return self.resource("v1", "Service", name, {"type": "ExternalName", "externalName": target})

    def virtual_service(self, name: str, hosts: list[str], http: Any = None, *, created: int = 1, **spec: Any):
        rules = {"http": http} if http is not None else {}
        return self.resource(NETWORKING, "VirtualService", name, {"hosts": hosts, **rules, **spec}, created=created)

    def rule(self, host: str, *matches: Document, subset: str = "", port: int = 0, **more: Any) -> Document:
        """An HTTP rule to one destination."""
        destination: Document = {"host": host}
        destination |= {"subset": subset} if subset else {}
        destination |= {"port": {"number": port}} if port else {}
        return {**({"match": list(matches)} if matches else {}), "route": [{"destination": destination}], **more}

    def istio(self, kind: str, name: str, *, created: int = 1, **spec: Any) -> Document:
        return self.resource(NETWORKING, kind, name, spec, created=created)

    def policy(self, kind: str, name: str, *, created: int = 1, **spec: Any) -> Document:
        return self.resource(SECURITY, kind, name, spec, created=created)

    def mesh_config(self, **settings: Any) -> Document:
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "istio", "namespace": "istio-system"},
            "data": {"mesh": json.dumps(settings)},
        }


@pytest.fixture
def make() -> Make:
    return Make()


@pytest.fixture
def mesh_of() -> Callable[..., MeshSnapshot]:
    """A mesh of documents, one a line: the first stands on line 1."""

    def build(*documents: Document | str) -> MeshSnapshot:
        lines = [each if isinstance(each, str) else json.dumps(each) for each in documents]
        return parse_mesh("\n---\n".join(lines))

    return build


@pytest.fixture
def lint(mesh_of) -> Callable[..., list[LintFinding]]:
    """What one analyser says of documents, in the order of the report."""

    def run(analyse, *documents: Document | str) -> list[LintFinding]:
        return sorted(analyse(mesh_of(*documents)), key=lambda finding: finding.sort_key)

    return run


@pytest.fixture
def codes(lint) -> Callable[..., list[str]]:
    """The names of the codes that an analyser gives."""

    def run(analyse, *documents: Document | str) -> list[str]:
        return [finding.code.name for finding in lint(analyse, *documents)]

    return run
