"""A proxy as istiod knows it: whose it is, by which labels it is selected, which addresses it has."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.proxy_settings import proxy_setting
from analyzer.mesh.redirect import interception_mode
from analyzer.mesh.snapshot import MeshSnapshot


class Proxy(Fact, frozen=True):
    """An Envoy. ``pod`` is None where only namespace and labels are known; ``ips`` begins with the first address.

    ``router`` marks a gateway's: no Sidecar resource holds for it. ``binds`` marks interception mode NONE: every
    listener of its way out has a socket of its own. ``node`` is empty where it is not known. ``request_ids``: it gives
    an X-Request-Id to requests that have none.
    """

    namespace: str
    labels: tuple[tuple[str, str], ...]
    ips: tuple[str, ...] = ()
    pod: str | None = None
    dns_capture: bool = False
    http10: bool = False
    router: bool = False
    binds: bool = False
    node: str = ""
    request_ids: bool = True

    @property
    def label_map(self) -> Mapping[str, str]:
        """Its labels."""
        return dict(self.labels)

    @property
    def ipv4(self) -> bool:
        """Whether it has an IPv4 address, or none is known."""
        return not self.ips or any(":" not in ip for ip in self.ips)

    @property
    def ipv6(self) -> bool:
        """Whether it has an IPv6 address."""
        return any(":" in ip for ip in self.ips)

    @property
    def wildcard(self) -> str:
        """The address that its wildcard listeners are bound to."""
        return "0.0.0.0" if self.ipv4 else "::"

    @property
    def loopback(self) -> str:
        """The address that its listeners with a socket of their own are bound to."""
        return "127.0.0.1" if self.ipv4 else "::1"

    def supports(self, address: str) -> bool:
        """Whether it can use an address of that family."""
        return self.ipv6 if ":" in address else self.ipv4


def proxy_of(mesh: MeshSnapshot, pod: Pod) -> Proxy:
    """The proxy of a pod; its environment and annotation ``proxy.istio.io/config`` may turn DNS capture on."""
    return mesh.memo(("proxy", pod), lambda: _proxy_of(mesh, pod))


def _proxy_of(mesh: MeshSnapshot, pod: Pod) -> Proxy:
    environment = pod.proxy.environment if pod.proxy else {}
    return Proxy(
        namespace=pod.namespace,
        labels=tuple(sorted(pod.labels.items())),
        ips=pod.ips,
        pod=pod.name,
        dns_capture=_flag(environment, "ISTIO_META_DNS_CAPTURE", mesh.config.dns_capture),
        http10=environment.get("ISTIO_META_HTTP10") == "1" or mesh.config.http10,
        router=pod.is_gateway,
        binds=interception_mode(mesh, pod) == "NONE",
        node=pod.node,
        request_ids=_makes_request_ids(mesh, pod),
    )


def proxy_with(mesh: MeshSnapshot, namespace: str, labels: Mapping[str, str]) -> Proxy:
    """A proxy that is known by namespace and labels only."""
    return Proxy(
        namespace=namespace,
        labels=tuple(sorted(labels.items())),
        dns_capture=mesh.config.dns_capture,
        http10=mesh.config.http10,
        request_ids=_makes_request_ids(mesh, None),
    )


def _makes_request_ids(mesh: MeshSnapshot, pod: Pod | None) -> bool:
    """Whether it makes them: ``proxyHeaders`` may turn that off (proxy_headers.go GetProxyHeadersFromProxyConfig)."""
    return proxy_setting(mesh, pod, "proxyHeaders", "requestId", "disabled") is not True


def _flag(environment: Mapping[str, str], name: str, default: bool) -> bool:
    return environment[name] == "true" if name in environment else default
