"""A mesh told in short: pods, services and rules as Python values, one document a line in the YAML that is read."""

from __future__ import annotations

import json

import pytest

from analyzer.mesh.load import parse_mesh
from analyzer.mesh.proxy import proxy_of
from analyzer.verdict.decide import decide
from analyzer.verdict.question import Question

ISTIO = "networking.istio.io/v1"


class Town:
    """Documents in the making. Names are ``namespace/name``; document n (0-based) stands on line 2n + 1."""

    def __init__(self) -> None:
        self.documents: list[dict] = []
        self.addresses = 10

    def add(self, api: str, kind: str, name: str, *, spec=None, labels=None, annotations=None, created=None, **body):
        namespace, _, short = name.rpartition("/")
        metadata = {"name": short}
        if namespace:
            metadata["namespace"] = namespace
        extra = {"labels": labels, "annotations": annotations, "creationTimestamp": created}
        metadata |= {key: value for key, value in extra.items() if value}
        document = {"apiVersion": api, "kind": kind, "metadata": metadata, **body}
        if spec is not None:
            document["spec"] = spec
        self.documents.append(document)
        return self

    def namespace(self, name, **labels):
        return self.add("v1", "Namespace", name, labels=labels)

    def pod(self, name, ip=None, *, sidecar=True, ready=True, account="default", labels=None, gateway=False, **more):
        self.addresses += 1
        ip = ip or f"10.1.0.{self.addresses}"
        app = name.rpartition("/")[2].rpartition("-")[0]
        labels = {"app": app, **({"security.istio.io/tlsMode": "istio"} if sidecar else {}), **(labels or {})}
        proxy = {"name": "istio-proxy", "args": ["proxy", "router" if gateway else "sidecar"]}
        containers = [{"name": "app"}, *([proxy] if sidecar or gateway else [])]
        conditions = [{"type": "Ready", "status": str(ready)}]
        status = {"podIP": ip, "podIPs": [{"ip": ip}], "phase": "Running", "conditions": conditions}
        spec = {"serviceAccountName": account, "containers": containers}
        return self.add("v1", "Pod", name, spec=spec, labels=labels, status=status, **more)

    def service(self, name, ip=None, ports=("http:80:8080",), *, selector=None, headless=False, **more):
        """``ports`` are ``name:port:target``, with ``:appProtocol`` where there is one."""
        app = name.rpartition("/")[2]
        spec = {"ports": [self._port(each) for each in ports], "selector": selector or {"app": app}}
        address = "None" if headless else ip
        if address:
            spec |= {"clusterIP": address, "clusterIPs": [address]}
        return self.add("v1", "Service", name, spec=spec, **more)

    @staticmethod
    def _port(text):
        name, port, target, *app_protocol = text.split(":")
        found = {"name": name, "port": int(port), "targetPort": int(target) if target.isdigit() else target}
        return found | ({"appProtocol": app_protocol[0]} if app_protocol else {})

    def alias(self, name, target, **more):
        return self.add("v1", "Service", name, spec={"type": "ExternalName", "externalName": target}, **more)

    def entry(self, name, hosts, ports, **spec):
        """``ports`` are ``name:number:protocol``."""
        parts = [each.split(":") for each in ports]
        listed = [{"name": n, "number": int(number), "protocol": protocol} for n, number, protocol in parts]
        return self.add(ISTIO, "ServiceEntry", name, spec={"hosts": hosts, "ports": listed, **spec})

    def rule(self, kind, name, /, *, created=None, **spec):
        return self.add(ISTIO, kind, name, created=created, spec=spec)

    def security(self, kind, name, /, **spec):
        return self.add("security.istio.io/v1", kind, name, spec=spec)

    def settings(self, **mesh):
        return self.add("v1", "ConfigMap", "istio-system/istio", data={"mesh": json.dumps(mesh)})

    @property
    def text(self) -> str:
        return "\n---\n".join(json.dumps(document) for document in self.documents)

    def mesh(self):
        return parse_mesh(self.text, file="town.yaml")

    def proxy(self, name):
        mesh = self.mesh()
        return mesh, proxy_of(mesh, mesh.pod(*name.split("/")))

    def ask(self, source, to, host=None, **more):
        """The decision for one call from ``namespace/pod`` to ``ip:port``."""
        namespace, _, pod = source.partition("/")
        address, _, port = to.rpartition(":")
        question = Question(namespace, pod or None, address=address, port=int(port), host=host, **more)
        return decide(self.mesh(), question)


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def market() -> Town:
    """A client, a service of two pods, a headless Service and an opaque one, all with sidecars."""
    built = Town().namespace("shop").pod("shop/sleep-0", "10.1.0.1", account="sleep")
    built.pod("shop/web-0", "10.1.0.2").pod("shop/web-1", "10.1.0.3").service("shop/web", "10.9.0.1")
    built.pod("shop/db-0", "10.1.0.4").service("shop/db", ports=("tcp:5432:5432", "http:8080:8080"), headless=True)
    return built.pod("shop/cache-0", "10.1.0.5").service("shop/cache", "10.9.0.2", ports=("tcp:6379:6379",))
